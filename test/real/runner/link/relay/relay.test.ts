import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { CloseCode } from '../../../../../protocol/close-code.ts';
import type { RunnerNotice } from '../../../../../protocol/link/runner-notice.ts';
import { MAX_CONTENT_BYTES, MAX_FRAME_BYTES, MAX_TEXT_BYTES } from '../../../../../protocol/settings/limits.ts';
import type { SessionFrame } from '../../../../../protocol/link/wrapper/wrapper-link.ts';
import type { LinkItem, WrapperFrame } from '../../../../../protocol/link/wrapper/wrapper-notice.ts';
import { Relay } from '../../../../../runner/link/relay/relay.ts';
import { Changes } from '../../../../support/changes.ts';
import { FakeEdge } from '../../../../support/runner/fake-edge.ts';
import { keptLog } from '../../../../support/quiet-log.ts';
import { scratch } from '../../../../support/scratch.ts';

const ID = '0190a0a0-0000-7000-8000-000000000001';

async function setUp(options: { fresh?: boolean; pingMs?: number } = {}) {
  const edge = await FakeEdge.start();
  const linkPath = path.join(scratch(), 'link.sock');
  const refused: string[] = [];
  const notices: string[] = [];
  const modelPaused: boolean[] = [];
  const pulse = new Changes();
  let isUnresponsive = false;
  const { log, lines } = keptLog();
  const relay = await Relay.open({
    linkPath,
    epoch: 3,
    url: `${edge.url}/api/v1/runner/sessions/${ID}/data`,
    token: 'token',
    fresh: options.fresh ?? true,
    log,
    onRefused: (why) => refused.push(why),
    onNotice: ({ notice }) => notices.push(notice),
    onModelPaused: (paused) => modelPaused.push(paused),
    onUnresponsive: () => {
      isUnresponsive = true;
      pulse.notify();
    },
    ...(options.pingMs !== undefined && { pingMs: options.pingMs }),
    backoff: { minMs: 1, maxMs: 20 },
  });
  onTestFinished(async () => {
    await relay.close();
    await edge.close();
  });
  const gaveUp = async () => void (await pulse.until(() => isUnresponsive));
  const isGivenUp = () => isUnresponsive;
  return { edge, session: edge.session(ID), relay, linkPath, refused, notices, modelPaused, lines, gaveUp, isGivenUp };
}

/** A wrapper by hand. `answers`: what is pinged. */
async function connect(linkPath: string, answers = true) {
  const socket = net.connect(linkPath);
  const changes = new Changes();
  const received: SessionFrame[] = [];
  // The parts of a line: put together only once it is whole, for one may be of megabytes.
  let parts: string[] = [];
  let closed = false;
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    const [first = '', ...rest] = chunk.split('\n');
    parts.push(first);
    for (const next of rest) {
      const frame: SessionFrame = JSON.parse(parts.join(''));
      received.push(frame);
      if (frame.kind === 'ping' && answers) send({ kind: 'pong', number: frame.number });
      parts = [next];
    }
    changes.notify();
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    closed = true;
    changes.notify();
  });
  await once(socket, 'connect');
  const send = (frame: WrapperFrame) => socket.write(`${JSON.stringify(frame)}\n`);
  return {
    socket,
    received,
    send,
    hello: (taken = 0) => send({ kind: 'hello', epoch: 3, taken }),
    say: (first: number, ...items: LinkItem[]) => send({ kind: 'items', first, items }),
    frame: async (kind: SessionFrame['kind'], skip = 0) =>
      await changes.until(() => received.filter((frame) => frame.kind === kind)[skip]),
    closed: async () => await changes.until(() => closed),
  };
}

test('a wrapper is welcomed while the edge is away, and all that it says arrives when the edge is back', async () => {
  const { edge, session, linkPath } = await setUp();
  edge.leave();
  const wrapper = await connect(linkPath);
  wrapper.hello();
  await wrapper.frame('welcome');
  wrapper.say(1, 'said into the void');
  edge.comeBack();
  await edge.changes.until(() => session.items.length === 1);
});

test('a container that dies while the edge is away still has its last words stored, and only then is it drained', async () => {
  const { edge, session, relay, linkPath } = await setUp();
  const wrapper = await connect(linkPath);
  wrapper.hello();
  wrapper.say(1, 'before');
  await edge.changes.until(() => session.items.length === 1);
  edge.leave();
  for (let n = 2; n <= 500; n++) wrapper.say(n, `line ${n} ${'x'.repeat(500)}`);
  wrapper.socket.end();
  await wrapper.closed();
  await relay.containerEnded();
  let drained = false;
  const done = relay.drained().then(() => (drained = true));
  expect(drained).toBe(false);
  edge.comeBack();
  await done;
  expect(session.items).toHaveLength(500);
  expect(session.items.at(-1)).toMatch(/^line 500 /);
});

