import { env } from 'cloudflare:test';
import { beforeEach, describe, expect, it } from 'vitest';
import { User } from '../../support/api.ts';
import { until } from '../../../support/until.ts';
import { emptyPool } from '../../support/pool.ts';
import { FakeContainer, FakeRunner, isCommand } from '../../support/runner.ts';
import { evict } from '../../support/setup/evict.ts';

beforeEach(emptyPool);

async function scene() {
  const user = new User();
  const runner = await FakeRunner.connect();
  const id = await user.createSession();
  return { user, runner, id, container: await runner.start(id) };
}

const text = (n: number) => ({ type: 'assistant', message: { content: [{ type: 'text', text: `line ${n}` }] } });
const preview = (n: number) => ({ kind: 'preview', line: `{"type":"stream_event","n":${n}}` });
const items = (first: number, n: number) => ({ kind: 'items', first, items: [JSON.stringify(text(n))] });
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** The lines of Claude Code's in a log, by what they say. */
const said = (events: { type: string; data: object }[]) =>
  events.filter(({ type }) => type === 'assistant').map(({ data }) => data);

describe('the event log', () => {
  it('numbers from 1 without holes, the same in pages, on the WebSocket and as Server-Sent Events', async () => {
    const { user, id, container } = await scene();
    container.say(...numbers(1, 450).map(text));
    await container.stored();
    const pages = [];
    for (let after: string | null = '0'; after !== null;) {
      const { body } = await user.call('GET', `/sessions/${id}/events?after=${after}&limit=100`);
      pages.push(...body.data);
      after = body.next_cursor;
    }
    expect(pages.map(({ seq }) => seq)).toEqual(numbers(1, pages.length));
    expect(said(pages)).toEqual(numbers(1, 450).map(text));
    const viewer = await user.open(id, '?after=0');
    expect(await viewer.events(({ seq }) => seq === pages.length)).toEqual(pages);
    const reader = (await user.stream(id)).body?.pipeThrough(new TextDecoderStream()).getReader();
    let stream = '';
    while (!stream.includes(`id: ${pages.length}\n`)) stream += (await reader?.read())?.value ?? '';
    await reader?.cancel();
    const ids = [...stream.matchAll(/^id: (\d+)$/gm)].map(([, seq]) => Number(seq));
    expect(ids).toEqual(numbers(1, pages.length));
  });

  it('gives the newest page first, and the pages before it, without a hole', async () => {
    const { user, id, container } = await scene();
    container.say(...numbers(1, 250).map(text));
    await container.stored();
    const all = await user.events(id);
    const seen = [];
    for (let before: string | null = '9007199254740991'; before !== null;) {
      const { body } = await user.call('GET', `/sessions/${id}/events?before=${before}&limit=100`);
      expect(body.next_cursor).toBe(seen.length === 0 ? null : `${body.data.at(-1).seq}`);
      expect(body.last_seq).toBe(all.length);
      seen.unshift(...body.data);
      before = body.prev_cursor;
    }
    expect(seen).toEqual(all);
    const none = await user.call('GET', `/sessions/${id}/events?before=1`);
    expect(none.body).toEqual({ data: [], next_cursor: '0', prev_cursor: null, last_seq: all.length });
    const middle = await user.call('GET', `/sessions/${id}/events?after=100&limit=50`);
    expect(middle.body).toMatchObject({ next_cursor: '150', prev_cursor: '101' });
  });

  it('begins a page at a time', async () => {
    const { user, id, container } = await scene();
    container.say(text(1));
    await container.stored();
    const earlier = (await user.events(id)).length;
    const since = new Date(Date.now() + 1).toISOString();
    await until(() => Date.now() > Date.parse(since));
    container.say(text(2));
    await container.stored();
    const later = await user.call('GET', `/sessions/${id}/events?since=${since}`);
    expect(later.body.data.map(({ seq }: { seq: number }) => seq)).toEqual([earlier + 1]);
    // Its own time is no later than it.
    const own = await user.call('GET', `/sessions/${id}/events?since=${later.body.data[0].time}`);
    expect(own.body.data).toEqual(later.body.data);
    const all = await user.call('GET', `/sessions/${id}/events?since=2000-01-01T00:00:00Z`);
    expect(all.body.data).toHaveLength(earlier + 1);
    const none = await user.call('GET', `/sessions/${id}/events?since=2100-01-01T00:00:00Z`);
    expect(none.body).toMatchObject({ data: [], next_cursor: null, prev_cursor: `${earlier + 2}` });
    expect((await user.call('GET', `/sessions/${id}/events?after=1&before=3`)).status).toBe(422);
  });

  it('tells a wrapper that comes back how far it is, and orders it what it has not taken', async () => {
    const { user, id, runner, container } = await scene();
    container.say(text(1));
    await container.stored();
    await user.call('POST', `/sessions/${id}/chat`, { prompt: 'lost on the way' });
    await container.data.next(({ kind }) => kind === 'command');
    const again = await FakeContainer.connect(container.launch, 0);
    expect((await container.data.closed()).code).toBe(4409);
    expect(await again.data.next()).toMatchObject({ kind: 'welcome', stored: 2 });
    expect((await again.prompt()).prompt).toBe('lost on the way');
    const third = await FakeContainer.connect(container.launch, 1);
    expect(await third.data.next()).toMatchObject({ kind: 'welcome', stored: 2 });
    expect(third.data.unread(isCommand)).toBe(0);
    expect(runner.name).toBeDefined();
  });

  it('takes last words of an epoch that has ended while no other has begun', async () => {
    const { user, id, runner, container } = await scene();
    await runner.end(container);
    container.say(text(1));
    await container.stored();
    expect(said(await user.events(id))).toEqual([text(1)]);
  });

  it('keeps Claude Code’s lines byte for byte, of types that it does not know too', async () => {
    const { user, id, container } = await scene();
    const line =
      '{"type":"from_the_future", "n":1.0, "big":123456789012345678901234567890, "twice":1,"twice":2, "ü":"\\u00fc"}';
    container.say(line);
    await container.stored();
    const viewer = await user.open(id);
    container.say(line);
    const { body } = await user.call('GET', `/sessions/${id}/events?after=0`);
    const plain = await viewer.next(({ type }) => type === 'from_the_future');
    expect(plain).toEqual(JSON.parse(line));
    const raw = (await user.stream(id)).body?.pipeThrough(new TextDecoderStream()).getReader();
    let stream = '';
    while (!stream.includes('from_the_future')) stream += (await raw?.read())?.value ?? '';
    await raw?.cancel();
    expect(stream).toContain(`"data":${line}}`);
    expect(body.data.at(-1).type).toBe('from_the_future');
  });

  it('carries an event that is larger than a row may be, split where no character breaks', async () => {
    const { user, id, container } = await scene();
    // Four bytes a character: 6 MB, and pairs of surrogates across every place where it may be cut.
    const large = { type: 'user', text: `x${'😀'.repeat(1_500_000)}` };
    container.say(large);
    await container.stored();
    const events = await user.events(id);
    expect(events.at(-1)?.data).toEqual(large);
  });

  it('does not take from a container what only CC-Docker may say, nor what is not JSON', async () => {
    const { user, id, container } = await scene();
    container.say(
      { type: 'session.status', status: 'failed' },
      { type: 'message.completed' },
      'not json',
      '[1]',
      '{"a":1}',
    );
    await container.stored();
    const after = (await user.events(id)).slice(-5);
    expect(after.map(({ type }) => type)).toEqual(Array.from({ length: 5 }, () => 'session.garbled'));
    expect((await user.call('GET', `/sessions/${id}`)).body.status).toBe('idle');
  });

  it('keeps control traffic of Claude Code out of the log', async () => {
    const { user, id, container } = await scene();
    container.say({ type: 'control_response', response: { subtype: 'success', request_id: 'r1' } }, text(1));
    await container.stored();
    expect((await user.events(id)).map(({ type }) => type)).not.toContain('control_response');
  });

  it('survives the object being evicted, with those who watch', async () => {
    const { user, id, container } = await scene();
    const viewer = await user.open(id, '?after=0');
    container.say(text(1));
    await container.stored();
    await evict(env.SESSION.get(env.SESSION.idFromName(id)));
    container.say(text(2));
    await container.stored();
    const events = await viewer.events(
      ({ type, data }) => type === 'assistant' && data.message.content[0].text === 'line 2',
    );
    expect(events.map(({ seq }) => seq)).toEqual(numbers(1, events.length));
  });
});

