import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { BATCH_BYTES, BATCH_EVENTS, LINK_WINDOW_BYTES } from '../../../../protocol/settings/limits.ts';
import type { SessionFrame } from '../../../../protocol/link/wrapper/wrapper-link.ts';
import type { LinkItem, WrapperFrame } from '../../../../protocol/link/wrapper/wrapper-notice.ts';
import { Outbox } from '../../../../wrapper/link/outbox.ts';

/** The session's side as the protocol has it: stores what comes next, acknowledges what it has, asks for what it lacks. */
class Receiver {
  stored: LinkItem[] = [];

  receive(frame: WrapperFrame): SessionFrame | null {
    if (frame.kind !== 'items') return null;
    if (frame.first > this.stored.length + 1) return { kind: 'resend', from: this.stored.length + 1 };
    this.stored.push(...frame.items.slice(this.stored.length + 1 - frame.first));
    return { kind: 'ack', stored: this.stored.length };
  }
}

function answer(outbox: Outbox, frame: SessionFrame): boolean {
  if (frame.kind === 'ack') return outbox.acknowledge(frame.stored);
  if (frame.kind === 'resend') return outbox.resend(frame.from);
  return true;
}

function connected(stored = 0): Outbox {
  const outbox = new Outbox();
  outbox.welcome(stored);
  return outbox;
}

function takeAll(outbox: Outbox): WrapperFrame[] {
  const frames: WrapperFrame[] = [];
  for (let frame = outbox.take(); frame !== null; frame = outbox.take()) frames.push(frame);
  return frames;
}

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('say' as const), times: fc.integer({ min: 1, max: 300 }) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('send' as const), lost: fc.boolean() }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('answer' as const), lost: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('preview' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('reconnect' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('disconnect' as const) }) },
);

test('whatever is lost or broken in between, the session stores every item once and in order', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const outbox = new Outbox();
      const session = new Receiver();
      let answers: SessionFrame[] = [];
      let said = 0;
      const reconnect = (): void => {
        outbox.disconnected();
        answers = [];
        expect(outbox.welcome(session.stored.length)).toBe(true);
      };
      const pump = (lost: boolean): void => {
        const frame = outbox.take();
        if (frame === null || lost) return;
        const reply = session.receive(frame);
        if (reply !== null) answers.push(reply);
      };
      for (const now of steps) {
        if (now.do === 'say') for (let i = 0; i < now.times; i += 1) outbox.push(`{"n":${(said += 1)}}`);
        else if (now.do === 'preview') outbox.preview('{"type":"stream_event"}');
        else if (now.do === 'send') pump(now.lost);
        else if (now.do === 'reconnect') reconnect();
        else if (now.do === 'disconnect') outbox.disconnected();
        else {
          const reply = answers.shift();
          if (reply !== undefined && !now.lost) expect(answer(outbox, reply)).toBe(true);
        }
        const expected = session.stored.map((_, i) => `{"n":${i + 1}}`);
        expect(session.stored).toEqual(expected);
      }
      reconnect();
      for (const frame of takeAll(outbox)) {
        const reply = session.receive(frame);
        if (reply !== null) expect(answer(outbox, reply)).toBe(true);
      }
      expect(session.stored).toHaveLength(said);
      expect([outbox.size, outbox.bytes]).toEqual([0, 0]);
    }),
  );
});

test('what is waiting goes out together, and a frame is closed at its limit of events or of bytes', () => {
  const outbox = new Outbox();
  for (let n = 1; n <= BATCH_EVENTS + 5; n += 1) outbox.push(`${n}`);
  const half = 'x'.repeat(BATCH_BYTES / 2);
  for (let n = 1; n <= 3; n += 1) outbox.push(half);
  outbox.welcome(0);
  const sizes = takeAll(outbox).map((frame) => frame.kind === 'items' && [frame.first, frame.items.length]);
  expect(sizes).toEqual([
    [1, BATCH_EVENTS],
    [BATCH_EVENTS + 1, 7],
    [BATCH_EVENTS + 8, 1],
  ]);
});

test('after a gap all is sent again from there, on the same connection', () => {
  const outbox = connected();
  for (const item of ['a', 'b', 'c']) outbox.push(item);
  takeAll(outbox);
  expect(outbox.resend(2)).toBe(true);
  expect(takeAll(outbox)).toEqual([{ kind: 'items', first: 2, items: ['b', 'c'] }]);
});

test('previews stay in their place among the items', () => {
  const outbox = connected();
  outbox.push('a');
  outbox.push('b');
  outbox.preview('p1');
  outbox.preview('p2');
  outbox.push('c');
  expect(takeAll(outbox)).toEqual([
    { kind: 'items', first: 1, items: ['a', 'b'] },
    { kind: 'preview', line: 'p1' },
    { kind: 'preview', line: 'p2' },
    { kind: 'items', first: 3, items: ['c'] },
  ]);
});

test('previews are dropped while nobody is there, and those that wait are dropped with their connection', () => {
  const outbox = new Outbox();
  outbox.preview('before');
  outbox.welcome(0);
  outbox.preview('waiting');
  outbox.disconnected();
  outbox.welcome(0);
  expect(outbox.take()).toBeNull();
});

test('previews that nobody fetches cost bounded memory', () => {
  const outbox = connected();
  const line = 'x'.repeat(10_000);
  for (let n = 0; n < 1000; n += 1) outbox.preview(line);
  expect(takeAll(outbox).length).toBeLessThan(110);
});

test('nothing goes out before the session has said what it has', () => {
  const outbox = new Outbox();
  outbox.push('a');
  expect(outbox.take()).toBeNull();
});

test('an acknowledgement of what was never sent, or a demand for what was acknowledged, is refused', () => {
  const outbox = connected();
  for (const item of ['a', 'b', 'c']) outbox.push(item);
  expect(outbox.acknowledge(1)).toBe(false);
  takeAll(outbox);
  outbox.push('not sent');
  expect(outbox.acknowledge(4)).toBe(false);
  expect(outbox.acknowledge(2)).toBe(true);
  expect(outbox.resend(2)).toBe(false);
  expect(outbox.resend(6)).toBe(false);
  expect(outbox.welcome(1)).toBe(false);
  expect(outbox.welcome(4)).toBe(false);
});

test('no frame is begun while a window of bytes is not acknowledged, and one that was lost does not count', () => {
  const outbox = connected();
  const mb = 1024 * 1024;
  // Each is a frame of its own. To count as 1 MB it need not be so long.
  const item = 'x'.repeat(BATCH_BYTES);
  for (let n = 0; n < 40; n += 1) outbox.push(item);
  const send = (): number => {
    const frames = takeWindow(outbox);
    return frames.reduce((sum, frame) => sum + frame.items.length, 0);
  };
  expect(send()).toBe(LINK_WINDOW_BYTES / mb);
  expect(outbox.acknowledge(3)).toBe(true);
  expect(send()).toBe(3);
  expect(outbox.resend(10)).toBe(true);
  expect(send()).toBe(LINK_WINDOW_BYTES / mb - 6);
  outbox.disconnected();
  expect(outbox.welcome(12)).toBe(true);
  expect(send()).toBe(LINK_WINDOW_BYTES / mb);
});

/** Takes what may be sent now, and says each time that it is on its way. */
function takeWindow(outbox: Outbox): Extract<WrapperFrame, { kind: 'items' }>[] {
  const frames: Extract<WrapperFrame, { kind: 'items' }>[] = [];
  for (let frame = outbox.take(); frame?.kind === 'items'; frame = outbox.take()) {
    outbox.sent(frame, 1024 * 1024);
    frames.push(frame);
  }
  return frames;
}