test('frames that were in flight when the connection broke are sent again, once stored', async () => {
  const { edge, session, relay, linkPath } = await setUp();
  const wrapper = await connect(linkPath);
  wrapper.hello();
  wrapper.say(1, 'a');
  await edge.changes.until(() => session.items.length === 1);
  session.mute = true;
  wrapper.say(2, 'b');
  wrapper.say(3, 'c');
  wrapper.socket.destroy();
  await relay.containerEnded();
  session.mute = false;
  session.socket?.terminate();
  await relay.drained();
  expect(session.items).toEqual(['a', 'b', 'c']);
});

test('breaks on both sides, again and again, lose and double nothing', async () => {
  const { edge, session, linkPath } = await setUp();
  const total = 60;
  let taken = 0;
  for (let n = 1; n <= total;) {
    const wrapper = await connect(linkPath);
    wrapper.hello(taken);
    const welcome = await wrapper.frame('welcome');
    if (welcome.kind !== 'welcome') throw new Error('unreachable');
    const end = Math.min(total, n + 9);
    wrapper.say(
      welcome.stored + 1,
      ...Array.from({ length: end - welcome.stored }, (_, at) => `${welcome.stored + 1 + at}`),
    );
    edge.prompt(ID, `p${taken + 1}`);
    const command = await wrapper.frame('command');
    if (command.kind !== 'command') throw new Error('unreachable');
    expect(command.number).toBe(taken + 1);
    taken += 1;
    if (n % 20 === 1) session.socket?.terminate();
    n = end + 1;
    if (n % 3 === 0) wrapper.socket.destroy();
    else wrapper.socket.end();
  }
  await edge.changes.until(() => session.items.length === total);
  expect(session.items).toEqual(Array.from({ length: total }, (_, at) => `${at + 1}`));
});

test('a command that came while no wrapper was there waits for it, and is not repeated once taken', async () => {
  const { edge, session, linkPath } = await setUp();
  const first = await connect(linkPath);
  first.hello();
  await edge.changes.until(() => session.hellos.length === 1);
  first.socket.destroy();
  edge.prompt(ID, 'one');
  const second = await connect(linkPath);
  second.hello();
  expect(await second.frame('command')).toMatchObject({ number: 1 });
  second.send({ kind: 'taken', command: 1 });
  await edge.changes.until(() => session.taken === 1);
  edge.prompt(ID, 'two');
  await second.frame('command', 1);
  second.socket.destroy();
  const third = await connect(linkPath);
  third.hello(1);
  expect(await third.frame('command')).toMatchObject({ number: 2 });
});

test('of an adopted container the session says what it has, before the wrapper goes on', async () => {
  const { edge, session, linkPath } = await setUp({ fresh: false });
  session.items.push('1', '2', '3');
  const wrapper = await connect(linkPath);
  wrapper.hello(7);
  expect(await wrapper.frame('welcome')).toMatchObject({ kind: 'welcome', stored: 3 });
  wrapper.say(4, '4');
  await edge.changes.until(() => session.items.length === 4);
  expect(session.hellos).toMatchObject([{ kind: 'hello', epoch: 3, taken: 7 }]);
});

test('while the wrapper answers, who else connects is refused, and nothing of it is heard', async () => {
  const { edge, session, linkPath, lines } = await setUp();
  const wrapper = await connect(linkPath);
  wrapper.hello();
  await wrapper.frame('welcome');
  const forger = await connect(linkPath);
  forger.hello();
  forger.say(1, 'forged');
  await forger.closed();
  wrapper.say(1, 'true');
  await edge.changes.until(() => session.items.length > 0);
  expect([session.items, forger.received]).toEqual([['true'], []]);
  expect(lines.join('')).toContain('a second connection');
});

test('who connects to a busy wrapper’s socket waits, and takes its place when that is gone', async () => {
  const { edge, session, linkPath } = await setUp({ pingMs: 2 ** 30 });
  const first = await connect(linkPath, false);
  first.hello();
  await first.frame('welcome');
  const second = await connect(linkPath);
  second.hello();
  await first.frame('ping');
  first.say(1, 'its last word');
  first.socket.end();
  const welcome = await second.frame('welcome');
  second.say(welcome.kind === 'welcome' ? welcome.stored + 1 : 0, 'its last word', 'and the next');
  await edge.changes.until(() => session.items.length > 1);
  expect(session.items).toEqual(['its last word', 'and the next']);
});