const egress = (n: number) => ({
  host_notice: 'egress',
  host: `h${n}.example.test`,
  port: 443,
  verdict: 'refused',
  rule: 'no rule allows it',
  count: 1,
  bytes_sent: 0,
  bytes_received: 0,
});

describe('what the runner itself has to say', () => {
  it('is stored once, in order, beside what the container says, and acknowledged by itself', async () => {
    const { user, id, container } = await scene();
    container.data.send({ kind: 'host', first: 1, notices: [egress(1), egress(2)] });
    expect(await container.data.next(({ kind, stored }) => kind === 'host_ack' && stored > 0)).toMatchObject({
      stored: 2,
    });
    container.say(text(1));
    container.data.send({ kind: 'host', first: 2, notices: [egress(2), egress(3)] });
    container.data.send({ kind: 'host', first: 9, notices: [egress(9)] });
    expect(await container.data.next(({ kind, stored }) => kind === 'host_ack' && stored === 3)).toBeDefined();
    const events = (await user.events(id)).filter(({ type }) => type === 'session.egress');
    expect(events.map(({ data }) => data['host'])).toEqual([1, 2, 3].map((n) => `h${n}.example.test`));
    expect(events[0]?.data).toMatchObject({ epoch: 1, port: 443, verdict: 'refused' });
    const again = await FakeContainer.connect(container.launch, 0);
    expect(await again.data.next(({ kind }) => kind === 'host_ack')).toEqual({ kind: 'host_ack', stored: 3 });
  });

  it('is told of the seal: that it holds, or what does not, and then nothing runs', async () => {
    const user = new User();
    const runner = await FakeRunner.connect();
    const begin = async (id: string) => await FakeContainer.connect(await runner.launch(id));
    const sound = await user.createSession();
    const first = await begin(sound);
    first.say({ notice: 'sealed', probes: ['network', 'capabilities'] });
    await first.stored();
    expect((await user.events(sound)).at(-1)).toMatchObject({
      type: 'session.sealed',
      data: { probes: ['network', 'capabilities'] },
    });
    const id = await user.createSession();
    const container = await begin(id);
    container.say({ notice: 'seal_broken', failed: [{ probe: 'network', detail: 'eth0 is there' }] });
    await container.stored();
    await runner.end(container);
    const { body } = await user.call('GET', `/sessions/${id}`);
    expect(body).toMatchObject({ status: 'failed', reason: { code: 'seal_broken' } });
    expect(body.reason.detail).toContain('network (eth0 is there)');
  });
});

