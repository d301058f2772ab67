import { describe, expect, it } from 'vitest';
import { advance } from '../../../../../durable/session/core/machine.ts';
import { NEW_SESSION, type SessionState } from '../../../../../durable/session/core/state.ts';
import { nextDeadline } from '../../../../../durable/session/core/life/deadlines.ts';
import type { Reason } from '../../../../../protocol/reason.ts';

const LIMITS = {
  startup: 120_000,
  idle: 300_000,
  crowded: 2000,
  attended: 3_600_000,
  lifetime: 7_200_000,
  turn: 3_600_000,
  interrupt: 30_000,
  hold: 0,
  background: 600_000,
  retries: [],
};
const NOW = 1_000_000;
const because = (code: Reason['code']): Reason => ({ code, detail: code });
const without = (
  status: 'stopped' | 'failed',
  code: Reason['code'],
  more: Partial<SessionState> = {},
): SessionState => ({
  ...NEW_SESSION,
  status,
  reason: because(code),
  epoch: 1,
  since: NOW,
  ...more,
});
const attended = (state: SessionState, now = NOW) => advance(state, { on: 'attended' }, now, LIMITS);
const wakes = (state: SessionState, now = NOW) => attended(state, now).effects.some((effect) => effect.do === 'want');

describe('a session that somebody looks at', () => {
  it('is woken when it was parked by itself, without a message', () => {
    const { state, effects } = attended(without('stopped', 'idle_timeout'));
    expect(state).toMatchObject({ status: 'queued', container: 'wanted', epoch: 2, queue: [] });
    expect(effects).toEqual([{ do: 'want' }, { do: 'announce' }]);
    expect(wakes(state)).toBe(false);
  });

  it('stays stopped when its owner stopped it, or its budget is spent, or a usage limit is reached', () => {
    expect(wakes(without('stopped', 'stopped_by_user'))).toBe(false);
    const reason = because('budget_reached');
    expect(wakes(without('stopped', 'budget_reached', { suspended: { reason, since: NOW } }))).toBe(false);
    expect(wakes(without('stopped', 'idle_timeout', { limited: { reason, until: NOW + 1 } }))).toBe(false);
    expect(wakes(without('stopped', 'idle_timeout', { container: 'ending' }))).toBe(false);
  });

  it('is not started again for half a minute when its container did not start', () => {
    const state = without('failed', 'image_missing');
    expect([0, 29_999, 30_000].map((ms) => wakes(state, NOW + ms))).toEqual([false, false, true]);
  });

  it('is not parked for idleness meanwhile, and its container still ends with its life', () => {
    const idle: SessionState = {
      ...without('stopped', 'idle_timeout'),
      status: 'idle',
      container: 'ready',
      launched_at: NOW,
    };
    const { state, effects } = attended(idle, NOW + 200_000);
    expect(effects).toEqual([]);
    expect(nextDeadline(state, LIMITS)).toBe(NOW + 200_000 + LIMITS.idle);
    expect(nextDeadline(attended(state, NOW + 7_100_000).state, LIMITS)).toBe(NOW + LIMITS.lifetime);
  });
});
