import type { InterruptAnswer, MessageView } from '../../protocol/api/message.ts';
import type { Refusal } from '../../protocol/api/problem.ts';
import { ALLOWED } from './core/state.ts';
import type { SessionCore } from './store/store.ts';
import { turnOverMaximum } from './core/limits.ts';
import { Waiters } from '../shared/waiters.ts';

/** Messages that may wait in one session. */
const MAX_QUEUE = 1000;

export interface PromptInput {
  readonly message_id: string;
  readonly prompt: string;
  readonly timeout_seconds: number | undefined;
  readonly idempotency_key: string | undefined;
}

/** What is said to a session, and what comes of it; and how that is cut short. */
export class SessionMessages {
  readonly #core: SessionCore;
  /** Calls that wait for a message to end. */
  readonly #waiters = new Waiters();

  constructor(core: SessionCore) {
    this.#core = core;
  }

  prompt(input: PromptInput): { message_id: string } | Refusal {
    const { messages } = this.#core;
    const { message_id, prompt, timeout_seconds, idempotency_key: key } = input;
    // Asked again by a caller whose call was cut off.
    if (messages.has(message_id)) return { message_id };
    const tooLong = turnOverMaximum(timeout_seconds, this.#core.settings);
    if (tooLong !== null) return tooLong;
    const body = JSON.stringify([prompt, timeout_seconds ?? null]);
    if (key !== undefined) {
      const seen = messages.byKey(key);
      if (seen !== null && seen.body === body) return { message_id: seen.id };
      if (seen !== null) {
        const detail = 'It came with another prompt before. Send a new key for a new message.';
        return { refused: 'idempotency_key_reused', detail };
      }
    }
    if (this.#core.current.state.queue.length >= MAX_QUEUE) {
      return { refused: 'queue_full', detail: `${MAX_QUEUE} messages wait in this session already. Let some finish.` };
    }
    this.#core.change((draft, now) => {
      // What was answered before comes before.
      draft.interactions.pass();
      if (key !== undefined) messages.rememberKey(key, message_id, body);
      draft.prompt(message_id, prompt, timeout_seconds === undefined ? null : now + timeout_seconds * 1000);
    });
    return { message_id };
  }

  show(messageId: string): MessageView | Refusal {
    const view = this.#core.messages.view(this.#core.current.identity.session_id, messageId);
    return view ?? { refused: 'message_not_found', detail: 'This session has no message with this id.' };
  }

  /** Settles when something has become of a message, or of the session. */
  wait(messageId: string): Promise<void> {
    return this.#waiters.wait(messageId);
  }

  /** These messages have ended. */
  finished(ids: readonly string[]): void {
    for (const id of ids) this.#waiters.wake(id);
  }

  /** There is no session any more. */
  end(): void {
    this.#waiters.wakeAll();
  }

  interrupt(): InterruptAnswer {
    const { status, current } = this.#core.current.state;
    if (!ALLOWED[status].has('interrupt') || current === null) return { interrupted: false, message_id: null };
    this.#core.change((draft) => draft.input({ on: 'interrupt' }));
    return { interrupted: true, message_id: current.message_id };
  }

  /** Parks the session, if there is anything to park. */
  stop(detail: string): void {
    if (!ALLOWED[this.#core.current.state.status].has('stop')) return;
    this.#core.change((draft) => draft.input({ on: 'stop', reason: { code: 'stopped_by_user', detail } }));
  }
}
