import { describe, expect, it } from 'vitest';
import { advance } from '../../../../../durable/session/core/machine.ts';
import {
  NEW_SESSION,
  type Limits,
  type OpenTerminal,
  type SessionState,
} from '../../../../../durable/session/core/state.ts';
import type { SessionInput } from '../../../../../durable/session/core/life/input.ts';
import { nextDeadline } from '../../../../../durable/session/core/life/deadlines.ts';
import type { Reason } from '../../../../../protocol/reason.ts';

const LIMITS: Limits = {
  startup: 120_000,
  idle: 300_000,
  crowded: 2000,
  attended: 3_600_000,
  lifetime: 90_000_000,
  turn: 3_600_000,
  interrupt: 30_000,
  hold: 0,
  background: 600_000,
  retries: [1000],
};
const NOW = 1_000_000;
const because = (code: Reason['code']): Reason => ({ code, detail: code });
const IDLE: SessionState = {
  ...NEW_SESSION,
  status: 'idle',
  container: 'ready',
  was_ready: true,
  epoch: 1,
  since: NOW,
  launched_at: NOW,
};
const parked = (more: Partial<SessionState> = {}): SessionState => ({
  ...NEW_SESSION,
  status: 'stopped',
  reason: because('stopped_by_user'),
  epoch: 1,
  since: NOW,
  ...more,
});
const take = (state: SessionState, input: SessionInput, now = NOW) => advance(state, input, now, LIMITS);
const TERMINAL: OpenTerminal = { terminal_id: 't1', by: 'alice', command: false, tty: true, opened: NOW };
const opened = (epoch = 1): SessionInput => ({ on: 'terminal_opened', epoch, terminal: TERMINAL });

describe('a terminal wakes its session', () => {
  it('without a message, whoever parked it, and also after a start that failed', () => {
    for (const state of [parked(), parked({ status: 'failed', reason: because('image_missing'), failed_starts: 1 })]) {
      const { state: woken, effects } = take(state, { on: 'called' });
      expect(woken).toMatchObject({ status: 'queued', container: 'wanted', epoch: 2, queue: [], failed_starts: 0 });
      expect(effects).toEqual([{ do: 'want' }, { do: 'announce' }]);
      expect(take(woken, { on: 'called' }).effects).toEqual([]);
    }
  });

  it('not while nothing may run: its budget is spent, a usage limit is reached, or its container is being ended', () => {
    const reason = because('budget_reached');
    for (const more of [
      { suspended: { reason, since: NOW } },
      { limited: { reason, until: NOW + 1 } },
      { container: 'ending' as const },
      { queue: [{ message_id: 'm', deadline: null }], retry_at: NOW + 1 },
    ])
      expect(take(parked(more), { on: 'called' }).effects).toEqual([]);
  });
});

describe('a terminal keeps its container', () => {
  const typing = take(IDLE, { on: 'attached', attached: true }, NOW + 10_000).state;

  it('for a while after each key, however short the idle time is, also while others wait for a place', () => {
    expect(nextDeadline(IDLE, LIMITS)).toBe(NOW + LIMITS.idle);
    expect(nextDeadline(typing, LIMITS)).toBe(NOW + 10_000 + LIMITS.attended);
    const later = take(typing, { on: 'attached', attached: true }, NOW + 500_000).state;
    expect(nextDeadline({ ...later, crowded: true }, LIMITS)).toBe(NOW + 500_000 + LIMITS.attended);
    const tasks = [
      { task_id: 'k', run_id: 'r', kind: 'shell' as const, description: '', started: NOW, message_id: null },
    ];
    expect(nextDeadline({ ...later, tasks }, LIMITS)).toBe(NOW + 500_000 + LIMITS.attended);
    // Its life ends it all the same.
    expect(nextDeadline({ ...later, launched_at: NOW - LIMITS.lifetime }, LIMITS)).toBe(NOW);
  });

  it('and no longer: then it is parked, and told why', () => {
    const { state } = take(typing, { on: 'clock' }, NOW + 10_000 + LIMITS.attended);
    expect(state).toMatchObject({ status: 'stopped', reason: { code: 'idle_timeout' } });
    expect(state.reason?.detail).toContain('TERMINAL_IDLE_TIMEOUT');
  });

  it('when nobody has it any more, idle time begins', () => {
    const left = take(typing, { on: 'attached', attached: false }, NOW + 400_000).state;
    expect(nextDeadline(left, LIMITS)).toBe(NOW + 400_000 + LIMITS.idle);
    expect(take(left, { on: 'attached', attached: false }, NOW + 500_000).state).toEqual(left);
  });

  it('a longer idle time of the session’s own holds as before', () => {
    expect(nextDeadline(typing, { ...LIMITS, attended: 1000 })).toBe(NOW + LIMITS.idle);
  });
});

describe('terminals in the log', () => {
  it('begin once, and end once: by themselves, or with their container', () => {
    const { state, effects } = take(IDLE, opened());
    expect(effects).toEqual([{ do: 'terminal_opened', terminal: TERMINAL }]);
    expect(take(state, opened()).effects).toEqual([]);
    const exited = take(state, { on: 'terminal_ended', terminal_id: 't1', code: 3, signal: null });
    expect(exited.effects).toEqual([{ do: 'terminal_ended', terminal: TERMINAL, ended: { code: 3, signal: null } }]);
    expect(take(exited.state, { on: 'terminal_ended', terminal_id: 't1', code: 3, signal: null }).effects).toEqual([]);

    const lost = { do: 'terminal_ended', terminal: TERMINAL, ended: null } as const;
    const stopped = take(state, { on: 'stop', reason: because('stopped_by_user') });
    expect(stopped.effects).toContainEqual(lost);
    expect(take(stopped.state, { on: 'ended', epoch: 1, reason: because('container_exited') }).effects).toEqual([]);
    expect(take(state, { on: 'ended', epoch: 1, reason: because('out_of_memory') }).effects).toContainEqual(lost);
  });

  it('not of a container that is not there, or not any more', () => {
    expect(take(parked(), opened()).effects).toEqual([]);
    expect(take({ ...IDLE, epoch: 2 }, opened(1)).effects).toEqual([]);
    expect(take(IDLE, { on: 'terminal_ended', terminal_id: 'x', code: 0, signal: null }).effects).toEqual([]);
  });
});
