import type { InterruptAnswer, MessageView } from '../../protocol/api/message.ts';
import type { Refusal } from '../../protocol/api/problem.ts';
import type { PromptInput } from '../rpc/session-rpc.ts';
import { allows } from '../shared/session-status.ts';
import type { SessionStore } from './store/store.ts';
import { fingerprint } from './core/fingerprint.ts';
import { turnOverMaximum } from './core/limits.ts';
import { Waiters } from '../shared/waiters.ts';

/** Most messages that may wait in one session. */
const MAX_QUEUE = 1000;

/** The calls about messages for the agent: to send, show and await them, and to interrupt or stop the work on them. */
export class SessionMessages {
  readonly #store: SessionStore;
  /** Calls that wait for a message to end. */
  readonly #waiters = new Waiters();

  constructor(store: SessionStore) {
    this.#store = store;
  }

  prompt(input: PromptInput): { message_id: string } | Refusal {
    const { messages } = this.#store;
    const { message_id, prompt, timeout_seconds, idempotency_key: key } = input;
    // A caller whose call was cut off repeats it with the same id.
    if (messages.has(message_id)) return { message_id };
    const tooLong = turnOverMaximum(timeout_seconds, this.#store.settings);
    if (tooLong !== null) return tooLong;
    const body = JSON.stringify([fingerprint(prompt), timeout_seconds ?? null]);
    if (key !== undefined) {
      const seen = messages.byKey(key);
      if (seen !== null && seen.body === body) return { message_id: seen.id };
      if (seen !== null) {
        const detail = 'It came with another prompt before. Send a new key for a new message.';
        return { refused: 'idempotency_key_reused', detail };
      }
    }
    if (this.#store.current.state.queue.length >= MAX_QUEUE) {
      return { refused: 'queue_full', detail: `${MAX_QUEUE} messages wait in this session already. Let some finish.` };
    }
    this.#store.change((tx, now) => {
      // Answers to interactions that have become messages were given earlier, so they go before this message.
      tx.interactions.pass();
      if (key !== undefined) messages.rememberKey(key, message_id, body);
      tx.prompt(message_id, prompt, timeout_seconds === undefined ? null : now + timeout_seconds * 1000);
    });
    return { message_id };
  }

  show(messageId: string): MessageView | Refusal {
    const view = this.#store.messages.view(this.#store.current.identity.session_id, messageId);
    return view ?? { refused: 'message_not_found', detail: 'This session has no message with this id.' };
  }

  /** Resolves when the message has ended, or the session was deleted. */
  wait(messageId: string): Promise<void> {
    return this.#waiters.wait(messageId);
  }

  /** Wakes the calls that wait for these messages: they have ended. */
  finished(ids: readonly string[]): void {
    for (const id of ids) this.#waiters.wake(id);
  }

  /** Wakes all waiting calls: the session was deleted. */
  end(): void {
    this.#waiters.wakeAll();
  }

  interrupt(): InterruptAnswer {
    const { status, current } = this.#store.current.state;
    if (!allows(status, 'interrupt') || current === null) return { interrupted: false, message_id: null };
    this.#store.change((tx) => tx.input({ on: 'interrupt' }));
    return { interrupted: true, message_id: current.message_id };
  }

  /** Parks the session, unless its state does not allow it. */
  stop(detail: string): void {
    if (!allows(this.#store.current.state.status, 'stop')) return;
    this.#store.change((tx) => tx.input({ on: 'stop', reason: { code: 'stopped_by_user', detail } }));
  }
}
