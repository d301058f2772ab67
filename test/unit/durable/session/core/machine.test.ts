import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { advance } from '../../../../../durable/session/core/machine.ts';
import { nextDeadline } from '../../../../../durable/session/core/life/deadlines.ts';
import {
  isRunning,
  NEW_SESSION,
  obstacleOf,
  type Limits,
  type SessionState,
} from '../../../../../durable/session/core/state.ts';
import type { SessionEffect } from '../../../../../durable/session/core/life/effect.ts';
import type { SessionInput, TurnOutcome } from '../../../../../durable/session/core/life/input.ts';
import type { Delivery } from '../../../../../protocol/api/session/message.ts';
import type { Reason } from '../../../../../protocol/reason.ts';

const LIMITS: Limits = {
  startup: 120_000,
  idle: 300_000,
  crowded: 2000,
  attended: 3_600_000,
  lifetime: 7_200_000,
  turn: 3_600_000,
  interrupt: 30_000,
  hold: 700_000_000,
  background: 600_000,
  retries: [1000, 5000],
};
const reason = (code: Reason['code']): Reason => ({ code, detail: code });
const failed = { ok: false, aborted: false, error: { code: 'model_error', detail: 'x' } } as const;
const aborted = { ok: false, aborted: true, error: { code: 'interrupted', detail: 'x' } } as const;

const START = 1_000_000;

/** A usage limit of the model, which is reset at that time. */
const RESET = START + 2_000_000;
const limited = {
  ok: false,
  aborted: false,
  error: { code: 'model_rate_limited', detail: 'x', retry_at: new Date(RESET).toISOString() },
} as const;

/** Plays inputs, a second apart or as `gaps` says (milliseconds), and collects what was to be done. */
function play(inputs: readonly SessionInput[], gaps: readonly number[] = []) {
  let state = NEW_SESSION;
  let now = START;
  const effects: SessionEffect[] = [];
  for (const [index, input] of inputs.entries()) {
    now += gaps[index] ?? 1000;
    const step = advance(state, input, now, LIMITS);
    state = step.state;
    effects.push(...step.effects);
  }
  return { state, effects, now };
}

const away = (epoch: number): SessionInput => ({ on: 'ended', epoch, reason: reason('parent_unavailable') });
const READY: SessionInput[] = [{ on: 'created' }, { on: 'placed', epoch: 1 }, { on: 'ready' }];
const prompted = (id: string, deadline: number | null = null, delivery: Delivery = 'queue'): SessionInput => ({
  on: 'prompted',
  message: { message_id: id, deadline },
  delivery,
});
/** A turn that messages began has ended. */
const ended = (message_ids: string[], outcome: TurnOutcome = { ok: true }): SessionInput => ({
  on: 'turn_ended',
  message_ids,
  agent: false,
  run_id: null,
  outcome,
});

/** What may run in the background: two subagents, and a shell. */
const TASKS = (['agent', 'agent', 'shell'] as const).map((kind, n) => ({
  task_id: `k${n}`,
  run_id: `r${n}`,
  kind,
  description: `task ${n}`,
}));

const anyInput: fc.Arbitrary<SessionInput> = fc.oneof(
  fc.record({ on: fc.constant('placed' as const), epoch: fc.integer({ min: 1, max: 4 }) }),
  fc.record({
    on: fc.constant('waiting' as const),
    epoch: fc.integer({ min: 1, max: 4 }),
    reason: fc.constant(reason('pool_full')),
  }),
  fc.constant<SessionInput>({ on: 'ready' }),
  fc.constant<SessionInput>({ on: 'cloned' }),
  fc.constant<SessionInput>({ on: 'start_waits', reason: reason('no_capacity') }),
  fc.constant<SessionInput>({ on: 'claude_ended', reason: reason('claude_exited') }),
  fc.record({
    on: fc.constant('turn_ended' as const),
    message_ids: fc.subarray(['m0', 'm1', 'm2', 'm3', 'm4', 'm5']),
    agent: fc.boolean(),
    run_id: fc.constantFrom(null, 'r0', 'r1', 'r2'),
    outcome: fc.constantFrom({ ok: true } as const, failed, aborted, limited),
  }),
  fc.record({
    on: fc.constantFrom('message_done' as const, 'message_cancelled' as const, 'withdrawn' as const),
    message_id: fc.constantFrom('m0', 'm1', 'm2', 'm3'),
  }),
  fc.record({ on: fc.constant('agent_turn_began' as const), turn_id: fc.constantFrom('t0', 't1') }),
  fc.record({ on: fc.constant('tasks' as const), tasks: fc.subarray(TASKS) }),
  fc.record({ on: fc.constant('task_reported' as const), run_id: fc.constantFrom('r0', 'r1') }),
  fc.constant<SessionInput>({ on: 'claude_idle' }),
  fc
    .tuple(fc.boolean(), fc.integer({ min: 1, max: 3 }))
    .map(([crowded, epoch]): SessionInput => ({ on: 'crowded', epoch, crowded })),
  fc
    .tuple(fc.boolean(), fc.integer({ min: 1, max: 3 }))
    .map(([draining, epoch]): SessionInput => ({ on: 'draining', epoch, draining })),
  fc.boolean().map((asking): SessionInput => ({ on: 'asking', asking })),
  fc.boolean().map((shared): SessionInput => ({ on: 'shared', shared })),
  fc.constant<SessionInput>({ on: 'attended' }),
  fc.constantFrom<SessionInput>(
    { on: 'permit', permit: 'free' },
    { on: 'permit', permit: 'due' },
    { on: 'permit', permit: 'granted' },
    { on: 'permit', permit: 'suspended', reason: reason('budget_reached') },
  ),
  fc.boolean().map((background): SessionInput => ({ on: 'interrupt', background })),
  fc.constant<SessionInput>({ on: 'stop', reason: reason('stopped_by_user') }),
  fc.constant<SessionInput>({ on: 'flooded', reason: reason('event_flood') }),
  fc.record({
    on: fc.constant('ended' as const),
    epoch: fc.integer({ min: 1, max: 4 }),
    reason: fc.constantFrom(
      reason('container_exited'),
      reason('runner_draining'),
      reason('stopped_by_user'),
      reason('parent_unavailable'),
    ),
  }),
  fc.constant<SessionInput>({ on: 'clock' }),
);

