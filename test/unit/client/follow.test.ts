import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CcDockerError } from '../../../client/error.ts';
import type { PreviewEvent, SessionEvent } from '../../../client/event.ts';
import type { Connection, Item } from '../../../client/stream/connection.ts';
import { follow, type FollowOptions, type Reconnect } from '../../../client/stream/follow.ts';

const time = '2026-11-30T09:00:00.000Z';
const event = (seq: number): SessionEvent => ({ seq, time, type: 'message.settled', data: { message_id: `m${seq}` } });
const preview: PreviewEvent = { time, type: 'stream_event', data: {} };
const gap = (from: number, to: number): Item => ({ type: 'session.gap', data: { from, to } });
const refused = (code: string, retryable = false) => new CcDockerError({ code, detail: 'no', retryable });

/** What one connection brings: frames, and then its end. */
type Script = (after: number) => { frames: Item[][]; ends?: Error };

/** Connections that do as they are told, one after the other; and what was asked of them. */
function scripted(...scripts: Script[]) {
  const asked: number[] = [];
  let open = 0;
  const connect = async (after: number): Promise<Connection> => {
    const script = scripts[asked.length];
    asked.push(after);
    if (script === undefined) throw refused('session_not_found');
    const { frames, ends } = script(after);
    open += 1;
    return {
      next: async () => {
        const frame = frames.shift();
        if (frame === undefined && ends !== undefined) throw ends;
        return frame ?? null;
      },
      acknowledge: () => {},
      close: () => (open -= 1),
    };
  };
  return { connect, asked, open: () => open };
}

const options = (more: Partial<FollowOptions> = {}): FollowOptions => ({
  after: 0,
  previews: false,
  backoff: { minMs: 0, maxMs: 0 },
  signal: undefined,
  onReconnect: undefined,
  ...more,
});

/** All that it gives until it throws, and what. */
async function allOf(events: AsyncIterable<Item>) {
  const given: Item[] = [];
  try {
    for await (const one of events) given.push(one);
  } catch (thrown) {
    return { given, thrown };
  }
  throw new Error('a stream does not just end');
}

const isFull: Script = () => ({ frames: [], ends: refused('disk_low') });
const fails: Script = () => ({ frames: [], ends: refused('unreachable', true) });
const hangs = async (_: number, signal: AbortSignal): Promise<Connection> =>
  await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

describe('a log that is followed', () => {
  test('goes on when a disk that was full has room again', async () => {
    const { connect, asked } = scripted(
      () => ({ frames: [[event(1)]] }),
      isFull,
      () => ({ frames: [[event(2)]] }),
    );
    const { given, thrown } = await allOf(follow(connect, options()));
    expect({ given, asked }).toEqual({ given: [event(1), event(2)], asked: [0, 1, 1, 2] });
    expect(thrown).toMatchObject({ code: 'session_not_found' });
  });

  test('is given once, in order, wherever its connections break, and whatever they send again', async () => {
    const log = Array.from({ length: 30 }, (_, index) => event(index + 1));
    const connections = fc.array(
      fc.record({ again: fc.nat(3), length: fc.nat(12), frame: fc.integer({ min: 1, max: 5 }), breaks: fc.boolean() }),
      { maxLength: 20 },
    );
    await fc.assert(
      fc.asyncProperty(connections, async (broken) => {
        const some = broken.map(({ again, length, frame, breaks }): Script => (after) => {
          const sent = log.slice(Math.max(0, after - again), after + length);
          const frames = Array.from({ length: Math.ceil(sent.length / frame) }, (_, at) =>
            sent.slice(at * frame, (at + 1) * frame),
          );
          return breaks ? { frames, ends: refused('unreachable', true) } : { frames };
        });
        const rest: Script = (after) => ({ frames: [log.slice(after)] });
        const { connect, open } = scripted(...some, rest);
        const { given, thrown } = await allOf(follow(connect, options()));
        expect(given).toEqual(log);
        expect(thrown).toMatchObject({ code: 'session_not_found' });
        expect(open()).toBe(0);
      }),
    );
  });

  test('is asked for again where an event did not come', async () => {
    const { connect, asked } = scripted(
      () => ({ frames: [[event(1)], [event(3)]] }),
      () => ({ frames: [[event(2), event(3)]] }),
    );
    const { given } = await allOf(follow(connect, options()));
    expect(given).toEqual([event(1), event(2), event(3)]);
    expect(asked).toEqual([0, 1, 3]);
  });

  test('tells what is no longer stored, once, and goes on after it', async () => {
    const { connect, asked } = scripted(
      () => ({ frames: [[gap(1, 7)]] }),
      () => ({ frames: [[event(8)]] }),
    );
    const { given } = await allOf(follow(connect, options()));
    expect(given).toEqual([gap(1, 7), event(8)]);
    expect(asked).toEqual([0, 7, 8]);
  });

  test('is given with types that nobody knows, and with previews where they are asked for', async () => {
    const unknown = { ...event(1), type: 'session.of_a_later_version', data: { x: 1 } } as unknown as Item;
    const script: Script = () => ({ frames: [[preview, unknown]] });
    expect((await allOf(follow(scripted(script).connect, options()))).given).toEqual([unknown]);
    expect((await allOf(follow(scripted(script).connect, options({ previews: true })))).given).toEqual([
      preview,
      unknown,
    ]);
  });

  test('says that it tries again: why, and for how long it waits, longer each time until something comes', async () => {
    const told: Reconnect[] = [];
    const { connect } = scripted(fails, fails, fails, () => ({ frames: [[event(1)]] }), fails);
    const backoff = { minMs: 4, maxMs: 8 };
    await allOf(follow(connect, options({ backoff, onReconnect: (one) => told.push(one) })));
    expect(told.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 1, 2]);
    for (const [at, most] of [4, 8, 8, 4, 8].entries()) {
      expect(told[at]?.waitMs).toBeLessThanOrEqual(most);
      expect(told[at]?.waitMs).toBeGreaterThanOrEqual(most / 2);
    }
    expect(told[0]?.error).toMatchObject({ code: 'unreachable' });
  });

  test('ends with the signal’s reason, while it waits for events and between two attempts', async () => {
    const reason = new Error('enough');
    const stopped = new AbortController();
    const waiting = allOf(follow(hangs, options({ signal: stopped.signal })));
    const between = allOf(
      follow(
        async () => {
          throw refused('unreachable', true);
        },
        options({ signal: stopped.signal, backoff: { minMs: 3_600_000, maxMs: 3_600_000 } }),
      ),
    );
    stopped.abort(reason);
    expect((await waiting).thrown).toBe(reason);
    expect((await between).thrown).toBe(reason);
  });

  test('that its reader leaves has no connection left', async () => {
    const { connect, open } = scripted(() => ({ frames: [[event(1)], [event(2)]] }));
    for await (const one of follow(connect, options())) {
      expect(one).toEqual(event(1));
      expect(open()).toBe(1);
      break;
    }
    expect(open()).toBe(0);
  });
});
