import type { InterruptAnswer, MessageStatus, MessageView } from '../../protocol/api/session/message.ts';
import { SESSION_NOT_FOUND, type Refusal } from '../../protocol/api/problem.ts';
import type { PromptInput, WaitFor } from '../rpc/session/session-rpc.ts';
import type { MessagePage } from '../rpc/session/views.ts';
import { isSameBody, keyBody } from '../shared/keys/key-body.ts';
import { allows } from '../shared/session-status.ts';
import type { StorageQuota } from './container/storage-quota.ts';
import type { SessionStore } from './store/store.ts';
import { fingerprint } from './core/fingerprint.ts';
import { promptBytes, queueExcess } from './core/queue-bound.ts';
import { turnOverMaximum } from './core/limits.ts';
import { isRunning } from './core/state.ts';
import { withState } from './store/messages/message-view.ts';
import { Waiters } from '../shared/waiters.ts';

/** Most messages that may wait in one session. */
const MAX_QUEUE = 1000;

type Accepted = { readonly message_id: string } | Refusal;

/** The calls about messages for the agent: to send, show and await them, and to interrupt or stop the work on them. */
export class SessionMessages {
  readonly #store: SessionStore;
  readonly #quota: StorageQuota;
  /** Calls that wait for a message to end. */
  readonly #waiters = new Waiters();

  constructor(store: SessionStore, quota: StorageQuota) {
    this.#store = store;
    this.#quota = quota;
  }

  /** Takes a message; or says why not. A promise: whether there is room for it had to be asked. */
  prompt(input: PromptInput): Accepted | Promise<Accepted> {
    return this.#early(input) ?? (this.#quota.isInDoubt ? this.#ask(input) : this.#take(input));
  }

  async #ask(input: PromptInput): Promise<Accepted> {
    const refused = await this.#quota.refusal();
    if (refused !== null) return refused;
    if (this.#store.record === null) return SESSION_NOT_FOUND;
    // The same message may have come again meanwhile.
    return this.#early(input) ?? this.#take(input);
  }

  /** The answer to a message that is not taken, or was taken before; null: it is to be taken. */
  #early(input: PromptInput): Accepted | null {
    const { messages } = this.#store;
    const { message_id, timeout_seconds, idempotency_key: key } = input;
    // A caller whose call was cut off repeats it with the same id.
    if (messages.has(message_id)) return { message_id };
    const tooLong = turnOverMaximum(timeout_seconds, this.#store.settings);
    if (tooLong !== null) return tooLong;
    const seen = key === undefined ? null : messages.byKey(key, Date.now());
    if (seen !== null && isSameBody(seen.body, bodyOf(input))) return { message_id: seen.id };
    if (seen !== null) {
      const detail = 'It came with another prompt before. Send a new key for a new message.';
      return { refused: 'idempotency_key_reused', detail };
    }
    if (this.#store.current.state.queue.length >= MAX_QUEUE) {
      return { refused: 'queue_full', detail: `${MAX_QUEUE} messages wait in this session already. Let some finish.` };
    }
    const waiting = messages.waitingBytes() + this.#store.wakeups.bytes();
    return queueExcess(waiting, promptBytes(input.prompt), this.#store.settings);
  }

  #take(input: PromptInput): { message_id: string } {
    const { message_id, prompt, timeout_seconds, idempotency_key: key, delivery, origin = 'user', traceparent } = input;
    this.#store.change((tx, now) => {
      // Answers to interactions that have become messages were given earlier, so they go before this message.
      tx.interactions.pass();
      if (key !== undefined) this.#store.messages.rememberKey(key, message_id, keyBody(bodyOf(input)), now);
      const deadline = timeout_seconds === undefined ? null : now + timeout_seconds * 1000;
      tx.prompt({ message_id, prompt, origin, deadline, traceparent, ...(delivery === undefined ? {} : { delivery }) });
    });
    return { message_id };
  }

  show(messageId: string): MessageView | Refusal {
    const { identity, state } = this.#store.current;
    const message = this.#store.messages.view(identity.session_id, messageId);
    if (message !== null) return withState(message, state);
    return { refused: 'message_not_found', detail: 'This session has no message with this id.' };
  }

  /** The oldest first. */
  list(status: MessageStatus | undefined, cursor: number, limit: number): MessagePage {
    const { identity, state } = this.#store.current;
    const { rows, next_cursor } = this.#store.messages.page(identity.session_id, status, cursor, limit);
    return { data: rows.map((message) => withState(message, state)), next_cursor };
  }

  /** Withdraws a message that was not handed over. The same again changes nothing. */
  withdraw(messageId: string): MessageView | Refusal {
    const message = this.show(messageId);
    if ('refused' in message || message.error?.code === 'withdrawn') return message;
    if (message.status !== 'queued') {
      const detail = 'Its turn has begun, or is over. `POST …/interrupt` ends a turn that runs.';
      return { refused: 'message_started', detail };
    }
    this.#store.change((tx) => tx.input({ on: 'withdrawn', message_id: messageId }));
    return this.show(messageId);
  }

  /** Takes a message, and waits for its end. Its timeout ends the wait, not the work in the background. */
  async promptAndWait(input: PromptInput, wait: WaitFor): Promise<MessageView | Refusal> {
    const accepted = await this.prompt(input);
    if ('refused' in accepted) return accepted;
    const { message_id } = accepted;
    for (;;) {
      const { record } = this.#store;
      if (record === null) return SESSION_NOT_FOUND;
      const view = this.show(message_id);
      if ('refused' in view || view.settled_at !== null) return view;
      const ended = view.finished_at !== null;
      if (ended && wait === 'turn') return view;
      const { timeout_seconds } = input;
      const deadline = timeout_seconds === undefined ? null : Date.parse(view.created_at) + timeout_seconds * 1000;
      // Before its turn has ended, the timeout ends the turn.
      if (ended && deadline !== null && Date.now() >= deadline) return view;
      await this.#waiters.wait(message_id, ended ? deadline : null);
    }
  }

  /** Wakes the calls that wait for these messages: they have ended, or have settled. */
  finished(ids: readonly string[]): void {
    for (const id of ids) this.#waiters.wake(id);
  }

  /** Wakes all waiting calls: the session was deleted. */
  end(): void {
    this.#waiters.wakeAll();
  }

  /** Ends what runs, or keeps the next message from beginning. */
  interrupt(background: boolean): InterruptAnswer {
    const { state } = this.#store.current;
    const { status, container, current, queue, tasks } = state;
    const runs = isRunning(state);
    const next = !runs && container !== 'ready' ? queue[0] : undefined;
    const ends = runs || next !== undefined || (background && tasks.length > 0);
    if (!allows(status, 'interrupt') || !ends) return { interrupted: false, message_id: null };
    this.#store.change((tx) => tx.input({ on: 'interrupt', background }));
    return { interrupted: true, message_id: (current ?? next)?.message_id ?? null };
  }

  /** Parks the session, unless its state does not allow it. */
  stop(detail: string): void {
    this.#store.change((tx) => {
      // Those below it are stopped with it. That is no result to wake it for.
      tx.children.awaitNone();
      if (allows(tx.record.state.status, 'stop')) tx.input({ on: 'stop', reason: { code: 'stopped_by_user', detail } });
    });
  }
}

/** What two messages with the same idempotency key have to have in common. */
const bodyOf = ({ prompt, timeout_seconds }: PromptInput) =>
  JSON.stringify([fingerprint(prompt), timeout_seconds ?? null]);
