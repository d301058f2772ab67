import { beforeEach, describe, expect, it } from 'vitest';
import { METRICS, type Metric } from '../../../../protocol/metrics/catalogue.ts';
import { until } from '../../../support/until.ts';
import { request, User } from '../../support/api.ts';
import { emptyPool } from '../../support/pool.ts';
import { FakeRunner } from '../../support/runner.ts';
import { ran } from '../../support/scene.ts';

const admin = new User('admin', { claims: { scope: 'admin' } });

beforeEach(emptyPool);

/** A sample of Prometheus's text format. */
interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}
interface Exposed {
  readonly types: Readonly<Record<string, string>>;
  readonly samples: readonly Sample[];
}

/** Parses what `GET /metrics` answers, as strictly as Prometheus's own tools. */
async function scrape(): Promise<Exposed> {
  const { status, body, headers } = await request('/metrics', {
    headers: { authorization: `Bearer ${await admin.token}` },
  });
  expect(status, JSON.stringify(body)).toBe(200);
  expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  const text = body as string;
  expect(text.endsWith('\n')).toBe(true);
  const types: Record<string, string> = {};
  const helped = new Set<string>();
  const samples: Sample[] = [];
  let current = '';
  for (const line of text.slice(0, -1).split('\n')) {
    const [, help] = /^# HELP (\S+) \S.*$/.exec(line) ?? [];
    const [, typed, type] = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line) ?? [];
    if (help !== undefined) {
      expect(helped.has(help), line).toBe(false);
      helped.add(help);
      continue;
    }
    if (typed !== undefined && type !== undefined) {
      expect(Object.hasOwn(types, typed), line).toBe(false);
      expect(helped.has(typed), line).toBe(true);
      types[typed] = type;
      current = typed;
      continue;
    }
    const [, name = '', labels = '', value = ''] =
      /^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)*)\})? (-?\d[\d.e+-]*)$/.exec(line) ?? expect.fail(line);
    expect([current, `${current}_bucket`, `${current}_sum`, `${current}_count`]).toContain(name);
    if (types[current] !== 'histogram') expect(name, line).toBe(current);
    const pairs = [...labels.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)].map(([, key = '', of = '']) => [key, of]);
    samples.push({ name, labels: Object.fromEntries(pairs) as Sample['labels'], value: Number(value) });
  }
  expect(new Set(samples.map(({ name, labels }) => JSON.stringify([name, labels]))).size).toBe(samples.length);
  return { types, samples };
}

const valueOf = ({ samples }: Exposed, name: string, labels: Record<string, string> = {}): number =>
  samples
    .filter((one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value))
    .reduce((sum, { value }) => sum + value, 0);

