import { RetryingCall, type Outgoing } from '../../shared/retrying-call.ts';
import type { Peers } from '../store/peers.ts';
import type { SessionStore } from '../store/store.ts';
import { isInboxLate } from '../store/record.ts';
import { inboxOf, summaryOf } from '../store/views.ts';
import type { StorageQuota } from './storage-quota.ts';

/** How far the owner's list may lag behind a session that works, milliseconds. */
const LIST_LAG_MS = 250;

/** What a session takes that has done nothing yet: its tables. Bytes. */
const FRESH_BYTES = 256 * 1024;

/** Keeps the session's entry in its owner's list up to date, what waits for people in the owner's inbox, and what is known there of the size of its database. */
export class ListEntry implements Outgoing {
  readonly #store: SessionStore;
  readonly #peers: Peers;
  readonly #quota: StorageQuota;
  readonly #call: RetryingCall;
  readonly #growth: RetryingCall;

  /** @param retry asked to have `send` called at `nextTry` */
  constructor(
    ctx: DurableObjectState,
    parts: { readonly store: SessionStore; readonly peers: Peers; readonly quota: StorageQuota },
    retry: () => void,
  ) {
    this.#store = parts.store;
    this.#peers = parts.peers;
    this.#quota = parts.quota;
    const isDue = () => this.#isLate() && !this.#hasGrown();
    const whom = 'the owner’s directory';
    this.#call = new RetryingCall({ ctx, whom, isDue, send: () => this.#updateLater(), retry });
    const grown = { isDue: () => this.#hasGrown(), send: () => this.update(), retry };
    this.#growth = new RetryingCall({ ctx, whom, ...grown });
  }

  send(): void {
    // What fills the disk is told at once, whatever else waits.
    this.#growth.send();
    this.#call.send();
  }

  /**
   * Only a failed call needs an alarm: an entry that is merely late is sent with the next change. What waits for people must not
   * wait for that, so a call about it that was cut off is made again by itself.
   */
  nextTry(): number | null {
    const { record } = this.#store;
    const next = record !== null && isInboxLate(record) ? this.#call.nextTry() : this.#call.retryAt();
    return this.#growth.retryAt() ?? next;
  }

  /** Updates the entry now, so that whoever asks the directory next sees the session as it is. */
  async update(): Promise<void> {
    const { record } = this.#store;
    if (record === null || !(this.#isLate() || this.#hasGrown())) return;
    const before = record.list.stored_bytes;
    const bytes = this.#store.storedBytes;
    const inbox = isInboxLate(record) ? inboxOf(this.#store, record) : null;
    const notice = await this.#peers.directory.update(summaryOf(record), bytes, inbox);
    const inbox_listed = inbox === null ? {} : { inbox_listed: inbox.changes };
    this.#store.listed({ listed: record.list.changes, stored_bytes: bytes, ...inbox_listed });
    this.#quota.told(notice, before !== undefined && bytes > before && isMuch(Math.max(before, FRESH_BYTES), bytes));
  }

  async #updateLater(): Promise<void> {
    const { current } = this.#store;
    const { status } = current.state;
    // Turns come and go quickly. The list may lag a little, so that no turn waits for it. People are told at once.
    const lags = (status === 'idle' || status === 'running') && !isInboxLate(current);
    await scheduler.wait(lags ? LIST_LAG_MS : 0);
    await this.update();
  }

  #isLate(): boolean {
    const { record } = this.#store;
    return record !== null && record.list.listed !== record.list.changes;
  }

  #hasGrown(): boolean {
    const { record } = this.#store;
    return record !== null && isMuch(record.list.stored_bytes ?? 0, this.#store.storedBytes);
  }
}

/** Whether a database has changed so much that its owner's directory should know: by a tenth, or by 1 MB; but not by a few pages. */
function isMuch(before: number, bytes: number): boolean {
  return Math.abs(bytes - before) >= Math.max(64 * 1024, Math.min(1024 * 1024, before / 10));
}
