import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EventLog } from '../../../durable/session/store/tables/event-log.ts';
import { EventStreams } from '../../../durable/session/viewers/event-stream.ts';
import { FakeRunner } from '../support/runner.ts';
import { User } from '../support/api.ts';
import { operatorSets } from '../support/operator.ts';
import { emptyPool } from '../support/pool.ts';
import { park, ran, sessionObject, show, type Ran } from '../support/scene.ts';
import { evict } from '../support/setup/evict.ts';

beforeEach(emptyPool);
afterEach(() => {
  vi.useRealTimers();
});

const KB = 1024;
const line = (n: number, size: number) => ({ type: 'system', n, filler: 'x'.repeat(size) });

const page = async ({ user, id }: Ran, after = 0) =>
  (await user.call('GET', `/sessions/${id}/events?after=${after}&limit=1000`)).body;

/** Says so many lines, one transaction each. */
async function say({ container }: Ran, count: number, size: number): Promise<void> {
  for (let n = 0; n < count; n += 1) container.say(line(n, size));
  await container.stored();
}

/** Rows of a session's tables. */
const count = (id: string, table: string) =>
  runInDurableObject(sessionObject(id), (_, { storage }) =>
    storage.sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${table}`).one(),
  ).then(({ n }) => n);

/** The text of Server-Sent Events, until it matches. */
async function streamed({ user, id }: Ran, pattern: RegExp, headers = {}): Promise<string> {
  const reader = (await user.stream(id, headers)).body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (!pattern.test(text)) text += (await reader?.read())?.value ?? '';
  await reader?.cancel();
  return text;
}

describe('a log that outgrows EVENT_LOG_MB', () => {
  it('loses its oldest events, and says so to whoever asks for them', async () => {
    operatorSets({ EVENT_LOG_MB: 0.1 });
    const scene = await ran();
    await say(scene, 300, KB);
    const { data, gap, last_seq, next_cursor } = await page(scene);
    const first = data[0].seq;
    expect(gap).toEqual({ from: 1, to: first - 1 });
    expect(next_cursor).toBeNull();
    // No hole but the one that is said, and about as much as fits.
    expect(data.map(({ seq }: { seq: number }) => seq)).toEqual(data.map((_: unknown, at: number) => first + at));
    expect(data.at(-1).seq).toBe(last_seq);
    expect(data.length).toBeGreaterThan(80);
    expect(data.length).toBeLessThan(105);
    // What was not asked for is no gap.
    expect((await page(scene, first - 1)).gap).toBeUndefined();
    const before = async (seq: number) =>
      (await scene.user.call('GET', `/sessions/${scene.id}/events?before=${seq}&limit=10`)).body;
    expect(await before(first + 20)).toMatchObject({ prev_cursor: `${first + 10}` });
    expect((await before(first + 20)).gap).toBeUndefined();
    expect(await before(first + 10)).toMatchObject({ prev_cursor: null, gap: { from: 1, to: first - 1 } });
    expect((await before(first + 10)).data).toHaveLength(10);

    const { user, id } = scene;
    const viewer = await user.open(id, '?after=5');
    const [told] = await viewer.next();
    expect(told).toMatchObject({ type: 'session.gap', data: { from: 6, to: first - 1 } });
    expect((await viewer.next())[0].seq).toBe(first);
    const text = await streamed(scene, new RegExp(`id: ${last_seq}\n`), { 'last-event-id': '5' });
    expect(text).toMatch(/^event: session\.gap\ndata: \{"type":"session\.gap","data":\{"from":6,/);
    expect(text).toContain(`"to":${first - 1}}`);
    expect(text.match(/^id: (\d+)$/m)?.[1]).toBe(String(first));
  });

  it('loses the parts of large events with them, but never what has just come', async () => {
    operatorSets({ EVENT_LOG_MB: 1 });
    const scene = await ran();
    await say(scene, 2, 3_000 * KB);
    const { data } = await page(scene);
    expect(data.map(({ data: { n } }: { data: { n: number } }) => n)).toEqual([1]);
    await say(scene, 10, 100 * KB);
    expect(await count(scene.id, 'event_parts')).toBe(0);
  });

  it('tells a viewer that is slow where it goes on', async () => {
    operatorSets({ EVENT_LOG_MB: 1 });
    const scene = await ran();
    const { user, id } = scene;
    const viewer = await user.open(id, '?after=0&acks=true');
    await say(scene, 14, 1000 * KB);
    const last = (await show(user, id)).last_seq;
    const before = (await viewer.events(({ data }) => data?.n === 7)).at(-1).seq;
    viewer.send({ type: 'ack', seq: before });
    const rest = await viewer.events(({ seq }) => seq === last);
    // Each event that it misses is in a gap.
    let next = rest[0].seq ?? rest[0].data.from;
    let gaps = 0;
    for (const { type, seq, data } of rest) {
      if (type === 'session.gap') {
        expect(data.from).toBe(next);
        next = data.to + 1;
        gaps += 1;
      } else if (seq !== undefined) {
        expect(seq).toBe(next);
        next += 1;
      }
    }
    expect([gaps > 0, next]).toEqual([true, last + 1]);
  });

  it('tells a reader of a stream that is slow too', async () => {
    const scene = await ran();
    // More than a stream reads of the log at once.
    for (let part = 0; part < 3; part += 1) {
      scene.container.say(...Array.from({ length: 1000 }, (_, n) => line(1000 * part + n, 10)));
      await scene.container.stored();
    }
    const chunks = await runInDurableObject(sessionObject(scene.id), async (_, { storage }) => {
      const log = new EventLog(storage.sql);
      const options = { after: 0, previews: false, expires: Date.now() + 60_000, jti: null, issued: 0 };
      const reader = new EventStreams(log, { left: () => {}, sent: () => {} })
        .open(options)
        .pipeThrough(new TextDecoderStream())
        .getReader();
      const read: string[] = [];
      while (!read.join('').includes('id: 1\n')) read.push((await reader.read()).value ?? '');
      while (log.bytes > 10 * KB) log.prune({ maxBytes: 10 * KB, maxAgeMs: 0 }, Date.now(), () => {});
      while (!read.at(-1)?.includes(`id: ${log.last()}\n`)) read.push((await reader.read()).value ?? '');
      await reader.cancel();
      return read.join('');
    });
    const marks = [
      ...chunks.matchAll(/^(?:id: (\d+)|data: \{"type":"session\.gap","data":\{"from":(\d+),"to":(\d+)\}\})$/gm),
    ];
    expect(marks.some(([, , from]) => from !== undefined)).toBe(true);
    let next = 1;
    for (const [, id, from, to] of marks) {
      expect(Number(id ?? from)).toBe(next);
      next = Number(id ?? to) + 1;
    }
    expect(next).toBe((await show(scene.user, scene.id)).last_seq + 1);
  });

  it('is counted when an earlier version wrote it', async () => {
    const scene = await ran();
    await say(scene, 100, KB);
    await runInDurableObject(sessionObject(scene.id), (_, { storage }) => {
      storage.sql.exec('DROP TABLE log_extent');
    });
    operatorSets({ EVENT_LOG_MB: 0.05 });
    await evict(sessionObject(scene.id));
    await say(scene, 1, KB);
    const { data, gap } = await page(scene);
    expect(data.length).toBeLessThan(52);
    expect(gap.to).toBe(data[0].seq - 1);
  });

  it('takes what messages said along, and keeps what they cost', async () => {
    operatorSets({ EVENT_LOG_MB: 0.05 });
    const scene = await ran();
    const { user, id, container } = scene;
    const chat = (prompt: string) => user.call('POST', `/sessions/${id}/chat`, { prompt });
    const { body: old } = await chat('the first');
    container.result((await container.prompt()).message_id, 'its answer');
    const { body: waits } = await chat('the second');
    await say(scene, 100, KB);
    const message = async (of: string) => (await user.call('GET', `/sessions/${id}/messages/${of}`)).body;
    expect(await message(old.message_id)).toMatchObject({
      prompt: '',
      status: 'completed',
      result: null,
      total_cost_usd: 0.25,
    });
    expect(await message(waits.message_id)).toMatchObject({ prompt: 'the second', status: 'processing' });
    expect((await user.call('GET', `/sessions/${id}/turns`)).body.data).toMatchObject([{ total_cost_usd: 0.25 }]);
  });
});

/** Somebody whose token outlasts the test's days. */
const longLived = () => new User(undefined, { expires: '60d' });

describe('events that are older than EVENT_RETENTION_DAYS', () => {
  it('are deleted by the session’s alarm, all of them in the end, and the numbers go on', async () => {
    operatorSets({ EVENT_RETENTION_DAYS: 2 });
    const scene = await ran({}, longLived());
    const { id, user, runner } = scene;
    await say(scene, 500, 10);
    await park(scene);
    const { last_seq } = await page(scene);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 47 * 3_600_000 });
    await runDurableObjectAlarm(sessionObject(id));
    expect((await page(scene)).data).toHaveLength(last_seq);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2 * 3_600_000 });
    // One step does not do all of it. The next alarm follows at once.
    const steps: number[] = [];
    while ((steps.at(-1) ?? 1) > 0) {
      expect(await runDurableObjectAlarm(sessionObject(id))).toBe(true);
      steps.push(await count(id, 'events'));
    }
    expect(steps.length).toBeGreaterThan(2);
    expect(await page(scene)).toEqual({
      data: [],
      next_cursor: null,
      prev_cursor: null,
      last_seq,
      gap: { from: 1, to: last_seq },
    });
    expect(await streamed(scene, /\n\n/)).toContain(`"to":${last_seq}}`);

    await evict(sessionObject(id));
    expect((await show(user, id)).last_seq).toBe(last_seq);
    // It has said nothing for two days by the held clock: the pool may have given it up already.
    runner.control.close();
    await runner.control.closed();
    const { runner: again } = await FakeRunner.reconnect(runner.name, []);
    await user.call('POST', `/sessions/${id}/chat`, { prompt: 'wake' });
    await again.start(id);
    const { data, gap } = await page(scene);
    expect([data[0].seq, gap]).toEqual([last_seq + 1, { from: 1, to: last_seq }]);
  });

  it('are kept for ever with 0', async () => {
    const scene = await ran({}, longLived());
    await say(scene, 5, 10);
    await park(scene);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 29 * 86_400_000 });
    await runDurableObjectAlarm(sessionObject(scene.id));
    expect((await page(scene)).data[0].seq).toBe(1);
  });
});
