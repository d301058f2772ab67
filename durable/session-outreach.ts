import type { Launch } from '../protocol/runner-control.ts';
import type { Reason } from '../protocol/reason.ts';
import { DEFAULT_POOL, type EdgeEnv } from './edge-env.ts';
import type { SessionCore } from './session-core.ts';
import type { SessionDraft } from './session-draft.ts';
import { mintSessionToken } from './session-token.ts';
import { summaryOf } from './session-views.ts';

/** How far the owner's list may lag behind a session that works, milliseconds. */
const LIST_LAG_MS = 250;
/** After a call to another object has failed, milliseconds until it is tried again. */
const RETRY_MS = 1000;

/** Keeps the pool and the owner's directory told. What is to be told is stored, so that a failed call is made again. */
export class SessionOutreach {
  readonly #ctx: DurableObjectState;
  readonly #env: EdgeEnv;
  readonly #core: SessionCore;
  readonly #retry: () => void;
  /** A call is under way, or about to be made. */
  readonly #telling = { pool: false, directory: false };
  #failed = false;

  /** @param retry asked to have `again` called before long */
  constructor(ctx: DurableObjectState, env: EdgeEnv, core: SessionCore, retry: () => void) {
    this.#ctx = ctx;
    this.#env = env;
    this.#core = core;
    this.#retry = retry;
  }

  get pool() {
    return this.#env.RUNNER_POOL.get(this.#env.RUNNER_POOL.idFromName(DEFAULT_POOL));
  }

  get directory() {
    return this.#env.DIRECTORY.get(this.#env.DIRECTORY.idFromName(this.#core.current.identity.owner));
  }

  /** When the clock has to be looked at for its sake, epoch milliseconds; null: not. */
  nextTry(now: number): number | null {
    // The pool is told at once, and this is for the case that it was not. The directory can wait for any alarm.
    return this.#core.current.pool !== null || this.#failed ? now + RETRY_MS : null;
  }

  /** Time has passed: what failed may be tried again. */
  again(): void {
    this.#failed = false;
  }

  /** Tells what there is to tell. */
  tell(): void {
    const { pool, changes, told, state } = this.#core.current;
    if (pool !== null && !this.#telling.pool) this.#ctx.waitUntil(this.#tellPool());
    if (told === changes || this.#telling.directory) return;
    this.#telling.directory = true;
    // Turns come and go quickly: what a list shows may lag behind by a little, and a turn need not wait for it.
    const lag = state.status === 'idle' || state.status === 'running' ? LIST_LAG_MS : 0;
    setTimeout(() => this.#ctx.waitUntil(this.#tellDirectory()), lag);
  }

  async #tellPool(): Promise<void> {
    const { pool: order, identity, state } = this.#core.current;
    if (order === null) return;
    this.#telling.pool = true;
    const key = { session_id: identity.session_id, epoch: state.epoch };
    try {
      if (order === 'want') {
        const token = await mintSessionToken(this.#core.settings.JWT_SECRET, key.session_id, key.epoch);
        const { config, workspace } = identity.request;
        const launch: Launch = { ...key, token, resume: key.epoch > 1, config, workspace };
        const answer = await this.pool.want(launch);
        this.#settle(key.epoch, order, (draft) => {
          if (answer.placed) draft.input({ on: 'placed', epoch: key.epoch });
          else draft.input({ on: 'waiting', epoch: key.epoch, reason: answer.reason });
        });
      } else {
        const { ended } = await this.pool.release(key);
        this.#settle(key.epoch, order, (draft) => {
          const reason: Reason = { code: 'stopped_by_user', detail: 'It had no container yet.' };
          if (ended) draft.input({ on: 'ended', epoch: key.epoch, reason });
        });
      }
    } catch (error) {
      return this.#fail('pool', error);
    } finally {
      this.#telling.pool = false;
    }
    if (this.#core.record !== null) this.tell();
  }

  async #tellDirectory(): Promise<void> {
    const { record } = this.#core;
    if (record === null) return;
    try {
      await this.directory.update(summaryOf(record));
      this.#core.directoryKnows(record.changes);
    } catch (error) {
      return this.#fail('directory', error);
    } finally {
      this.#telling.directory = false;
    }
    if (this.#core.record !== null) this.tell();
  }

  /** The pool has been told `order` of `epoch`, unless something else is to be told by now. */
  #settle(epoch: number, order: 'want' | 'release', then: (draft: SessionDraft) => void): void {
    if (this.#core.record === null) return;
    this.#core.change((draft) => {
      if (draft.record.state.epoch === epoch && draft.record.pool === order) {
        draft.record = { ...draft.record, pool: null };
      }
      then(draft);
    });
  }

  #fail(whom: string, error: unknown): void {
    console.error(`session: the ${whom} could not be told, trying again: ${String(error)}`);
    this.#failed = true;
    if (this.#core.record !== null) this.#retry();
  }
}
