import { RetryingCall, type Outgoing } from '../../shared/retrying-call.ts';
import type { Peers } from '../store/peers.ts';
import type { SessionStore } from '../store/store.ts';
import { summaryOf } from '../store/views.ts';

/** How far the owner's list may lag behind a session that works, milliseconds. */
const LIST_LAG_MS = 250;

/** Keeps the session's entry in its owner's list up to date. */
export class ListEntry implements Outgoing {
  readonly #store: SessionStore;
  readonly #peers: Peers;
  readonly #call: RetryingCall;

  /** @param retry asked to have `send` called at `nextTry` */
  constructor(ctx: DurableObjectState, store: SessionStore, peers: Peers, retry: () => void) {
    this.#store = store;
    this.#peers = peers;
    const call = { isDue: () => this.#isDue(), send: () => this.#updateLater(), retry };
    this.#call = new RetryingCall({ ctx, whom: 'the owner’s directory', ...call });
  }

  send(): void {
    this.#call.send();
  }

  /** Only a failed call needs an alarm: an entry that is merely late is sent with the next change. */
  nextTry(): number | null {
    return this.#call.retryAt();
  }

  /** Updates the entry now, so that whoever asks the directory next sees the session as it is. */
  async update(): Promise<void> {
    const { record } = this.#store;
    if (record === null || !this.#isDue()) return;
    await this.#peers.directory.update(summaryOf(record));
    this.#store.listed(record.list.changes);
  }

  async #updateLater(): Promise<void> {
    const { status } = this.#store.current.state;
    // Turns come and go quickly. The list may lag a little, so that no turn waits for it.
    await scheduler.wait(status === 'idle' || status === 'running' ? LIST_LAG_MS : 0);
    await this.update();
  }

  #isDue(): boolean {
    const { record } = this.#store;
    return record !== null && record.list.listed !== record.list.changes;
  }
}
