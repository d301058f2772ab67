import type { Refusal } from '../../../protocol/api/problem.ts';
import { Waiters } from '../../shared/waiters.ts';
import { waitsForPlace } from '../core/files.ts';
import type { SessionStore } from '../store/store.ts';

/** When a client is to come again, seconds. */
const COME_AGAIN_SECONDS = 10;

export const NO_PLACE: Refusal = {
  refused: 'files_unavailable',
  detail:
    'The session waits for a place, and no runner has it within PLACE_TIMEOUT, so its files cannot be reached just now. Try again once it runs, or is stopped.',
  retry_after_seconds: COME_AGAIN_SECONDS,
};

/** Calls about the files of a session that waits for a place. They wait with it, for as long as a client is likely to. */
export class PlaceWait {
  readonly #store: SessionStore;
  readonly #waiters = new Waiters();

  constructor(store: SessionStore) {
    this.#store = store;
  }

  /** Wakes the waiting calls, so that they look again. */
  changed(): void {
    this.#waiters.wakeAll();
  }

  /** Resolves once the session has a place, or wants none any more. False: it still waits for one. */
  async placed(): Promise<boolean> {
    const until = Date.now() + this.#store.settings.PLACE_TIMEOUT * 1000;
    for (;;) {
      const { record } = this.#store;
      if (record === null || !waitsForPlace(record.files)) return true;
      if (Date.now() >= until) return false;
      await this.#waiters.wait('place', until);
    }
  }
}
