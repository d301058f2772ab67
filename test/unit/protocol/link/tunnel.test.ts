import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeMessage, encodeMessage, type BytesKind } from '../../../../protocol/link/tunnel/message.ts';
import { endToEnd } from '../../../../protocol/link/tunnel/end-to-end.ts';
import { costOf, StreamEnd, TUNNEL_CHUNK, TUNNEL_WINDOW } from '../../../../protocol/link/tunnel/stream-end.ts';

/** What passes between two ends of a stream, in order, until it is delivered. */
type OnTheWay =
  | { readonly is: 'message'; readonly kind: BytesKind; readonly more: boolean; readonly bytes: Uint8Array }
  | { readonly is: 'credit'; readonly bytes: number }
  | { readonly is: 'end' };

/** A sender and a receiver, whose wires a test delivers when it likes. The receiver holds what came until `take`. */
function pair() {
  const there: OnTheWay[] = [];
  const back: OnTheWay[] = [];
  const wire = (way: OnTheWay[]) => ({
    message: (part: Omit<Extract<OnTheWay, { is: 'message' }>, 'is'>) => void way.push({ is: 'message', ...part }),
    credit: (bytes: number) => void way.push({ is: 'credit', bytes }),
    end: () => void way.push({ is: 'end' }),
  });
  const sender = new StreamEnd(wire(there));
  const receiver = new StreamEnd(wire(back));
  const held: number[] = [];
  const got: Extract<OnTheWay, { is: 'message' }>[] = [];
  let ended = false;
  const state = { heldMost: 0, refused: false };
  return {
    sender,
    receiver,
    got,
    state,
    get ended() {
      return ended;
    },
    deliver: () => {
      const next = there.shift();
      if (next?.is === 'end') ended = true;
      if (next?.is !== 'message') return next !== undefined;
      const cost = receiver.received(next.bytes.byteLength);
      if (cost === null) state.refused = true;
      else held.push(cost);
      state.heldMost = Math.max(
        state.heldMost,
        held.reduce((sum, one) => sum + one, 0),
      );
      got.push(next);
      return true;
    },
    take: () => {
      const cost = held.shift();
      if (cost !== undefined) receiver.taken(cost);
      return cost !== undefined;
    },
    credit: () => {
      const next = back.shift();
      if (next?.is === 'credit') sender.credit(next.bytes);
      return next !== undefined;
    },
  };
}

const sizes = fc.oneof(fc.nat(300), fc.nat(TUNNEL_CHUNK * 2), fc.constant(TUNNEL_WINDOW + 1));
const step = fc.oneof(
  fc.record({ do: fc.constant('send' as const), size: sizes, kind: fc.constantFrom('bytes', 'text', 'binary') }),
  fc.constantFrom({ do: 'deliver' as const }, { do: 'take' as const }, { do: 'credit' as const }),
);

describe('a stream of a tunnel', () => {
  test('brings all in order, holds no more than its window, and never stands still, whatever comes when', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 200 }), async (steps) => {
        const ends = pair();
        const sent: { kind: string; size: number; isSent: boolean }[] = [];
        for (const one of steps) {
          if (one.do !== 'send') {
            ends[one.do]();
            continue;
          }
          const message = { kind: one.kind, size: one.size, isSent: false };
          // Each byte says which message it is of.
          const bytes = new Uint8Array(one.size).fill(sent.length % 251);
          sent.push(message);
          void ends.sender.send(one.kind, bytes).then((isSent) => (message.isSent = isSent));
        }
        ends.sender.end();
        while (ends.deliver() || ends.take() || ends.credit());
        await Promise.resolve();

        expect(ends.state.refused).toBe(false);
        expect(ends.state.heldMost).toBeLessThanOrEqual(TUNNEL_WINDOW);
        expect(ends.ended).toBe(true);
        expect(ends.sender.waiting).toBe(0);
        expect(sent.every(({ isSent }) => isSent)).toBe(true);
        const whole = sent
          .map(({ size }, at) => ({ size, at }))
          .filter(({ size, at }) => size > 0 || sent[at]?.kind !== 'bytes');
        const parts = [...ends.got];
        for (const { size, at } of whole) {
          let came = 0;
          for (let isLast = false; !isLast;) {
            const part = parts.shift();
            expect([part?.bytes.at(0), part?.bytes.at(-1)]).toEqual(
              size === 0 ? [undefined, undefined] : [at % 251, at % 251],
            );
            expect(part?.kind).toBe(sent[at]?.kind);
            expect(part?.bytes.byteLength).toBeLessThanOrEqual(TUNNEL_CHUNK);
            came += part?.bytes.byteLength ?? 0;
            isLast = came >= size;
            expect(part?.more).toBe(part?.kind !== 'bytes' && !isLast);
          }
          expect(came).toBe(size);
        }
        expect(parts).toEqual([]);
      }),
    );
  });

  test('an end that sends more than it may is found out', () => {
    const { receiver } = pair();
    for (let sent = 0; sent < TUNNEL_WINDOW; sent += TUNNEL_CHUNK)
      expect(receiver.received(TUNNEL_CHUNK)).toBe(TUNNEL_CHUNK);
    expect(receiver.received(1)).toBeNull();
    expect(pair().receiver.received(TUNNEL_CHUNK + 1)).toBeNull();
  });

  test('messages without bytes have a cost too', () => {
    const { receiver } = pair();
    let count = 0;
    while (receiver.received(0) !== null) count += 1;
    expect(count).toBe(TUNNEL_WINDOW / costOf(0));
  });

  test('who waits for credit is told when the stream is over', async () => {
    const { sender } = pair();
    const sending = sender.send('bytes', new Uint8Array(TUNNEL_WINDOW * 2));
    sender.close();
    expect(await sending).toBe(false);
    expect(await sender.send('bytes', new Uint8Array(1))).toBe(false);
  });
});

test('a binary message is what was encoded', () => {
  const kinds = fc.constantFrom<BytesKind>('bytes', 'text', 'binary');
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 0xff_ff_ff_ff }),
      kinds,
      fc.boolean(),
      fc.uint8Array(),
      (stream, kind, more, bytes) => {
        // Within a larger buffer, as Node's own are.
        const encoded = encodeMessage({ stream, kind, more, bytes });
        const around = new Uint8Array(encoded.byteLength + 6);
        around.set(encoded, 3);
        const decoded = decodeMessage(around.subarray(3, 3 + encoded.byteLength));
        expect(decoded).toEqual({ stream, kind, more, bytes });
      },
    ),
  );
  expect(decodeMessage(new Uint8Array([0, 0, 0, 1]))).toBeNull();
  expect(decodeMessage(new Uint8Array([0, 0, 0, 1, 9]))).toBeNull();
});

test('fields of one connection stay behind, with those that Connection names', () => {
  const fields: [string, string][] = [
    ['Connection', 'close, X-Own'],
    ['X-Own', '1'],
    ['x-other', '2'],
    ['Transfer-Encoding', 'chunked'],
    ['Set-Cookie', 'a=1'],
    ['Set-Cookie', 'b=2'],
    ['Content-Encoding', 'br'],
  ];
  expect(endToEnd(fields).map(([name]) => name)).toEqual(['x-other', 'Set-Cookie', 'Set-Cookie', 'Content-Encoding']);
});
