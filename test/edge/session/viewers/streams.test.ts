import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PROTOCOL } from '../../../../protocol/link/protocol-version.ts';
import { User } from '../../support/api.ts';
import { Reader } from '../../support/reader.ts';
import { emptyPool } from '../../support/pool.ts';
import { FakeRunner, type FakeContainer } from '../../support/runner.ts';
import { sessionObject } from '../../support/scene.ts';
import { useSettings } from '../../support/edge-settings.ts';
import { evict } from '../../support/setup/evict.ts';

beforeEach(emptyPool);
afterEach(() => {
  vi.useRealTimers();
});

async function scene() {
  const user = new User();
  const runner = await FakeRunner.connect();
  const id = await user.createSession();
  return { user, runner, id, container: await runner.start(id) };
}

/** Lets time pass, for the objects too. */
function pass(seconds: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1000 });
}

/** Has the session's alarm come after so many seconds. */
async function alarmAfter(id: string, seconds: number): Promise<void> {
  pass(seconds);
  await runDurableObjectAlarm(sessionObject(id));
}

/** Events of a quarter of a megabyte: together twice what is kept for streams that are behind. */
const ROUNDS = 32;

const said = (text: string) => ({ type: 'assistant', message: { content: [{ type: 'text', text }] } });
const preview = (n: number) => ({ kind: 'preview', line: `{"type":"stream_event","n":${n}}` });
/** The answer to a prompt. */
const isAnswer = ({ type }: { type: string }) => type === 'accepted' || type === 'error';
const isPing = ({ type }: { type?: string }) => type === 'ping';

describe('previews over Server-Sent Events', () => {
  it('come in their places between the events, without an id', async () => {
    const { user, id, container } = await scene();
    const reader = new Reader(await user.stream(id, {}, '?previews=true'));
    await reader.until(/"status":"idle"/);
    reader.text = '';
    const line = JSON.stringify(said('one'));
    const frames = [preview(1), { kind: 'items', first: 2, items: [line] }, preview(2), preview(3)];
    container.data.send(frames.map((frame) => JSON.stringify(frame)).join('\n'));
    await reader.until(/"n":3/);
    container.data.send({ kind: 'items', first: 3, items: [JSON.stringify(said('two'))] });
    await reader.until(/"two"/);
    await reader.cancel();
    const messages = reader.text.split('\n\n').filter((message) => message.includes('data: '));
    const names = messages.map((message) => /"n":(\d)/.exec(message)?.[1] ?? /"text":"(\w+)"/.exec(message)?.[1]);
    expect(names).toEqual(['1', 'one', '2', '3', 'two']);
    const previews = messages.filter((message) => message.includes('"n":'));
    for (const message of previews) {
      expect(message).toMatch(/^event: stream_event\ndata: \{"time":"[^"]+","type":"stream_event","data":\{.*\}\}$/);
    }
    expect(messages.filter((message) => message.includes('id: '))).toHaveLength(2);
  });

  it('come only to those who ask for them', async () => {
    const { user, id, container } = await scene();
    const reader = new Reader(await user.stream(id));
    await reader.until(/"status":"idle"/);
    container.data.send(preview(1));
    container.say(said('one'));
    await reader.until(/"one"/);
    await reader.cancel();
    expect(reader.text).not.toContain('stream_event');
    const pages = await user.call('GET', `/sessions/${id}/events?previews=true`);
    expect(pages).toMatchObject({
      status: 422,
      body: { code: 'invalid_request', detail: expect.stringMatching(/live/) },
    });
  });

  it('cannot be made to end a message early by a container that breaks its lines', async () => {
    const { user, id, container } = await scene();
    const reader = new Reader(await user.stream(id, {}, '?previews=true'));
    await reader.until(/"status":"idle"/);
    container.data.send({ kind: 'preview', line: '{"type":"stream_event",\n\n"n":1}' });
    container.say('{"type":"a\\nid: 999\\n\\nevent: session.status","x":\r\n\r\n1}');
    await reader.until(/"x":/);
    await reader.cancel();
    expect(reader.text).not.toContain('id: 999\n');
    expect(reader.text).toContain('"n":1}');
    expect(reader.text).toMatch(/"x": +1\}/);
  });
});

/** What the session tells of previews. */
const isNotice = ({ kind }: { kind: string }) => kind === 'previews';

/** The runner says what it speaks. */
async function greet({ data, launch: { epoch } }: FakeContainer): Promise<void> {
  await data.next(({ kind }) => kind === 'welcome');
  data.send({ kind: 'hello', epoch, taken: 0, protocol: PROTOCOL });
  await data.next(({ kind }) => kind === 'welcome');
}

