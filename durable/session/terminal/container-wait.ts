import { SESSION_NOT_FOUND, type Refusal } from '../../../protocol/api/problem.ts';
import { Waiters } from '../../shared/waiters.ts';
import { obstacleOf } from '../core/state.ts';
import type { SessionStore } from '../store/store.ts';

/** How it stands while a container is waited for. */
export interface Waiting {
  readonly status: string;
  readonly detail: string | null;
}

/** Waits for the session's container, for those who need it without a message for its agent; and starts it for them. */
export class ContainerWait {
  readonly #store: SessionStore;
  readonly #waiters = new Waiters();

  constructor(store: SessionStore) {
    this.#store = store;
  }

  /** The session has changed, or was deleted. */
  changed(): void {
    this.#waiters.wakeAll();
  }

  /**
   * Resolves when the container takes orders; or to why there is none.
   *
   * @param say told how it stands, when that changes
   * @param isGone whether who waits has gone
   */
  async ready(say: (waiting: Waiting) => void, isGone: () => boolean): Promise<Refusal | null> {
    let called: number | null = null;
    let said = '';
    for (;;) {
      const { record } = this.#store;
      if (record === null || record.deleting === true) return SESSION_NOT_FOUND;
      if (isGone()) return unavailable('Nobody waits for it any more.');
      const { container, status, reason, epoch } = record.state;
      if (container === 'ready') return null;
      if (container === 'none' && record.state.queue.length === 0) {
        const obstacle = obstacleOf(record.state);
        if (obstacle !== null) return unavailable(obstacle.detail);
        // The one that was started for this has ended before it was ready.
        if (called !== null && epoch >= called) return unavailable(reason?.detail ?? 'The container did not start.');
        called = epoch + 1;
        this.#store.change((tx) => tx.input({ on: 'called' }));
        continue;
      }
      const detail = reason?.detail ?? null;
      if (said !== `${status} ${detail}`) say({ status, detail });
      said = `${status} ${detail}`;
      await this.#waiters.wait('container', null);
    }
  }
}

const unavailable = (detail: string): Refusal => ({ refused: 'terminal_unavailable', detail });
