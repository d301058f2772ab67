import type { MessageError, Reason } from '../../../../protocol/reason.ts';
import type { SessionState } from '../state.ts';
import { type Deadline, earliest } from './deadlines.ts';
import type { Draft } from '../turns/draft.ts';
import type { Turns } from '../turns/turns.ts';
import type { Container } from './container.ts';
import { seconds } from './seconds.ts';

/** What happens when a time is up. */
export class Expiry {
  readonly #draft: Draft;
  readonly #turns: Turns;
  readonly #container: Container;

  constructor(draft: Draft, turns: Turns, container: Container) {
    this.#draft = draft;
    this.#turns = turns;
    this.#container = container;
  }

  /** Handles all deadlines that have passed, in time order, because an alarm may be late by hours. */
  clock(): void {
    for (;;) {
      const due = earliest(this.#state, this.#draft.limits);
      if (due === null || due.at > this.#draft.now) return;
      this.#handleDeadline(due);
    }
  }

  #handleDeadline({ kind }: Deadline): void {
    const { idle, background, lifetime } = this.#draft.limits;
    const { limited, queue } = this.#state;
    const isIdle = kind === 'idle' || kind === 'background';
    if (isIdle && limited !== null && queue.length > 0) return this.#parkLimited(limited.reason);
    switch (kind) {
      case 'waiting':
        return this.#failExpired();
      case 'limit':
        return this.#limitReset();
      case 'retry':
        return this.#container.wake();
      case 'startup': {
        const within = seconds(this.#draft.limits.startup);
        const detail = `Claude Code was not ready within ${within}; the runner's log says how far it came.`;
        return this.#container.giveUpStarting('startup_timeout', detail);
      }
      case 'idle': {
        if (typeof this.#state.attached === 'number') {
          const within = seconds(this.#draft.limits.attended);
          const detail = `Idle, and nobody typed in its terminal for ${within} (TERMINAL_IDLE_TIMEOUT). The next message wakes it.`;
          return this.#container.stop({ code: 'idle_timeout', detail });
        }
        if (this.#state.crowded) {
          const detail = 'Idle while others waited for a place, so its container made room. The next message wakes it.';
          return this.#container.stop({ code: 'made_room', detail });
        }
        const detail = `Idle for ${seconds(idle)} (config.idle_timeout_seconds, CONTAINER_IDLE_TIMEOUT). The next message wakes it.`;
        return this.#container.stop({ code: 'idle_timeout', detail });
      }
      case 'background': {
        const open = this.#state.tasks.map(({ description }) => `"${description}"`).join(', ');
        const detail = `Only background work ran for ${seconds(background)} (config.background_timeout_seconds, BACKGROUND_TIMEOUT): ${open}. It was ended. The next message wakes the session.`;
        return this.#container.stop({ code: 'background_timeout', detail: detail.slice(0, 8192) });
      }
      case 'suspended':
        return this.#giveUpSuspended();
      case 'turn':
        return this.#turns.interrupt('turn_timeout', false);
      case 'interrupt':
        return this.#giveUpInterrupting();
      case 'lifetime':
        return this.#container.endLife(
          `The container reached its longest life of ${seconds(lifetime)} (config.timeout_seconds).`,
        );
    }
  }

  /** The usage limit is reset: what waited for it begins. */
  #limitReset(): void {
    this.#draft.set({ limited: null });
    const { container, queue, retry_at } = this.#state;
    if (container === 'none' && queue.length > 0 && retry_at === null) return this.#container.wake();
    this.#turns.dispatch();
  }

  /** Nothing can be done before a usage limit is reset: the container is ended, and the messages wait without one. */
  #parkLimited(reason: Reason): void {
    this.#turns.lost({ code: reason.code, detail: reason.detail }, 'parked');
    this.#container.release();
    this.#draft.enter('queued', reason);
  }

  #failExpired(): void {
    const { queue } = this.#state;
    const late = queue.filter(({ deadline }) => deadline !== null && this.#draft.now >= deadline);
    this.#draft.set({ queue: queue.filter((message) => !late.includes(message)) });
    for (const { message_id } of late) {
      const error: MessageError = { code: 'turn_timeout', detail: 'The message timed out before its turn began.' };
      this.#draft.do({ do: 'message_failed', message_id, error });
    }
    const { suspended, reason } = this.#state;
    // The queue only waited for a higher budget, or for another try to start. It is empty now.
    const why = suspended?.reason ?? reason;
    if (why !== null) this.#container.stopIfNothingWaits(why);
  }

  /** The interrupted turn does not end in time: its container is ended. Messages in the queue get a new container. */
  #giveUpInterrupting(): void {
    const { current, agent_turn, queue } = this.#state;
    const within = seconds(this.#draft.limits.interrupt);
    const error: MessageError = {
      code: 'interrupted',
      detail: `The turn was interrupted. It had not ended ${within} later, so its container was ended.`,
    };
    this.#turns.lost(error, current?.interrupting?.cause ?? agent_turn?.interrupting?.cause ?? 'interrupted');
    this.#container.release();
    const detail = `Claude Code did not end an interrupted turn within ${within} (INTERRUPT_TIMEOUT), so its container was ended.`;
    const next = queue.length > 0 ? 'The messages that wait go on in a new one.' : 'The next message starts another.';
    const reason: Reason = { code: 'claude_unresponsive', detail: `${detail} ${next}` };
    this.#draft.enter(queue.length > 0 ? 'queued' : 'stopped', reason);
  }

  /** Nobody has raised the budget in time: the container is ended. Messages in the queue wait until somebody does. */
  #giveUpSuspended(): void {
    const { current, queue, suspended } = this.#state;
    if (suspended === null) return;
    const { code, detail } = suspended.reason;
    const ended = `${detail} The turn was ended, for nobody raised it within ${seconds(this.#draft.limits.idle)}.`;
    this.#turns.lost({ code, detail: ended }, current?.interrupting?.cause ?? 'interrupted');
    this.#container.release();
    this.#draft.enter(queue.length > 0 ? 'queued' : 'stopped', suspended.reason);
  }

  get #state(): SessionState {
    return this.#draft.state;
  }
}