test('a wrapper that stands still is given up, and whoever waits for its place is never heard', async () => {
  const { session, linkPath, gaveUp } = await setUp({ pingMs: 20 });
  const wrapper = await connect(linkPath);
  wrapper.hello();
  await wrapper.frame('ping', 10);
  wrapper.socket.pause();
  const forger = await connect(linkPath);
  forger.hello();
  forger.say(1, 'forged');
  await gaveUp();
  expect([session.items, forger.received]).toEqual([[], []]);
});

test('a wrapper that is gone while its container runs is given up; one that comes back is not', async () => {
  const { linkPath, gaveUp, isGivenUp } = await setUp({ pingMs: 20 });
  for (let round = 0; round < 10; round += 1) {
    const wrapper = await connect(linkPath);
    wrapper.hello();
    await wrapper.frame('ping', 1);
    wrapper.socket.destroy();
  }
  expect(isGivenUp()).toBe(false);
  await gaveUp();
});

test('a wrapper that is not read, because its session is away, is not given up', async () => {
  const { edge, session, linkPath, isGivenUp } = await setUp({ pingMs: 20 });
  const wrapper = await connect(linkPath);
  wrapper.hello();
  await wrapper.frame('welcome');
  edge.leave();
  // More than the runner keeps.
  for (let n = 1; n <= 6; n += 1) wrapper.say(n, 'x'.repeat(20 * 1024 * 1024));
  // Until another one has been pinged so often.
  const other = await setUp({ pingMs: 20 });
  await (await connect(other.linkPath)).frame('ping', 20);
  expect(isGivenUp()).toBe(false);
  edge.comeBack();
  await edge.changes.until(() => session.items.length === 6);
});

test('a wrapper in a container that is paused is not given up, and has all its time when it goes on', async () => {
  const { relay, linkPath, gaveUp, isGivenUp } = await setUp({ pingMs: 20 });
  const wrapper = await connect(linkPath);
  wrapper.hello();
  await wrapper.frame('ping', 2);
  relay.setPaused(true);
  wrapper.socket.pause();
  const other = await setUp({ pingMs: 20 });
  await (await connect(other.linkPath)).frame('ping', 20);
  expect(isGivenUp()).toBe(false);
  relay.setPaused(false);
  wrapper.socket.resume();
  const seen = wrapper.received.length;
  await wrapper.frame('ping', seen + 2);
  expect(isGivenUp()).toBe(false);
  wrapper.socket.pause();
  await gaveUp();
});