/** What a session lives through when all goes well, so that stories come to the states that are deep inside. */
const USUAL: readonly SessionInput[][] = [1, 2, 3].map((epoch) => [{ on: 'placed', epoch }, { on: 'ready' }]);

/** Time between two steps: moments, and lengths around those of the deadlines. Milliseconds. */
const anyGap = fc.oneof(
  fc.integer({ min: 0, max: 5000 }),
  fc
    .tuple(fc.constantFrom(...Object.values(LIMITS).flat()), fc.integer({ min: -2000, max: 2000 }))
    .map(([limit, off]) => limit + off),
);

const anyMessage = fc.record({
  timeout: fc.option(fc.integer({ min: 1000, max: 8_000_000 })),
  delivery: fc.constantFrom<Delivery>('queue', 'queue', 'steer', 'interrupt'),
});

/** Any story, with messages m0, m1, … sent along the way, and the clock looked at whenever it likes. */
const anyStory = fc
  .array(
    fc.tuple(
      anyGap,
      fc.oneof(
        { weight: 4, arbitrary: anyInput.map((input) => [input]) },
        { weight: 1, arbitrary: fc.constantFrom(...USUAL) },
        { weight: 2, arbitrary: anyMessage },
      ),
    ),
    { maxLength: 60 },
  )
  .map((steps) => {
    const inputs: SessionInput[] = [{ on: 'created' }];
    const gaps = [0];
    let now = START;
    let sent = 0;
    for (const [gap, step] of steps) {
      now += gap;
      const next = Array.isArray(step)
        ? step
        : [prompted(`m${sent++}`, step.timeout === null ? null : now + step.timeout, step.delivery)];
      for (const [index, input] of next.entries()) {
        inputs.push(input);
        gaps.push(index === 0 ? gap : 0);
      }
    }
    return { inputs, gaps, sent };
  });

const END = new Set(['message_completed', 'message_failed', 'message_interrupted']);

