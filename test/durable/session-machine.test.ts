import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { advance, nextDeadline } from '../../durable/core/session-machine.ts';
import {
  NEW_SESSION,
  type Limits,
  type SessionEffect,
  type SessionInput,
  type SessionState,
} from '../../durable/core/session-state.ts';
import type { Reason } from '../../protocol/reason.ts';

const LIMITS: Limits = { startup: 120_000, idle: 300_000, lifetime: 3_600_000 };
const reason = (code: Reason['code']): Reason => ({ code, detail: code });
const failed = { ok: false, aborted: false, error: { code: 'model_error', detail: 'x' } } as const;
const aborted = { ok: false, aborted: true, error: { code: 'interrupted', detail: 'x' } } as const;

/** Plays inputs, a second apart, and collects what was to be done. */
function play(inputs: readonly SessionInput[], start: SessionState = NEW_SESSION) {
  let state = start;
  let now = 1_000_000;
  const effects: SessionEffect[] = [];
  for (const input of inputs) {
    now += 1000;
    const step = advance(state, input, now, LIMITS);
    state = step.state;
    effects.push(...step.effects);
  }
  return { state, effects, now };
}

const READY: SessionInput[] = [{ on: 'created' }, { on: 'placed', epoch: 1 }, { on: 'ready' }];
const prompted = (id: string, deadline: number | null = null): SessionInput => ({
  on: 'prompted',
  message: { message_id: id, deadline },
});

const anyInput: fc.Arbitrary<SessionInput> = fc.oneof(
  fc.record({ on: fc.constant('placed' as const), epoch: fc.integer({ min: 1, max: 4 }) }),
  fc.record({
    on: fc.constant('waiting' as const),
    epoch: fc.integer({ min: 1, max: 4 }),
    reason: fc.constant(reason('pool_full')),
  }),
  fc.constant<SessionInput>({ on: 'ready' }),
  fc.constant<SessionInput>({ on: 'claude_ended', reason: reason('claude_exited') }),
  fc.record({
    on: fc.constant('turn_ended' as const),
    message_ids: fc.subarray(['m0', 'm1', 'm2', 'm3', 'm4', 'm5']),
    outcome: fc.constantFrom({ ok: true } as const, failed, aborted),
  }),
  fc.record({ on: fc.constant('message_dropped' as const), message_id: fc.constantFrom('m0', 'm1', 'm2') }),
  fc.constant<SessionInput>({ on: 'interrupt' }),
  fc.constant<SessionInput>({ on: 'stop', reason: reason('stopped_by_user') }),
  fc.record({
    on: fc.constant('ended' as const),
    epoch: fc.integer({ min: 1, max: 4 }),
    reason: fc.constantFrom(reason('container_exited'), reason('runner_draining'), reason('stopped_by_user')),
  }),
  fc.constant<SessionInput>({ on: 'clock' }),
);

/** Any story, with messages m0, m1, … sent along the way. */
const anyStory = fc
  .array(fc.oneof({ weight: 3, arbitrary: anyInput }, { weight: 1, arbitrary: fc.constant('prompt' as const) }), {
    maxLength: 60,
  })
  .map((steps) => {
    let sent = 0;
    const inputs = steps.map((step) => (step === 'prompt' ? prompted(`m${sent++}`) : step));
    return { inputs: [{ on: 'created' } as const, ...inputs], sent };
  });

const END = new Set(['message_completed', 'message_failed', 'message_interrupted']);