test('what a wrapper joins goes out as it comes; a rush without end comes in few messages', async () => {
  const { edge, session, linkPath } = await setUp();
  const wrapper = await connect(linkPath);
  wrapper.hello();
  await wrapper.frame('welcome');
  await edge.changes.until(() => session.socket);
  let messages = 0;
  session.socket?.on('message', () => (messages += 1));
  for (let n = 1; n <= 200; n += 1) {
    wrapper.say(n, `line ${n}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await edge.changes.until(() => session.items.length === 200);
  expect(messages).toBeLessThan(100);
});

test('a gap is asked for again, once', async () => {
  const { edge, session, linkPath } = await setUp();
  const wrapper = await connect(linkPath);
  wrapper.hello();
  await wrapper.frame('welcome');
  wrapper.say(2, 'b');
  wrapper.say(3, 'c');
  expect(await wrapper.frame('resend')).toEqual({ kind: 'resend', from: 1 });
  wrapper.say(1, 'a', 'b', 'c');
  await edge.changes.until(() => session.items.length === 3);
  await wrapper.frame('ack');
  expect(wrapper.received.filter((frame) => frame.kind === 'resend')).toHaveLength(1);
});

test('a message with the largest images and documents is one command', async () => {
  const { edge, linkPath } = await setUp();
  const wrapper = await connect(linkPath);
  wrapper.hello();
  // Its text is in it twice, and can be six times as long in JSON.
  const prompt = 'x'.repeat(MAX_CONTENT_BYTES + 6 * MAX_TEXT_BYTES);
  edge.prompt(ID, prompt);
  expect(await wrapper.frame('command')).toMatchObject({ number: 1, command: { command: 'prompt', prompt } });
});

test('a line without end is cut off at the largest frame', async () => {
  const { linkPath, lines } = await setUp();
  const wrapper = await connect(linkPath);
  const chunk = Buffer.alloc(4 * 1024 * 1024, 'x');
  for (let sent = 0; sent <= MAX_FRAME_BYTES; sent += chunk.length) wrapper.socket.write(chunk);
  await wrapper.closed();
  expect(lines.join('')).toContain('too long');
});

test.each([
  [CloseCode.notFound, 'not_found'],
  [CloseCode.staleEpoch, 'stale_epoch'],
  [CloseCode.unauthorized, 'unauthorized'],
])('close code %i is for good: it says so, and is drained with words left', async (code, why) => {
  const { session, relay, linkPath, refused, edge } = await setUp();
  const wrapper = await connect(linkPath);
  wrapper.hello();
  wrapper.say(1, 'a');
  await edge.changes.until(() => session.items.length === 1);
  session.mute = true;
  wrapper.say(2, 'b');
  session.refuseWith = code;
  session.socket?.close(code);
  wrapper.socket.destroy();
  await relay.containerEnded();
  await relay.drained();
  expect(refused).toEqual([why]);
});

test('an HTTP error is for good only when the edge itself gives it', async () => {
  const { edge, session, linkPath, refused, lines } = await setUp();
  edge.leave();
  edge.refuse = { status: 404, problem: false };
  const wrapper = await connect(linkPath);
  wrapper.hello();
  wrapper.say(1, 'a');
  await wrapper.frame('welcome');
  // At least two attempts have been turned away by something that is not the edge.
  while (lines.filter((line) => line.includes('HTTP 404')).length < 2)
    await new Promise((resolve) => setImmediate(resolve));
  edge.comeBack();
  await edge.changes.until(() => session.items.length === 1);
  expect(refused).toEqual([]);
});

test('a connection that answers nothing any more is replaced', async () => {
  const edge = await FakeEdge.start();
  const session = edge.session(ID);
  const linkPath = path.join(scratch(), 'link.sock');
  const relay = await Relay.open({
    linkPath,
    epoch: 3,
    url: `${edge.url}/api/v1/runner/sessions/${ID}/data`,
    token: 'token',
    fresh: true,
    log: keptLog().log,
    onRefused: () => {},
    backoff: { minMs: 1, maxMs: 20 },
    heartbeatMs: 20,
  });
  onTestFinished(async () => {
    await relay.close();
    await edge.close();
  });
  const wrapper = await connect(linkPath);
  wrapper.hello();
  await edge.changes.until(() => session.hellos.length === 1);
  // As of a host that vanished: the connection stands, nothing is read.
  session.socket?.pause();
  await edge.changes.until(() => session.hellos.length === 2);
});

const notice = (host: string): RunnerNotice => ({
  host_notice: 'egress',
  host,
  port: 443,
  verdict: 'allowed',
  rule: host,
  count: 1,
  bytes_sent: 0,
  bytes_received: 0,
});

test('what the runner itself has to say is stored beside what the container says, across a break, before it is drained', async () => {
  const { edge, session, relay, linkPath } = await setUp();
  const wrapper = await connect(linkPath);
  relay.notify([notice('a')]);
  wrapper.hello();
  await edge.changes.until(() => session.notices.length === 1);
  edge.leave();
  relay.notify([notice('b'), notice('c')]);
  wrapper.socket.destroy();
  await relay.containerEnded();
  let drained = false;
  const done = relay.drained().then(() => (drained = true));
  expect(drained).toBe(false);
  edge.comeBack();
  await done;
  expect(session.notices.map((kept) => 'host' in kept && kept.host)).toEqual(['a', 'b', 'c']);
});

test('what the runner has to say before there is a container, the session hears at once; what is for the container waits', async () => {
  const { edge, session, relay, linkPath } = await setUp();
  relay.notify([notice('building')]);
  await edge.changes.until(() => session.notices.length === 1);
  expect(session.hellos).toMatchObject([{ epoch: 3, taken: 0 }]);
  edge.prompt(ID, 'for later');
  const wrapper = await connect(linkPath);
  wrapper.hello();
  expect(await wrapper.frame('command')).toMatchObject({ command: { command: 'prompt' } });
  wrapper.say(1, 'a line');
  await edge.changes.until(() => session.items.length === 1);
});

test('a launch that ends without a container is drained when the session has stored why', async () => {
  const { edge, session, relay } = await setUp();
  edge.leave();
  relay.notify([notice('failed')]);
  await relay.containerEnded();
  let drained = false;
  const done = relay.drained().then(() => (drained = true));
  edge.comeBack();
  await done;
  expect(drained).toBe(true);
  expect(session.notices).toEqual([notice('failed')]);
});

test('a container cannot speak for the runner', async () => {
  const { edge, session, relay, linkPath } = await setUp();
  const bad = await connect(linkPath);
  bad.hello();
  bad.socket.write(`${JSON.stringify({ kind: 'host', first: 1, notices: [notice('forged')] })}\n`);
  await bad.closed();
  const good = await connect(linkPath);
  good.hello();
  relay.notify([notice('true')]);
  await edge.changes.until(() => session.notices.length > 0);
  expect(session.notices).toEqual([notice('true')]);
  expect(good.received.map(({ kind }) => kind)).not.toContain('host_ack');
});

test('of an adopted container, notices go on where the session is', async () => {
  const { edge, session, relay, linkPath } = await setUp({ fresh: false });
  session.notices.push(notice('of an earlier runner'));
  relay.notify([notice('new')]);
  const wrapper = await connect(linkPath);
  wrapper.hello();
  await edge.changes.until(() => session.notices.length === 2);
  expect(session.notices[1]).toEqual(notice('new'));
});

test('the runner hears what the wrapper says of itself, and not what Claude Code says', async () => {
  const { edge, session, linkPath, notices } = await setUp();
  const wrapper = await connect(linkPath);
  wrapper.hello();
  await wrapper.frame('welcome');
  wrapper.say(1, { notice: 'cloning', repo: 'r' }, '{"notice":"cloned"}', {
    notice: 'cloned',
    repo: 'r',
    commit: 'c',
    ms: 1,
  });
  await edge.changes.until(() => session.items.length === 3);
  expect(notices).toEqual(['cloning', 'cloned']);
});

test('a wrapper is told to go on when it may, and after each break; the session cannot say so', async () => {
  const { edge, session, relay, linkPath } = await setUp();
  const wrapper = await connect(linkPath);
  wrapper.hello();
  await wrapper.frame('welcome');
  await edge.changes.until(() => session.socket);
  session.socket?.send(JSON.stringify({ kind: 'go' }));
  edge.prompt(ID, 'hello');
  await wrapper.frame('command');
  expect(wrapper.received.map(({ kind }) => kind)).not.toContain('go');
  relay.go();
  await wrapper.frame('go');
  wrapper.socket.destroy();
  const again = await connect(linkPath);
  again.hello();
  await again.frame('go');
  expect(again.received.slice(0, 2).map(({ kind }) => kind)).toEqual(['welcome', 'go']);
});

test('whether the model is held back is told the runner, in its place among the commands, and no wrapper', async () => {
  const { edge, session, linkPath, modelPaused } = await setUp();
  const wrapper = await connect(linkPath);
  wrapper.hello();
  await edge.changes.until(() => session.hellos.length === 1);
  const say = (frame: SessionFrame) => session.socket?.send(JSON.stringify(frame));
  say({ kind: 'model', held: true });
  edge.prompt(ID, 'after it');
  await wrapper.frame('command');
  expect(modelPaused).toEqual([true]);
  say({ kind: 'model', held: false });
  edge.prompt(ID, 'and after that');
  await wrapper.frame('command', 1);
  expect(modelPaused).toEqual([true, false]);
  expect(wrapper.received.map(({ kind }) => kind)).not.toContain('model');
});

test('previews that nobody is shown stay here, until somebody watches or the session is connected anew', async () => {
  const { edge, session, linkPath, modelPaused } = await setUp();
  const wrapper = await connect(linkPath);
  wrapper.hello();
  await wrapper.frame('welcome');
  const say = (frame: SessionFrame) => session.socket?.send(JSON.stringify(frame));
  /** The relay has read what the session said, when it has told the runner of what came after that. */
  const heard = async () => {
    const count = modelPaused.length;
    say({ kind: 'model', held: true });
    edge.prompt(ID, 'after it');
    await wrapper.frame('command', count);
  };
  let stored = 0;
  /** Says a preview, and waits for the line after it. */
  const preview = async (line: string) => {
    wrapper.send({ kind: 'preview', line });
    wrapper.say((stored += 1), line);
    await edge.changes.until(() => session.items.length === stored);
  };
  await edge.changes.until(() => session.hellos.length === 1);
  await heard();
  await preview('before');
  say({ kind: 'previews', wanted: false });
  await heard();
  await preview('unseen');
  say({ kind: 'previews', wanted: true });
  await heard();
  await preview('seen');
  say({ kind: 'previews', wanted: false });
  await heard();
  session.socket?.terminate();
  await edge.changes.until(() => session.hellos.length === 2);
  await wrapper.frame('ack', 2);
  await preview('on another connection');
  expect(session.previews).toEqual(['before', 'seen', 'on another connection']);
  expect(wrapper.received.map(({ kind }) => kind)).not.toContain('previews');
});