describe('previews that nobody is shown', () => {
  const off = { kind: 'previews', wanted: false };
  const on = { kind: 'previews', wanted: true };

  it('are not asked for, until somebody comes who is', async () => {
    const { user, id, container } = await scene();
    await greet(container);
    container.data.send(preview(1));
    expect(await container.data.next(isNotice)).toEqual(off);
    // Who reads events alone is not shown them.
    const events = new Reader(await user.stream(id));
    expect(await container.data.next(isNotice)).toEqual(on);
    container.data.send(preview(2));
    expect(await container.data.next(isNotice)).toEqual(off);
    const reader = new Reader(await user.stream(id, {}, '?previews=true'));
    expect(await container.data.next(isNotice)).toEqual(on);
    container.data.send(preview(3));
    await reader.until(/"n":3/);
    await Promise.all([reader.cancel(), events.cancel()]);
  });

  it('come as ever from a runner that would not understand', async () => {
    const { container } = await scene();
    container.data.send(preview(1));
    container.say(said('one'));
    await container.stored();
    expect(container.data.unread(isNotice)).toBe(0);
  });

  it('are asked for by an object that begins anew, as soon as somebody comes', async () => {
    const { user, id, container } = await scene();
    await greet(container);
    container.data.send(preview(1));
    expect(await container.data.next(isNotice)).toEqual(off);
    await evict(sessionObject(id));
    const viewer = await user.open(id, '?after=0');
    expect(await container.data.next(isNotice)).toEqual(on);
    container.data.send(preview(2));
    await viewer.next((frame) => Array.isArray(frame) && frame.some(({ data }) => data.n === 2));
  });
});

/** Numbers of the events and of the previews that a stream has brought. */
async function numbersUntil(response: Response, last: number): Promise<{ events: number[]; previews: number[] }> {
  if (response.body === null) throw new Error('no body');
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const events: number[] = [];
  const previews: number[] = [];
  // A message at a time: to look through all of the text again for each chunk would take minutes.
  let rest = '';
  while (events.at(-1) !== last) {
    const { done, value = '' } = await reader.read();
    if (done) throw new Error(`the stream ended after ${events.at(-1)}`);
    const messages = (rest + value).split('\n\n');
    rest = messages.pop() ?? '';
    for (const message of messages) {
      const [, seq] = /^id: (\d+)$/m.exec(message) ?? [];
      if (seq !== undefined) events.push(Number(seq));
      const [, n] = /^event: stream_event\n.*"n":(\d+)/m.exec(message) ?? [];
      if (n !== undefined) previews.push(Number(n));
    }
  }
  await reader.cancel();
  return { events, previews };
}

describe('a reader of Server-Sent Events that is slow', () => {
  it('has every event in order when it reads again, and misses of the previews what nobody keeps for it', async () => {
    useSettings({ EVENT_KB_PER_SECOND: '0' });
    const { user, id, container } = await scene();
    const [slow, quick] = [await user.stream(id, {}, '?previews=true'), await user.stream(id, {}, '?previews=true')];
    const before = (await user.call('GET', `/sessions/${id}`)).body.last_seq;
    const last = before + ROUNDS;
    const keepsUp = numbersUntil(quick, last);
    const much = 'x'.repeat(250_000);
    for (let n = 1; n <= ROUNDS; n += 1) {
      container.data.send(preview(n));
      container.say(said(much));
      await container.stored();
    }
    const all = Array.from({ length: last }, (_, index) => index + 1);
    expect((await keepsUp).events).toEqual(all);
    const late = await numbersUntil(slow, last);
    expect(late.events).toEqual(all);
    expect(late.previews.length).toBeLessThan(ROUNDS);
    expect((await keepsUp).previews.length).toBeGreaterThan(late.previews.length);
  });
});

describe('an idle WebSocket', () => {
  it('is sent a ping each 30 s, by one alarm for all who watch', async () => {
    const { user, id } = await scene();
    const first = await user.open(id, '?after=0');
    await first.events(({ data }) => data?.status === 'idle');
    pass(10);
    const second = await user.open(id);
    await alarmAfter(id, 21);
    await first.next(isPing);
    await second.next(isPing);
    second.send({ type: 'pong' });
    second.send({ type: 'ping' });
    expect((await second.next(({ type }) => type === 'pong' || type === 'error')).type).toBe('pong');
    const next = await runInDurableObject(sessionObject(id), (_, ctx) => ctx.storage.getAlarm());
    expect(next).toBe(Date.now() + 30_000);
    await alarmAfter(id, 29);
    expect(first.unread(isPing)).toBe(0);
    await alarmAfter(id, 1);
    await first.next(isPing);
  });

  it('is not sent a ping for as long as events come, nor when its object was evicted in between', async () => {
    const { user, id, container } = await scene();
    const viewer = await user.open(id, '?after=0');
    await viewer.events(({ data }) => data?.status === 'idle');
    pass(20);
    container.say(said('busy'));
    await container.stored();
    await viewer.events(({ type }) => type === 'assistant');
    await evict(sessionObject(id));
    await alarmAfter(id, 20);
    expect(viewer.unread(isPing)).toBe(0);
    await alarmAfter(id, 10);
    await viewer.next(isPing);
  });

  it('whose viewers have left wakes its object no more', async () => {
    const { user, id } = await scene();
    /** Seconds until the next alarm. */
    const next = async () => {
      const at = await runInDurableObject(sessionObject(id), (_, ctx) => ctx.storage.getAlarm());
      return ((at ?? Infinity) - Date.now()) / 1000;
    };
    // What is due besides, such as the session's entry in the list.
    await alarmAfter(id, 5);
    expect(await next()).toBeGreaterThan(60);
    const viewer = await user.open(id);
    expect(await next()).toBe(30);
    viewer.close();
    await viewer.closed();
    await alarmAfter(id, 31);
    expect(await next()).toBeGreaterThan(60);
  });
});