describe('a viewer', () => {
  it('resumes from a cursor and misses nothing that is said meanwhile', async () => {
    const { user, id, container } = await scene();
    container.say(...numbers(1, 20).map(text));
    await container.stored();
    const first = await user.open(id, '?after=0');
    const seen = await first.events(({ type }) => type === 'assistant');
    first.close();
    container.say(...numbers(21, 40).map(text));
    const cursor = seen.at(-1).seq;
    const second = await user.open(id, `?after=${cursor}`);
    const rest = await second.events(({ data }) => data?.message?.content[0].text === 'line 40');
    expect(rest.map(({ seq }) => seq)).toEqual(numbers(cursor + 1, cursor + rest.length));
  });

  it('sees previews as they come, without a place in the log', async () => {
    const { user, id, container } = await scene();
    const viewer = await user.open(id, '?after=0');
    await viewer.events(({ data }) => data?.status === 'idle');
    const before = await user.events(id);
    container.data.send({ kind: 'preview', line: '{"type":"stream_event","event":{"type":"message_start"}}' });
    const preview = (await viewer.next())[0];
    expect(preview).toMatchObject({ type: 'stream_event', data: { event: { type: 'message_start' } } });
    expect(preview).not.toHaveProperty('seq');
    container.say(text(1));
    expect((await viewer.next())[0]).toMatchObject({ seq: before.length + 1, type: 'assistant' });
  });

  it('sees events and previews that came in one message in the order in which they were said', async () => {
    const { user, id, container } = await scene();
    const viewer = await user.open(id, '?after=0');
    await viewer.events(({ data }) => data?.status === 'idle');
    const said = [preview(1), items(2, 1), preview(2), preview(3), items(3, 2)];
    container.data.send(said.map((frame) => JSON.stringify(frame)).join('\n'));
    const frame = await viewer.next();
    expect(frame.map(({ data }: { data: { n?: number } }) => data.n ?? 'event')).toEqual([1, 'event', 2, 3, 'event']);
    expect(await container.data.next(({ kind, stored }) => kind === 'ack' && stored === 3)).toBeDefined();
  });

  it('without a cursor is spoken to in the seed’s dialect: Claude Code’s messages, one a frame, from now on', async () => {
    const { user, id, container } = await scene();
    container.say(text(1));
    await container.stored();
    const viewer = await user.open(id);
    viewer.send({ type: 'prompt', prompt: 'Hello' });
    const accepted = await viewer.next(({ type }) => type === 'accepted');
    const { message_id } = await container.prompt();
    expect(accepted).toEqual({ type: 'accepted', message_id });
    container.say(text(2));
    expect(await viewer.next(({ type }) => type === 'assistant')).toEqual(text(2));
    container.result(message_id, 'Hi');
    expect(await viewer.next(({ type }) => type === 'result')).toMatchObject({ subtype: 'success', result: 'Hi' });
  });

  it('that reads a long log without acknowledging is sent a bounded part and told to come back', async () => {
    const { user, id, container } = await scene();
    for (let n = 0; n < 10; n += 1) container.say({ type: 'user', n, filling: 'x'.repeat(5_000_000) });
    await container.stored();
    const viewer = await user.open(id, '?after=0');
    const { code, reason } = await viewer.closed();
    expect(code).toBe(4408);
    expect(reason).toContain('?after=');
    let last = 0;
    while (viewer.unread() > 0) for (const { seq } of await viewer.next()) last = seq;
    const next = await user.open(id, `?after=${last}`);
    expect((await next.next())[0].seq).toBe(last + 1);
  });

  it('that acknowledges reads a long log to its end on one connection', async () => {
    const { user, id, container } = await scene();
    for (let n = 0; n < 10; n += 1) container.say({ type: 'user', n, filling: 'x'.repeat(5_000_000) });
    await container.stored();
    const end = (await user.call('GET', `/sessions/${id}`)).body.last_seq;
    const viewer = await user.open(id, '?after=0&acks=true');
    for (let seq = 0; seq < end; viewer.send({ type: 'ack', seq })) seq = (await viewer.next()).at(-1).seq;
    viewer.send({ type: 'ping' });
    expect(await viewer.next(({ type }) => type === 'pong')).toBeDefined();
  });
});
