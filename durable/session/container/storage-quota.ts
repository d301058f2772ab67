import type { Refusal } from '../../../protocol/api/problem.ts';
import type { QuotaNotice } from '../../rpc/directory/reports.ts';
import { quotaBytes } from '../../shared/quota.ts';
import { isActive } from '../../shared/session-status.ts';
import type { Peers } from '../store/peers.ts';
import type { SessionStore } from '../store/store.ts';

/**
 * The owner's storage quota, as far as the session knows. It is told with each of its reports, and while it is active also
 * when that changes. So a message to it asks nobody. For a message that wakes it the directory is asked, and before one is
 * refused: there may be room by now.
 */
export class StorageQuota {
  readonly #store: SessionStore;
  readonly #peers: Peers;

  constructor(store: SessionStore, peers: Peers) {
    this.#store = store;
    this.#peers = peers;
  }

  /** Whether `refusal` has to be asked before a message is taken. */
  get isInDoubt(): boolean {
    const { settings, current } = this.#store;
    if (quotaBytes(settings) === null) return false;
    return !isActive(current.state.status) || (current.quota ?? NO_NOTICE).over !== null;
  }

  /** Why no message is taken; null: there is room. */
  async refusal(): Promise<Refusal | null> {
    return this.#peers.directory.quotaRefusal();
  }

  /**
   * The directory says how it is.
   *
   * @param parks the session goes on filling its log, so it ends if there is no room
   */
  told(notice: QuotaNotice, parks: boolean): void {
    const { record } = this.#store;
    if (record === null) return;
    const isNews = notice.version > (record.quota ?? NO_NOTICE).version;
    const reason = parks && notice.over !== null ? { code: 'quota_exceeded' as const, detail: notice.over } : null;
    if (!isNews && reason === null) return;
    this.#store.change((tx) => {
      if (isNews) tx.record = { ...tx.record, quota: notice };
      if (reason !== null) tx.input({ on: 'stop', reason });
    });
  }
}

const NO_NOTICE: QuotaNotice = { version: 0, over: null };
