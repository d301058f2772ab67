import type { Limits, SessionState, TurnClock } from '../state.ts';
import { isEnding, isRunning } from '../state.ts';

export interface Deadline {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly kind:
    | 'waiting'
    | 'limit'
    | 'retry'
    | 'startup'
    | 'idle'
    | 'background'
    | 'suspended'
    | 'turn'
    | 'interrupt'
    | 'lifetime';
}

/** When the next `clock` input is due, epoch milliseconds; null: no deadline is set. */
export function nextDeadline(state: SessionState, limits: Limits): number | null {
  return earliest(state, limits)?.at ?? null;
}

/** The earliest deadline. Of two at the same time, the one that is pushed first here wins: it concerns less. */
export function earliest(state: SessionState, limits: Limits): Deadline | null {
  const { status, container, since, launched_at, current, agent_turn, queue, suspended, limited, crowded, shared } =
    state;
  const all: Deadline[] = [];
  for (const { deadline } of queue) if (deadline !== null) all.push({ at: deadline, kind: 'waiting' });
  if (limited !== null) all.push({ at: limited.until, kind: 'limit' });
  if (state.retry_at !== null && container === 'none') all.push({ at: state.retry_at, kind: 'retry' });
  if (status === 'starting') all.push({ at: since + limits.startup, kind: 'startup' });
  if (status === 'idle' && (queue.length === 0 || limited !== null) && !shared) {
    const idle = crowded ? Math.min(limits.crowded, limits.idle) : limits.idle;
    // Whoever has a terminal keeps the container for a while after each key, whatever else would end it for being idle.
    const attended = typeof state.attached === 'number' ? state.attached + limits.attended : 0;
    if (state.tasks.length === 0) all.push({ at: Math.max(since + idle, attended), kind: 'idle' });
    else all.push({ at: Math.max(since + limits.background, attended), kind: 'background' });
  }
  if (suspended !== null && container === 'ready' && (isRunning(state) || queue.length > 0)) {
    all.push({ at: Math.max(suspended.since, since) + limits.idle, kind: 'suspended' });
  }
  for (const { timeout } of state.steered)
    if (timeout !== null && !isEnding(state)) all.push({ at: timeout, kind: 'turn' });
  for (const turn of [current, agent_turn]) if (turn !== null) all.push(...endOf(turn, limits));
  if (container === 'launched' || container === 'ready') {
    all.push({ at: launched_at + limits.lifetime, kind: 'lifetime' });
  }
  return all.toSorted((a, b) => a.at - b.at)[0] ?? null;
}

function endOf({ interrupting, deadline, paused }: TurnClock, limits: Limits): Deadline[] {
  if (interrupting !== null) return [{ at: interrupting.since + limits.interrupt, kind: 'interrupt' }];
  return paused === null ? [{ at: deadline, kind: 'turn' }] : [];
}
