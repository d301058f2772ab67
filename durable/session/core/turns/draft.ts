import type { Reason } from '../../../../protocol/reason.ts';
import type { Limits, SessionState } from '../state.ts';
import type { SessionEffect, Step } from '../life/effect.ts';

/** One step of the state machine while it is made: the state so far, and the effects in order. */
export class Draft {
  readonly now: number;
  readonly limits: Limits;
  readonly #before: SessionState;
  readonly #effects: SessionEffect[] = [];
  state: SessionState;

  constructor(state: SessionState, now: number, limits: Limits) {
    this.#before = state;
    this.state = state;
    this.now = now;
    this.limits = limits;
  }

  set(change: Partial<SessionState>): void {
    this.state = { ...this.state, ...change };
  }

  do(effect: SessionEffect): void {
    this.#effects.push(effect);
  }

  enter(status: SessionState['status'], reason: Reason | null): void {
    const moved = status !== this.state.status;
    this.set({ status, reason, ...(moved ? { since: this.now } : {}) });
  }

  finish(): Step {
    if (shown(this.#before.tasks) !== shown(this.state.tasks)) this.do({ do: 'announce_tasks' });
    const { status, reason } = this.state;
    if (this.#before.status !== status || this.#before.reason !== reason) this.do({ do: 'announce' });
    return { state: this.state, effects: this.#effects };
  }
}

const shown = (tasks: SessionState['tasks']) => tasks.map(({ task_id }) => task_id).join(' ');