// A token is good for half a minute after its `exp`, because clocks differ.
describe('a stream whose token expires', () => {
  it('is closed with 4401 when it is idle', async () => {
    const { user, id } = await scene();
    const viewer = await user.withToken({ expires: '-28s' }).open(id);
    const { code, reason } = await viewer.closed();
    expect({ code, reason }).toEqual({ code: 4401, reason: expect.stringContaining('token') });
  });

  it('takes no prompt any more, though no alarm has come and the object was evicted', async () => {
    const { user, id } = await scene();
    const viewer = await user.withToken({ expires: '-26s' }).open(id, '?after=0');
    await viewer.events(({ data }) => data?.status === 'idle');
    await evict(sessionObject(id));
    pass(8);
    viewer.send({ type: 'prompt', prompt: 'too late' });
    expect((await viewer.closed()).code).toBe(4401);
    expect(viewer.unread(({ type }) => type === 'accepted')).toBe(0);
    vi.useRealTimers();
    expect((await user.events(id)).map(({ type }) => type)).not.toContain('message.queued');
  });

  it('is shown nothing any more, while another’s goes on', async () => {
    const { user, id, container } = await scene();
    const short = await user.withToken({ expires: '-26s' }).open(id, '?after=0');
    const long = await user.open(id, '?after=0');
    await short.events(({ data }) => data?.status === 'idle');
    pass(8);
    container.say(said('secret'));
    await container.stored();
    expect((await short.closed()).code).toBe(4401);
    expect(short.unread()).toBe(0);
    await long.events(({ type }) => type === 'assistant');
  });

  it('ends when it is of Server-Sent Events too', async () => {
    const { user, id } = await scene();
    const reader = new Reader(await user.withToken({ expires: '-28s' }).stream(id));
    await reader.ended();
    expect(reader.text).toMatch(/: the token has expired\n\n$/);
  });

  it('goes on for as long as a token that lasts for ages says', async () => {
    const { user, id } = await scene();
    const viewer = await user.withToken({ expires: '900000 years' }).open(id);
    viewer.send({ type: 'ping' });
    await viewer.next(({ type }) => type === 'pong');
  });
});

describe('a prompt on a WebSocket', () => {
  it('with an idempotency_key is one message, however often and wherever it is sent', async () => {
    const { user, id, container } = await scene();
    const prompt = { type: 'prompt', prompt: 'once', idempotency_key: 'k' };
    const first = await user.open(id);
    first.send(prompt);
    const { message_id } = await first.next(isAnswer);
    const second = await user.open(id);
    second.send({ ...prompt, ref: 'again' });
    expect(await second.next(isAnswer)).toEqual({ type: 'accepted', message_id, ref: 'again' });
    const chat = await user.call('POST', `/sessions/${id}/chat`, { prompt: 'once' }, { 'idempotency-key': 'k' });
    expect(chat.body.message_id).toBe(message_id);
    second.send({ ...prompt, prompt: 'other' });
    expect(await second.next(isAnswer)).toMatchObject({ type: 'error', code: 'idempotency_key_reused' });
    expect((await container.prompt()).message_id).toBe(message_id);
    expect((await user.call('GET', `/sessions/${id}`)).body.queued_messages).toBe(0);
  });
});

describe('a viewer that sends without end', () => {
  it('is closed, with the setting’s name, and another is not', async () => {
    const user = new User();
    const id = await user.createSession();
    const [wild, calm] = [await user.open(id, '?after=0'), await user.open(id, '?after=0')];
    // On a slow machine, more come in than are sent.
    vi.useFakeTimers({ now: Date.now(), toFake: ['Date'] });
    // Ten seconds' worth is 5,000.
    for (let n = 0; n < 6_000; n += 1) wild.send({ type: 'pong' });
    const { code, reason } = await wild.closed();
    expect({ code, reason }).toEqual({ code: 4429, reason: expect.stringContaining('VIEWER_FRAMES_PER_SECOND') });
    calm.send({ type: 'ping' });
    await calm.next(({ type }) => type === 'pong');
    calm.close();
  });
});