describe('GET /metrics', () => {
  it('is in Prometheus’s format: each metric of the catalogue once, with its own labels and whole histograms', async () => {
    const { user, container, id } = await ran();
    await user.call('GET', '/sessions/none');
    const exposed = await scrape();
    const catalogue = Object.entries<Metric>(METRICS);
    expect(exposed.types).toEqual(Object.fromEntries(catalogue.map(([name, { type }]) => [name, type])));
    const known = new Map(
      catalogue.flatMap(([name, metric]): [string, string[]][] => {
        const runner = name.startsWith('cc_docker_runner_') && !metric.labels.includes('runner') ? ['runner'] : [];
        const labels = [...runner, ...metric.labels].toSorted();
        if (metric.type !== 'histogram') return [[name, labels]];
        const bucket: [string, string[]] = [`${name}_bucket`, [...labels, 'le'].toSorted()];
        return [bucket, [`${name}_sum`, labels], [`${name}_count`, labels]];
      }),
    );
    for (const { name, labels } of exposed.samples)
      expect(Object.keys(labels).toSorted(), name).toEqual(known.get(name));
    for (const [name, { type }] of catalogue) {
      if (type === 'counter') expect(name).toMatch(/_total$/);
      if (type === 'histogram') expect(name).toMatch(/_seconds$/);
    }
    const route = { method: 'GET', route: '/api/v1/sessions/{session_id}', status: '4xx' };
    const buckets = exposed.samples.filter(
      ({ name, labels }) =>
        name === 'cc_docker_http_request_duration_seconds_bucket' &&
        Object.entries(route).every(([key, value]) => labels[key] === value),
    );
    expect(buckets.map(({ value }) => value)).toEqual(buckets.map(({ value }) => value).toSorted((a, b) => a - b));
    expect(buckets.at(-1)).toMatchObject({ labels: { le: '+Inf' } });
    expect(buckets.at(-1)?.value).toBe(valueOf(exposed, 'cc_docker_http_request_duration_seconds_count', route));
    expect(container.launch.epoch).toBe(1);
    // What is reported late is not to be counted as the next test's.
    const { body: view } = await user.call('GET', `/sessions/${id}`);
    await until(async () => {
      const now = await scrape();
      expect(valueOf(now, 'cc_docker_sessions', { state: 'idle' })).toBeGreaterThanOrEqual(1);
      expect(valueOf(now, 'cc_docker_events_stored_total')).toBeGreaterThanOrEqual(view.last_seq);
    });
  });

  it('counts sessions by state, turns with their tokens and cost, events, waits and viewers', async () => {
    // Those of the tests before have left.
    await expect.poll(async () => valueOf(await scrape(), 'cc_docker_viewers')).toBe(0);
    const before = await scrape();
    const { user, runner, id, container } = await ran();
    const { body: chat } = await user.call('POST', `/sessions/${id}/chat`, { prompt: 'hi' });
    const { message_id } = await container.prompt();
    container.result(message_id, 'done');
    await container.stored();
    const watching = await user.open(id, '?after=0');
    const stream = await user.stream(id);
    const since = async (name: string, labels: Record<string, string> = {}) =>
      valueOf(await scrape(), name, labels) - valueOf(before, name, labels);
    expect(chat.message_id).toBeDefined();
    await expect.poll(() => since('cc_docker_sessions', { state: 'idle' })).toBe(1);
    // Each look takes a while, and a runner that says nothing for a minute is given up.
    const now = await scrape();
    const grown = (name: string, labels: Record<string, string> = {}) =>
      valueOf(now, name, labels) - valueOf(before, name, labels);
    expect(grown('cc_docker_sessions_created_total', { kind: 'direct' })).toBe(1);
    expect(grown('cc_docker_turns_total', { origin: 'user', outcome: 'completed' })).toBe(1);
    expect(grown('cc_docker_turn_duration_seconds_count', { outcome: 'completed' })).toBe(1);
    expect(grown('cc_docker_cost_usd_total')).toBeCloseTo(0.25);
    const kinds = ['input', 'output', 'cache_creation', 'cache_read'];
    const tokens = kinds.map((kind) => grown('cc_docker_tokens_total', { kind }));
    expect(tokens).toEqual([10, 5, 7, 9]);
    const { body: view } = await user.call('GET', `/sessions/${id}`);
    expect(grown('cc_docker_events_stored_total')).toBe(view.last_seq);
    expect(grown('cc_docker_event_stored_bytes_total')).toBeGreaterThan(view.last_seq * 2);
    expect(grown('cc_docker_place_wait_seconds_count')).toBe(1);
    expect(grown('cc_docker_stored_bytes')).toBeGreaterThan(0);
    expect(grown('cc_docker_viewers', { transport: 'websocket' })).toBe(1);
    expect(grown('cc_docker_viewers', { transport: 'sse' })).toBe(1);
    const reader = stream.body?.getReader();
    await reader?.read();
    const read = await scrape();
    for (const transport of ['websocket', 'sse']) {
      const labels = { transport };
      const sent = valueOf(read, 'cc_docker_viewer_bytes_total', labels);
      expect(sent, transport).toBeGreaterThan(valueOf(before, 'cc_docker_viewer_bytes_total', labels));
    }
    watching.close();
    await reader?.cancel();
    await expect.poll(() => since('cc_docker_viewers')).toBe(0);
    await user.call('POST', `/sessions/${id}/stop`);
    await runner.end(container, 'stopped_by_user');
    await expect.poll(() => since('cc_docker_sessions', { state: 'stopped' })).toBe(1);
    await user.call('DELETE', `/sessions/${id}`);
    await expect.poll(() => since('cc_docker_sessions', { state: 'stopped' })).toBe(0);
  });

  it('has what runners say that they have counted, under their names, and nothing else that they say', async () => {
    const runner = await FakeRunner.connect('builder-7', { metrics: { cc_docker_runner_launches_total: 1 } });
    const health = { ok: true, detail: 'fine' };
    const metrics = {
      'cc_docker_runner_egress_bytes_total{direction="sent"}': 512,
      'cc_docker_runner_model_call_duration_seconds_bucket{le="0.5"}': 2,
      cc_docker_runner_model_call_duration_seconds_sum: 0.8,
      'cc_docker_of_tomorrow_total{runner="x"}': 1,
    };
    runner.send({ kind: 'health', health, storage: health, metrics });
    await expect
      .poll(async () => valueOf(await scrape(), 'cc_docker_runner_egress_bytes_total', { runner: 'builder-7' }))
      .toBe(512);
    const exposed = await scrape();
    const calls = { runner: 'builder-7', le: '+Inf' };
    expect(valueOf(exposed, 'cc_docker_runner_model_call_duration_seconds_bucket', calls)).toBe(2);
    expect(valueOf(exposed, 'cc_docker_runner_model_call_duration_seconds_sum')).toBe(0.8);
    expect(valueOf(exposed, 'cc_docker_runner_ok', { runner: 'builder-7' })).toBe(1);
    expect(JSON.stringify(exposed)).not.toContain('of_tomorrow');
    runner.control.close();
    await expect.poll(async () => JSON.stringify(await scrape())).not.toContain('builder-7');
  });

  it.each([{ 'x{a="b"} 1\ny': 1 }, { 'x{a="b\\""}': 1 }, { x: -1 }, { X: 1 }])(
    'takes no series that would break the format: %j',
    async (metrics) => {
      const runner = await FakeRunner.connect();
      const health = { ok: true, detail: 'fine' };
      runner.send({ kind: 'health', health, storage: health, metrics });
      expect((await runner.control.closed()).code).toBe(4400);
    },
  );

  it('names nothing that a tenant can choose', async () => {
    const user = new User('bait-owner');
    const { body } = await user.call('POST', '/sessions', { config: { model: 'bait-model', title: 'bait-title' } });
    await user.call('GET', `/sessions/${body.session_id}/files/bait`);
    await request('/bait', { method: 'PURGE' });
    const { samples } = await scrape();
    expect(JSON.stringify(samples)).not.toMatch(/bait/i);
    expect(JSON.stringify(samples)).not.toContain(body.session_id);
  });
});