describe('the session machine, whatever happens in whatever order', () => {
  it('never loses a message: each one waits, runs, or has ended exactly once', () => {
    fc.assert(
      fc.property(anyStory, ({ inputs, gaps, sent }) => {
        const { state, effects } = play(inputs, gaps);
        const ended = effects.flatMap((effect) =>
          END.has(effect.do) && 'message_id' in effect ? [String(effect.message_id)] : [],
        );
        const running = state.current ? [state.current] : [];
        const alive = [...state.queue, ...running, ...state.steered].map(({ message_id }) => message_id);
        expect([...ended, ...alive].toSorted()).toEqual(Array.from({ length: sent }, (_, n) => `m${n}`).toSorted());
      }),
    );
  });

  it('hands each message over once, and once more each time that it was held; those in the queue in order, and one at a time', () => {
    fc.assert(
      fc.property(anyStory, ({ inputs, gaps }) => {
        const { effects } = play(inputs, gaps);
        const prompts = effects.filter((effect) => effect.do === 'prompt');
        const timesOf = (what: SessionEffect['do'], id: string) =>
          effects.filter((effect) => effect.do === what && 'message_id' in effect && effect.message_id === id).length;
        for (const { message_id } of prompts) {
          const [handed, held] = [timesOf('prompt', message_id), timesOf('message_held', message_id)];
          expect(handed === held || handed === held + 1).toBe(true);
        }
        const queued = new Set(
          inputs.flatMap((input) =>
            input.on === 'prompted' && input.delivery === 'queue' ? [input.message.message_id] : [],
          ),
        );
        const inOrder = prompts
          .filter(({ message_id }) => queued.has(message_id))
          .map((one) => Number(one.message_id.slice(1)));
        expect(inOrder).toEqual(inOrder.toSorted((a, b) => a - b));
        const running = new Set<string>();
        for (const effect of effects) {
          if (effect.do === 'prompt') {
            if (!effect.steer) expect([...running]).toEqual([]);
            running.add(effect.message_id);
          } else if (END.has(effect.do) && 'error' in effect && 'message_id' in effect)
            running.delete(effect.message_id);
          else if (effect.do === 'message_completed' || effect.do === 'message_held') running.delete(effect.message_id);
        }
      }),
    );
  });

  it('settles each message that has completed, once, and none before its end', () => {
    fc.assert(
      fc.property(anyStory, ({ inputs, gaps }) => {
        const { state, effects } = play(inputs, gaps);
        const open = new Set<string>();
        for (const effect of effects) {
          if (effect.do === 'message_completed' && !effect.settled) open.add(effect.message_id);
          if (effect.do === 'message_settled') expect(open.delete(effect.message_id)).toBe(true);
        }
        expect([...open].toSorted()).toEqual([...state.unsettled].toSorted());
        if (state.container === 'none') expect(state.unsettled).toEqual([]);
      }),
    );
  });

  it('forgets no turn of claude’s own: each one that began is running, has ended, or was lost with its container', () => {
    fc.assert(
      fc.property(anyStory, ({ inputs, gaps }) => {
        let state = NEW_SESSION;
        let now = START;
        for (const [index, input] of inputs.entries()) {
          now += gaps[index] ?? 0;
          const step = advance(state, input, now, LIMITS);
          const lost = step.effects.some((effect) => effect.do === 'agent_turn_lost');
          if (state.agent_turn !== null && step.state.agent_turn === null)
            expect(lost || input.on === 'turn_ended').toBe(true);
          if (lost) expect(step.state.agent_turn).toBeNull();
          ({ state } = step);
        }
      }),
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
            expect(obstacleOf(step.state) === null || step.state.queue.length === 0 || input.on === 'created').toBe(
              true,
            );
            expect(step.state.epoch).toBe(state.epoch + 1);
          } else expect(step.state.epoch).toBe(state.epoch);
          state = step.state;
        }
      }),
    );
  });

  it('is running exactly while a turn runs, whoever began it', () => {
    fc.assert(
      fc.property(anyStory, ({ inputs, gaps }) => {
        const { state } = play(inputs, gaps);
        expect(state.status === 'running').toBe(isRunning(state));
        if (isRunning(state) || state.tasks.length > 0) expect(state.container).toBe('ready');
      }),
    );
  });

  it('waits only for a container that was asked for, and without one says why', () => {
    fc.assert(
      fc.property(anyStory, ({ inputs, gaps }) => {
        const { state } = play(inputs, gaps);
        const obstacle = obstacleOf(state);
        const isHeld = obstacle !== null && state.queue.length > 0 && state.container === 'none';
        if (isHeld) expect(state).toMatchObject({ status: 'queued', reason: obstacle });
        else if (state.retry_at !== null && state.container === 'none') expect(state.queue).not.toEqual([]);
        else if (state.status === 'queued') expect(['wanted', 'ending']).toContain(state.container);
        else if (state.container === 'none') expect(['stopped', 'failed']).toContain(state.status);
        if (state.status === 'stopped' || state.status === 'failed') expect(state.reason).not.toBeNull();
      }),
    );
  });
});

/** What ends by the clock, by the reason that it gives. */
const BY_CLOCK = new Set([
  'startup_timeout',
  'idle_timeout',
  'background_timeout',
  'made_room',
  'session_timeout',
  'claude_unresponsive',
  'budget_reached',
  'usage_limit',
]);