describe('the session machine, whatever happens in whatever order', () => {
  it('never loses a message: each one waits, runs, or has ended exactly once', () => {
    fc.assert(
      fc.property(anyStory, ({ inputs, sent }) => {
        const { state, effects } = play(inputs);
        const ended = effects.flatMap((effect) =>
          END.has(effect.do) && 'message_id' in effect ? [effect.message_id] : [],
        );
        const alive = [...state.queue, ...(state.current ? [state.current] : [])].map(({ message_id }) => message_id);
        expect([...ended, ...alive].toSorted()).toEqual(Array.from({ length: sent }, (_, n) => `m${n}`).toSorted());
      }),
      { numRuns: 2000 },
    );
  });

  it('hands each message over at most once, in order, one at a time', () => {
    fc.assert(
      fc.property(anyStory, ({ inputs }) => {
        const { effects } = play(inputs);
        const handed = effects.flatMap((effect) =>
          effect.do === 'prompt' ? [Number(effect.message_id.slice(1))] : [],
        );
        expect(handed).toEqual([...new Set(handed)].toSorted((a, b) => a - b));
        let running: string | null = null;
        for (const effect of effects) {
          if (effect.do === 'prompt') {
            expect(running).toBeNull();
            running = effect.message_id;
          } else if (END.has(effect.do) && 'message_id' in effect && effect.message_id === running) running = null;
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('asks for a new container only when the one before has ended', () => {
    fc.assert(
      fc.property(anyStory, ({ inputs }) => {
        let state = NEW_SESSION;
        for (const [index, input] of inputs.entries()) {
          const step = advance(state, input, index * 1000, LIMITS);
          if (step.effects.some((effect) => effect.do === 'want')) {
            expect(state.container === 'none' || input.on === 'ended').toBe(true);
            expect(step.state.epoch).toBe(state.epoch + 1);
          } else expect(step.state.epoch).toBe(state.epoch);
          state = step.state;
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('is running exactly while a message is with Claude Code', () => {
    fc.assert(
      fc.property(anyStory, ({ inputs }) => {
        const { state } = play(inputs);
        expect(state.status === 'running').toBe(state.current !== null);
        if (state.current !== null) expect(state.container).toBe('ready');
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a session', () => {
  it('that is idle for too long is parked, and says that the next message wakes it', () => {
    const { state, now } = play(READY);
    expect(nextDeadline(state, LIMITS)).toBe(now + LIMITS.idle);
    expect(advance(state, { on: 'clock' }, now + LIMITS.idle - 1, LIMITS).state).toBe(state);
    const parked = advance(state, { on: 'clock' }, now + LIMITS.idle, LIMITS);
    expect(parked.state).toMatchObject({ status: 'stopped', reason: { code: 'idle_timeout' }, container: 'ending' });
    expect(parked.effects.map((effect) => effect.do)).toEqual(['release', 'announce']);
  });

  it('is not parked for idleness while a turn runs', () => {
    const { state, now } = play([...READY, prompted('m0')]);
    expect(advance(state, { on: 'clock' }, now + LIMITS.idle, LIMITS).state.status).toBe('running');
  });

  it('that lives too long is stopped, whatever it does', () => {
    const { state, now } = play([...READY, prompted('m0')]);
    const { state: stopped, effects } = advance(state, { on: 'clock' }, now + LIMITS.lifetime, LIMITS);
    expect(stopped).toMatchObject({ status: 'stopped', reason: { code: 'session_timeout' } });
    expect(effects).toContainEqual(expect.objectContaining({ do: 'message_interrupted', message_id: 'm0' }));
  });

  it('that does not start in time fails with its messages', () => {
    const { state, now } = play([{ on: 'created' }, { on: 'placed', epoch: 1 }, prompted('m0')]);
    const { state: after, effects } = advance(state, { on: 'clock' }, now + LIMITS.startup, LIMITS);
    expect(after).toMatchObject({ status: 'failed', reason: { code: 'startup_timeout' } });
    expect(effects).toContainEqual(expect.objectContaining({ do: 'message_failed', message_id: 'm0' }));
  });

  it('whose container crashed goes on with what waited, in a new one', () => {
    const { state, effects } = play([
      ...READY,
      prompted('m0'),
      prompted('m1'),
      { on: 'ended', epoch: 1, reason: reason('container_exited') },
    ]);
    expect(state).toMatchObject({ status: 'queued', epoch: 2, queue: [{ message_id: 'm1' }] });
    expect(effects).toContainEqual(expect.objectContaining({ do: 'message_failed', message_id: 'm0' }));
  });

  it('whose container never came up is not started over and over', () => {
    const { state } = play([
      { on: 'created' },
      { on: 'placed', epoch: 1 },
      prompted('m0'),
      { on: 'ended', epoch: 1, reason: reason('image_missing') },
    ]);
    expect(state).toMatchObject({ status: 'failed', reason: { code: 'image_missing' }, queue: [], epoch: 1 });
  });

  it('whose runner drains keeps what waits and asks for another place', () => {
    const { state } = play([
      { on: 'created' },
      { on: 'placed', epoch: 1 },
      prompted('m0'),
      { on: 'ended', epoch: 1, reason: reason('runner_draining') },
    ]);
    expect(state).toMatchObject({ status: 'queued', epoch: 2, queue: [{ message_id: 'm0' }] });
  });

  it('stopped by its owner stays stopped when its container has ended', () => {
    const { state } = play([
      ...READY,
      { on: 'stop', reason: reason('stopped_by_user') },
      { on: 'ended', epoch: 1, reason: reason('container_exited') },
    ]);
    expect(state).toMatchObject({ status: 'stopped', reason: { code: 'stopped_by_user' }, container: 'none' });
  });

  it('does not believe what is said of an epoch that is over', () => {
    const woken = [...READY, { on: 'stop', reason: reason('stopped_by_user') }, prompted('m0')] as SessionInput[];
    const { state } = play([...woken, { on: 'ended', epoch: 1, reason: reason('stopped_by_user') }]);
    expect(state.epoch).toBe(2);
    const late = advance(state, { on: 'ended', epoch: 1, reason: reason('runner_lost') }, 9e9, LIMITS);
    expect(late.state).toBe(state);
  });
});

describe('a message', () => {
  it('whose time runs out while it waits fails without being handed over', () => {
    const { state, now, effects } = play([{ on: 'created' }, prompted('m0', 1_005_000)]);
    expect(nextDeadline(state, LIMITS)).toBe(1_005_000);
    const late = advance(state, { on: 'clock' }, 1_005_000, LIMITS);
    expect(late.effects).toEqual([expect.objectContaining({ do: 'message_failed', message_id: 'm0' })]);
    expect(now).toBeLessThan(1_005_000);
    expect(effects.some((effect) => effect.do === 'prompt')).toBe(false);
  });

  it('that is interrupted twice is interrupted once', () => {
    const { effects } = play([...READY, prompted('m0'), { on: 'interrupt' }, { on: 'interrupt' }]);
    expect(effects.filter((effect) => effect.do === 'interrupt')).toHaveLength(1);
  });

  it('whose turn ended well although it was being interrupted is complete', () => {
    const { effects } = play([
      ...READY,
      prompted('m0'),
      { on: 'interrupt' },
      { on: 'turn_ended', message_ids: ['m0'], outcome: { ok: true } },
    ]);
    expect(effects).toContainEqual({ do: 'message_completed', message_id: 'm0' });
  });
});