describe('deadlines, however late and however often the alarm comes', () => {
  it('pass once: the same alarm again, or one that is too early, changes nothing', () => {
    fc.assert(
      fc.property(anyStory, fc.integer({ min: 0, max: 10_000_000 }), ({ inputs, gaps }, late) => {
        const { state, now } = play(inputs, gaps);
        const due = nextDeadline(state, LIMITS);
        if (due !== null && due > now) {
          const early = advance(state, { on: 'clock' }, due - 1, LIMITS);
          expect(early).toEqual({ state, effects: [] });
        }
        const first = advance(state, { on: 'clock' }, now + late, LIMITS);
        const again = advance(first.state, { on: 'clock' }, now + late, LIMITS);
        expect(again).toEqual({ state: first.state, effects: [] });
        expect(nextDeadline(first.state, LIMITS) ?? Infinity).toBeGreaterThan(now + late);
      }),
    );
  });

  it('are told apart: what ended the session is the deadline that passed first, not the last that has passed', () => {
    fc.assert(
      fc.property(anyStory, fc.integer({ min: 0, max: 10_000_000 }), ({ inputs, gaps }, late) => {
        const { state, now } = play(inputs, gaps);
        const due = nextDeadline(state, LIMITS);
        if (due === null || due < now) return;
        const punctual = advance(state, { on: 'clock' }, due, LIMITS).state;
        // What waited for a usage limit to be reset begins: nothing has ended.
        if (punctual.status === state.status || punctual.status === 'running') return;
        const { status, reason: why } = advance(state, { on: 'clock' }, due + late, LIMITS).state;
        expect(BY_CLOCK).toContain(punctual.reason?.code);
        expect({ status, why }).toEqual({ status: punctual.status, why: punctual.reason });
      }),
    );
  });

  it('leave nothing running for good: with nobody saying anything more, the container goes and each message ends', () => {
    fc.assert(
      fc.property(anyStory, fc.array(fc.integer({ min: 0, max: 100_000 }), { maxLength: 5 }), (story, lateness) => {
        let { state, now } = play(story.inputs, story.gaps);
        for (let alarms = 0; ; alarms += 1) {
          const due = nextDeadline(state, LIMITS);
          if (due === null) break;
          expect(alarms).toBeLessThan(2 * story.sent + 9);
          now = Math.max(now, due) + (lateness[alarms % 5] ?? 0);
          ({ state } = advance(state, { on: 'clock' }, now, LIMITS));
        }
        expect(isRunning(state)).toBe(false);
        expect(['none', 'wanted', 'ending']).toContain(state.container);
      }),
    );
  });

  it('end a message by its own timeout with turn_timeout, and by nothing else of the clock’s', () => {
    fc.assert(
      fc.property(anyStory, ({ inputs, gaps }) => {
        const { effects } = play(inputs, gaps);
        for (const effect of effects) {
          if (effect.do === 'message_failed') expect(effect.error.code).not.toBe('interrupted');
          if (effect.do === 'message_interrupted') expect(effect.error.code).not.toBe('turn_timeout');
        }
      }),
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

  it('that is idle while others wait for a place makes room soon, and one that works does not', () => {
    const crowded: SessionInput = { on: 'crowded', epoch: 1, crowded: true };
    const { state } = play([...READY, crowded]);
    expect(nextDeadline(state, LIMITS)).toBe(START + 3000 + LIMITS.crowded);
    const parked = advance(state, { on: 'clock' }, START + 3000 + LIMITS.crowded, LIMITS).state;
    expect(parked).toMatchObject({ status: 'stopped', reason: { code: 'made_room' } });
    expect(nextDeadline(play([...READY, prompted('m0'), crowded]).state, LIMITS)).toBe(START + 4000 + LIMITS.turn);
    const relieved = play([...READY, crowded, { ...crowded, crowded: false }]).state;
    expect(nextDeadline(relieved, LIMITS)).toBe(START + 3000 + LIMITS.idle);
  });

  it('is parked neither for idleness nor for room while others work in its files, and has its idle time after that', () => {
    const shared: SessionInput = { on: 'shared', shared: true };
    const crowded: SessionInput = { on: 'crowded', epoch: 1, crowded: true };
    const { state, now } = play([...READY, shared, crowded]);
    expect(nextDeadline(state, LIMITS)).toBe(START + 2000 + LIMITS.lifetime);
    const left = advance(state, { ...shared, shared: false }, now + 2 * LIMITS.idle, LIMITS).state;
    expect(nextDeadline(left, LIMITS)).toBe(now + 2 * LIMITS.idle + LIMITS.crowded);
    const told = advance(left, { ...shared, shared: false }, now + 3 * LIMITS.idle, LIMITS).state;
    expect(told).toBe(left);
  });

  it('whose parent’s container has ended is parked, and tries once whether what waits can go on', () => {
    expect(play([...READY, away(1)]).state).toMatchObject({
      status: 'stopped',
      reason: { code: 'parent_unavailable' },
    });
    const tried = play([...READY, prompted('m0'), prompted('m1'), away(1)]);
    expect(tried.state).toMatchObject({ status: 'queued', epoch: 2, queue: [{ message_id: 'm1' }] });
    const given = advance(tried.state, away(2), tried.now, LIMITS);
    expect(given.state).toMatchObject({ status: 'failed', reason: { code: 'parent_unavailable' }, queue: [] });
    expect(given.effects).toContainEqual(expect.objectContaining({ do: 'message_failed', message_id: 'm1' }));
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

  it('that does not start in time fails, if nothing waits for it', () => {
    const { state, now } = play([{ on: 'created' }, { on: 'placed', epoch: 1 }]);
    const { state: after } = advance(state, { on: 'clock' }, now + LIMITS.startup, LIMITS);
    expect(after).toMatchObject({ status: 'failed', reason: { code: 'startup_timeout' }, container: 'ending' });
  });

  it.each(['startup_timeout', 'container_exited'] as const)(
    'whose messages wait is started again after %s, later each time, and fails with them in the end',
    (code) => {
      let { state, now } = play([{ on: 'created' }, prompted('m0'), prompted('m1')]);
      for (const wait of LIMITS.retries) {
        ({ state } = advance(state, { on: 'placed', epoch: state.epoch }, now, LIMITS));
        if (code === 'startup_timeout') {
          now += LIMITS.startup;
          ({ state } = advance(state, { on: 'clock' }, now, LIMITS));
        }
        ({ state } = advance(
          state,
          { on: 'ended', epoch: state.epoch, reason: reason('container_exited') },
          now,
          LIMITS,
        ));
        expect(state).toMatchObject({ status: 'queued', reason: { code }, container: 'none' });
        expect(state.reason?.detail).toMatch(/Trying again in/);
        expect(state.queue).toHaveLength(2);
        now += wait;
        expect(nextDeadline(state, LIMITS)).toBe(now);
        const again = advance(state, { on: 'clock' }, now, LIMITS);
        expect(again.effects).toContainEqual({ do: 'want' });
        ({ state } = again);
      }
      ({ state } = advance(state, { on: 'placed', epoch: state.epoch }, now, LIMITS));
      const last = advance(state, { on: 'ended', epoch: state.epoch, reason: reason('container_exited') }, now, LIMITS);
      expect(last.state).toMatchObject({ status: 'failed', reason: { code: 'container_exited' }, queue: [] });
      expect(last.effects.filter((effect) => effect.do === 'message_failed')).toHaveLength(2);
    },
  );

  it('that has started again tries as often after a later end', () => {
    const { state } = play([
      { on: 'created' },
      { on: 'placed', epoch: 1 },
      prompted('m0'),
      { on: 'ended', epoch: 1, reason: reason('container_exited') },
      { on: 'clock' },
      { on: 'placed', epoch: 2 },
      { on: 'ready' },
    ]);
    expect(state).toMatchObject({ status: 'running', epoch: 2, failed_starts: 0, current: { message_id: 'm0' } });
  });

  it('that lives too long loses what runs, and goes on with what waits in a new container', () => {
    const { state, now } = play([...READY, prompted('m0'), prompted('m1'), prompted('m2')]);
    const { state: over, effects } = advance(state, { on: 'clock' }, now + LIMITS.lifetime, LIMITS);
    expect(effects).toContainEqual({
      do: 'message_interrupted',
      message_id: 'm0',
      error: expect.objectContaining({ code: 'session_timeout' }),
    });
    expect(over).toMatchObject({ status: 'queued', reason: { code: 'session_timeout' }, container: 'ending' });
    const next = advance(over, { on: 'ended', epoch: 1, reason: reason('stopped_by_user') }, now, LIMITS);
    expect(next.state).toMatchObject({ epoch: 2, queue: [{ message_id: 'm1' }, { message_id: 'm2' }] });
  });

  it('has its startup time from when what it clones is there', () => {
    const { state, now } = play([{ on: 'created' }, { on: 'placed', epoch: 1 }]);
    const cloned = advance(state, { on: 'cloned' }, now + 100_000, LIMITS).state;
    expect(nextDeadline(cloned, LIMITS)).toBe(now + 100_000 + LIMITS.startup);
  });

  it('waits for the engine’s room with that as its reason, and has its startup time from when there is some', () => {
    const { state, now } = play([{ on: 'created' }, { on: 'placed', epoch: 1 }]);
    const waits: SessionInput = { on: 'start_waits', reason: reason('no_capacity') };
    const first = advance(state, waits, now + 100_000, LIMITS);
    expect(first.state).toMatchObject({ status: 'starting', reason: { code: 'no_capacity' } });
    expect(first.effects).toContainEqual({ do: 'announce' });
    const second = advance(first.state, waits, now + 200_000, LIMITS);
    // Said once: nothing of it has changed.
    expect(second.effects).toEqual([]);
    expect(nextDeadline(second.state, LIMITS)).toBe(now + 200_000 + LIMITS.startup);
    const ready = advance(second.state, { on: 'ready' }, now + 210_000, LIMITS);
    expect(ready.state).toMatchObject({ status: 'idle', reason: null });
    expect(advance(ready.state, waits, now + 220_000, LIMITS).state).toEqual(ready.state);
  });

  it('parked late is parked for what came first', () => {
    const { state, now } = play(READY);
    const late = advance(state, { on: 'clock' }, now + 10 * LIMITS.lifetime, LIMITS).state;
    expect(late).toMatchObject({ status: 'stopped', reason: { code: 'idle_timeout' } });
  });

  it('whose claude does not end an interrupted turn loses its container, and the next message wakes it', () => {
    const { state, now } = play([...READY, prompted('m0'), { on: 'interrupt', background: false }]);
    expect(nextDeadline(state, LIMITS)).toBe(now + LIMITS.interrupt);
    const { state: parked, effects } = advance(state, { on: 'clock' }, now + LIMITS.interrupt, LIMITS);
    expect(parked).toMatchObject({ status: 'stopped', reason: { code: 'claude_unresponsive' }, container: 'ending' });
    expect(effects.map((effect) => effect.do)).toEqual([
      'message_turn_lost',
      'message_interrupted',
      'release',
      'announce',
    ]);
    const { state: woken } = advance(parked, prompted('m1'), now + LIMITS.interrupt + 1, LIMITS);
    const gone = { on: 'ended', epoch: 1, reason: reason('stopped_by_user') } as const;
    const { state: again } = advance(woken, gone, now + LIMITS.interrupt + 2, LIMITS);
    expect(again).toMatchObject({ status: 'queued', epoch: 2, container: 'wanted', queue: [{ message_id: 'm1' }] });
  });

  it('whose container floods it loses that; what ran has failed, and what waits goes on in another', () => {
    const flooded = { on: 'flooded', reason: reason('event_flood') } as const;
    const { state } = play([...READY, prompted('m0'), prompted('m1'), flooded]);
    expect(state).toMatchObject({ status: 'queued', reason: { code: 'event_flood' }, container: 'ending' });
    const gone = { on: 'ended', epoch: 1, reason: reason('container_exited') } as const;
    const next = play([...READY, prompted('m0'), prompted('m1'), flooded, gone]);
    expect(next.state).toMatchObject({ epoch: 2, container: 'wanted', queue: [{ message_id: 'm1' }] });
    expect(next.effects).toContainEqual(
      expect.objectContaining({
        do: 'message_failed',
        message_id: 'm0',
        error: expect.objectContaining({ code: 'event_flood' }),
      }),
    );
    const alone = play([...READY, prompted('m0'), flooded, gone]).state;
    expect(alone).toMatchObject({ status: 'failed', reason: { code: 'event_flood' }, container: 'none' });
    // One that floods before its claude is ready would do so for ever.
    const early = play([{ on: 'created' }, { on: 'placed', epoch: 1 }, prompted('m0'), flooded, gone]).state;
    expect(early).toMatchObject({ status: 'failed', reason: { code: 'event_flood' }, queue: [], container: 'none' });
  });

  it('whose claude hangs goes on with what waits, once the old container has gone', () => {
    const { state, now } = play([...READY, prompted('m0', START + 10_000), prompted('m1')]);
    const timed = advance(state, { on: 'clock' }, START + 10_000, LIMITS);
    expect(timed.effects).toEqual([{ do: 'interrupt', message_id: 'm0', background: null }]);
    expect(now).toBeLessThan(START + 10_000);
    const given = advance(timed.state, { on: 'clock' }, START + 10_000 + LIMITS.interrupt, LIMITS);
    expect(given.effects).toContainEqual(
      expect.objectContaining({
        do: 'message_failed',
        message_id: 'm0',
        error: expect.objectContaining({ code: 'turn_timeout' }),
      }),
    );
    expect(given.state).toMatchObject({
      status: 'queued',
      reason: { code: 'claude_unresponsive' },
      container: 'ending',
    });
    expect(given.effects.some((effect) => effect.do === 'want')).toBe(false);
    const gone = { on: 'ended', epoch: 1, reason: reason('stopped_by_user') } as const;
    const next = advance(given.state, gone, START + 99_000, LIMITS);
    expect(next.state).toMatchObject({ epoch: 2, container: 'wanted', queue: [{ message_id: 'm1' }] });
  });

  it('that was woken by a message which has timed out since is parked, not waiting for nothing', () => {
    const { state } = play([...READY, { on: 'stop', reason: reason('stopped_by_user') }, prompted('m0', START + 9000)]);
    const late = advance(state, { on: 'clock' }, START + 9000, LIMITS).state;
    const gone = { on: 'ended', epoch: 1, reason: reason('stopped_by_user') } as const;
    expect(advance(late, gone, START + 10_000, LIMITS).state).toMatchObject({ status: 'stopped', container: 'none' });
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

  const drained: SessionInput = { on: 'draining', epoch: 1, draining: true };
  const moved: SessionInput = { on: 'ended', epoch: 1, reason: reason('runner_draining') };

  it('that is idle on a runner that is being drained is parked at once, and wakes elsewhere', () => {
    const { state, effects } = play([...READY, drained]);
    expect(state).toMatchObject({ status: 'stopped', reason: { code: 'runner_draining' }, container: 'ending' });
    expect(effects.at(-2)).toEqual({ do: 'release' });
    const { state: woken } = play([...READY, drained, prompted('m0'), moved]);
    expect(woken).toMatchObject({ status: 'queued', container: 'wanted', epoch: 2, queue: [{ message_id: 'm0' }] });
  });

  it('that works there ends its turn first, and what waits goes on elsewhere without being begun', () => {
    const working = [...READY, prompted('m0'), drained, prompted('m1')];
    expect(play(working).state).toMatchObject({ status: 'running', container: 'ready', current: { message_id: 'm0' } });
    const left = play([...working, ended(['m0'])]);
    expect(left.state).toMatchObject({ status: 'queued', container: 'ending', reason: { code: 'runner_draining' } });
    expect(left.effects).toContainEqual(expect.objectContaining({ do: 'message_completed', message_id: 'm0' }));
    const there = play([...working, ended(['m0']), moved, { on: 'placed', epoch: 2 }, { on: 'ready' }]);
    expect(there.state).toMatchObject({ status: 'running', epoch: 2, current: { message_id: 'm1' } });
    expect(there.effects.filter((effect) => effect.do === 'prompt')).toHaveLength(2);
  });

  it('stays there while something is in the background or others work in its files', () => {
    const inBackground: SessionInput = { on: 'tasks', tasks: TASKS.slice(0, 1) };
    expect(play([...READY, inBackground, drained]).state).toMatchObject({ status: 'idle', container: 'ready' });
    const none: SessionInput = { on: 'tasks', tasks: [] };
    const over = play([...READY, inBackground, drained, none, { on: 'claude_idle' }]).state;
    expect(over).toMatchObject({ status: 'stopped', container: 'ending' });
    const shared: SessionInput = { on: 'shared', shared: true };
    expect(play([...READY, shared, drained]).state).toMatchObject({ status: 'idle', container: 'ready' });
    expect(play([...READY, shared, drained, { ...shared, shared: false }]).state).toMatchObject({ status: 'stopped' });
    const undone = play([...READY, shared, drained, { ...drained, draining: false }, { ...shared, shared: false }]);
    expect(undone.state).toMatchObject({ status: 'idle', container: 'ready' });
  });

  it('that only starts there waits for another place', () => {
    const { state } = play([{ on: 'created' }, prompted('m0'), { on: 'placed', epoch: 1 }, drained]);
    expect(state).toMatchObject({ status: 'queued', container: 'ending', queue: [{ message_id: 'm0' }] });
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

const permit = (is: 'free' | 'due' | 'granted' | 'suspended'): SessionInput =>
  is === 'suspended' ? { on: 'permit', permit: is, reason: reason('budget_reached') } : { on: 'permit', permit: is };

describe('below a budget', () => {
  it('a turn begins with leave, which is for that turn alone', () => {
    const asked = play([{ on: 'created' }, permit('due'), ...READY.slice(1), prompted('m0'), prompted('m1')]);
    expect(asked.effects.some((effect) => effect.do === 'prompt')).toBe(false);
    expect(asked.state.status).toBe('idle');
    const begun = advance(asked.state, permit('granted'), asked.now, LIMITS);
    expect(begun.effects).toContainEqual({ do: 'prompt', message_id: 'm0', steer: false });
    const over = advance(begun.state, ended(['m0']), asked.now, LIMITS);
    expect(over.state).toMatchObject({ status: 'idle', permit: 'due', current: null });
  });

  it('what is held calls no model, its time stands still, and it goes on when there is more', () => {
    const { state, effects, now } = play([...READY, prompted('m0'), permit('suspended')]);
    expect(effects).toContainEqual({ do: 'pause_model', paused: true });
    expect(state.current).toMatchObject({ paused: now });
    const on = advance(state, permit('granted'), now + 60_000, LIMITS);
    expect(on.effects).toEqual([{ do: 'pause_model', paused: false }]);
    expect(on.state.current).toMatchObject({ paused: null, deadline: now - 1000 + LIMITS.turn + 60_000 });
  });

  it('a turn that is held for too long ends, its container goes, and what waits goes on once there is more', () => {
    const { state, now } = play([...READY, prompted('m0'), prompted('m1'), permit('suspended')]);
    expect(nextDeadline(state, LIMITS)).toBe(now + LIMITS.idle);
    const parked = advance(state, { on: 'clock' }, now + LIMITS.idle, LIMITS);
    const interrupted = expect.objectContaining({ do: 'message_interrupted', message_id: 'm0' });
    const lost = expect.objectContaining({ do: 'message_turn_lost', message_id: 'm0' });
    expect(parked.effects).toEqual([lost, interrupted, { do: 'release' }, { do: 'announce' }]);
    expect(parked.state).toMatchObject({
      status: 'queued',
      reason: reason('budget_reached'),
      queue: [{ message_id: 'm1' }],
    });
    const gone = advance(parked.state, { on: 'ended', epoch: 1, reason: reason('stopped_by_user') }, now, LIMITS);
    expect(gone.effects).toEqual([]);
    const more = advance(gone.state, permit('due'), now, LIMITS);
    expect(more.effects).toContainEqual({ do: 'want' });
  });

  it('what waits for more to spend fails when its own time is over, and the session is parked as it was', () => {
    const stopped = reason('stopped_by_user');
    const { state, now } = play([...READY, permit('suspended'), { on: 'stop', reason: stopped }]);
    const gone = advance(state, { on: 'ended', epoch: 1, reason: stopped }, now, LIMITS).state;
    const asked = advance(gone, prompted('m0', now + 5000), now, LIMITS).state;
    const late = advance(asked, { on: 'clock' }, now + 5000, LIMITS);
    expect(late.effects[0]).toMatchObject({ do: 'message_failed', message_id: 'm0' });
    expect(late.state).toMatchObject({ status: 'stopped', reason: reason('budget_reached') });
  });

  it('a parked session that is held takes messages, and starts nothing for them', () => {
    const { state, now } = play([...READY, permit('suspended'), { on: 'stop', reason: reason('stopped_by_user') }]);
    const gone = advance(state, { on: 'ended', epoch: 1, reason: reason('stopped_by_user') }, now, LIMITS).state;
    const asked = advance(gone, prompted('m0'), now, LIMITS);
    expect(asked.effects).toEqual([{ do: 'announce' }]);
    expect(asked.state).toMatchObject({ status: 'queued', reason: reason('budget_reached'), container: 'none' });
  });
});

/** A message waits for a usage limit. */
const held = (...inputs: SessionInput[]) => play([...READY, prompted('m0'), ended(['m0'], limited), ...inputs]);
const at = (now: number, state: SessionState) => advance(state, { on: 'clock' }, now, LIMITS);
/** What becomes of a message whose turn ends like this. */
const endOf = (outcome: TurnOutcome, limits: Limits) => {
  const { state, now } = play([...READY, prompted('m0')]);
  return advance(state, ended(['m0'], outcome), now, limits).effects[0];
};

describe('below a usage limit', () => {
  it('a message whose turn ended by it waits, seen by all, and begins anew when it is reset', () => {
    const { state, effects } = held();
    expect(effects).toContainEqual({ do: 'message_held', message_id: 'm0', retry_at: RESET });
    expect(state).toMatchObject({ status: 'idle', reason: { code: 'usage_limit' }, queue: [{ message_id: 'm0' }] });
    expect(state.reason?.detail).toContain(new Date(RESET).toISOString());
    const { limited: limit } = state;
    const early = at(RESET - 1, { ...state, since: RESET, launched_at: RESET });
    expect(early.effects).toEqual([]);
    const reset = at(RESET, { ...state, since: RESET, launched_at: RESET });
    expect(limit).not.toBeNull();
    expect(reset.effects).toContainEqual({ do: 'prompt', message_id: 'm0', steer: false });
    expect(reset.state).toMatchObject({ status: 'running', limited: null, current: { message_id: 'm0' } });
  });

  it('messages that come later wait behind it', () => {
    const { state } = held(prompted('m1'), prompted('m2'));
    expect(state.queue.map(({ message_id }) => message_id)).toEqual(['m0', 'm1', 'm2']);
    expect(state.current).toBeNull();
  });

  it('an idle session gives its container back, keeps what waits, and asks for another when the limit is reset', () => {
    const { state, now } = held();
    const parked = at(now + LIMITS.idle, state);
    expect(parked.effects).toEqual([{ do: 'release' }, { do: 'announce' }]);
    const gone = advance(parked.state, { on: 'ended', epoch: 1, reason: reason('stopped_by_user') }, now, LIMITS);
    expect(gone.effects).toEqual([]);
    expect(gone.state).toMatchObject({ status: 'queued', reason: { code: 'usage_limit' }, container: 'none' });
    expect(nextDeadline(gone.state, LIMITS)).toBe(RESET);
    expect(at(RESET, gone.state).effects).toContainEqual({ do: 'want' });
  });

  it('makes room for others without losing what waits', () => {
    const { state, now } = held({ on: 'crowded', epoch: 1, crowded: true });
    expect(at(now + LIMITS.crowded, state).state).toMatchObject({ status: 'queued', queue: [{ message_id: 'm0' }] });
  });

  it('that is not waited for, is over, or is too far off fails the message', () => {
    const failure = { do: 'message_failed', message_id: 'm0', error: limited.error };
    expect(endOf(limited, { ...LIMITS, hold: 0 })).toEqual(failure);
    expect(endOf(limited, { ...LIMITS, hold: 1_000_000 })).toEqual(failure);
    const over = { ...limited, error: { ...limited.error, retry_at: new Date(START).toISOString() } };
    expect(endOf(over, LIMITS)).toEqual({ ...failure, error: over.error });
  });

  it('a message whose own time is over before that fails at once', () => {
    const { effects } = play([...READY, prompted('m0', RESET - 1), ended(['m0'], limited)]);
    expect(effects).toContainEqual({ do: 'message_failed', message_id: 'm0', error: limited.error });
  });

  it('a turn that was being interrupted is interrupted, and nothing waits', () => {
    const { state } = play([...READY, prompted('m0'), { on: 'interrupt', background: false }, ended(['m0'], limited)]);
    expect(state).toMatchObject({ status: 'idle', reason: null, queue: [], limited: null });
  });

  it('a stop ends the wait with what waits', () => {
    const { state, effects } = held({ on: 'stop', reason: reason('stopped_by_user') });
    expect(effects).toContainEqual(expect.objectContaining({ do: 'message_interrupted', message_id: 'm0' }));
    expect(state).toMatchObject({ status: 'stopped', limited: null, queue: [] });
  });

  it('a budget that is spent meanwhile is what it waits for first', () => {
    const { state, now } = held({ on: 'permit', permit: 'suspended', reason: reason('budget_reached') });
    const gone = at(now + LIMITS.idle, state).state;
    const away = advance(gone, { on: 'ended', epoch: 1, reason: reason('stopped_by_user') }, now, LIMITS).state;
    const reset = at(RESET, away);
    expect(reset.effects.map((effect) => effect.do)).not.toContain('want');
    expect(advance(reset.state, { on: 'permit', permit: 'free' }, RESET, LIMITS).effects).toContainEqual({
      do: 'want',
    });
  });
});

const asking = (is: boolean): SessionInput => ({ on: 'asking', asking: is });

describe('a message', () => {
  it('whose time runs out while it waits fails without being handed over', () => {
    const { state, now, effects } = play([{ on: 'created' }, prompted('m0', 1_005_000)]);
    expect(nextDeadline(state, LIMITS)).toBe(1_005_000);
    const late = advance(state, { on: 'clock' }, 1_005_000, LIMITS);
    expect(late.effects).toEqual([expect.objectContaining({ do: 'message_failed', message_id: 'm0' })]);
    expect(now).toBeLessThan(1_005_000);
    expect(effects.some((effect) => effect.do === 'prompt')).toBe(false);
  });

  it('that says no timeout waits as long as it must, and then has the default for its turn', () => {
    const { state } = play([{ on: 'created' }, prompted('m0')]);
    expect(nextDeadline(state, LIMITS)).toBeNull();
    const placed = advance(state, { on: 'placed', epoch: 1 }, 9e9, LIMITS).state;
    const running = advance(placed, { on: 'ready' }, 9e9, LIMITS).state;
    expect(nextDeadline(running, LIMITS)).toBe(9e9 + LIMITS.turn);
    const late = advance(running, { on: 'clock' }, 9e9 + LIMITS.turn, LIMITS);
    expect(late.effects).toEqual([{ do: 'interrupt', message_id: 'm0', background: null }]);
  });

  it('whose turn waits for a person has the default for what it works, not for what they take', () => {
    const { state, now } = play([...READY, prompted('m0'), asking(true)]);
    expect(nextDeadline(state, LIMITS)).toBe(START + 3000 + LIMITS.lifetime - 1000);
    const answered = advance(state, asking(false), now + 2 * LIMITS.turn - 60_000, LIMITS).state;
    const left = LIMITS.turn - 1000;
    expect(answered.current).toMatchObject({ deadline: now + 2 * LIMITS.turn - 60_000 + left, paused: null });
  });

  it('that says a timeout itself has it, whoever is asked meanwhile', () => {
    const { state } = play([...READY, prompted('m0', START + 9000), { on: 'asking', asking: true }]);
    expect(nextDeadline(state, LIMITS)).toBe(START + 9000);
  });

  it('that is interrupted twice is interrupted once', () => {
    const { effects } = play([
      ...READY,
      prompted('m0'),
      { on: 'interrupt', background: false },
      { on: 'interrupt', background: false },
    ]);
    expect(effects.filter((effect) => effect.do === 'interrupt')).toHaveLength(1);
  });

  it('whose turn ended well although it was being interrupted is complete', () => {
    const { effects } = play([...READY, prompted('m0'), { on: 'interrupt', background: false }, ended(['m0'])]);
    expect(effects).toContainEqual({ do: 'message_completed', message_id: 'm0', settled: true });
  });
});
