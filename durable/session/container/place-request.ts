import type { Reason } from '../../../protocol/reason.ts';
import { RetryingCall, type Outgoing } from '../../shared/retrying-call.ts';
import { sharedLaunch } from '../core/shared-files.ts';
import type { Peers } from '../store/peers.ts';
import type { SessionStore } from '../store/store.ts';
import type { Transaction } from '../store/changes/transaction.ts';
import { launchOf, needsOf } from './launch.ts';
import type { SharedWorkspace } from './shared-workspace.ts';
import type { WorkspaceLease } from './workspace-lease.ts';

/** Until the session whose files this one works in is asked again: each time twice as long, up to the longest. Milliseconds. */
const ASK_AGAIN_MS = { first: 1000, longest: 10_000 };

/** Asks the pool for a container, and gives it back. The request is stored, so that a failed call is made again. */
export class PlaceRequest implements Outgoing {
  readonly #store: SessionStore;
  readonly #peers: Peers;
  readonly #lease: WorkspaceLease;
  readonly #shared: SharedWorkspace;
  readonly #retry: () => void;
  readonly #call: RetryingCall;
  /** When a launch that waits for another session is looked at again, epoch milliseconds. */
  #wait: { readonly until: number; readonly ms: number } | null = null;

  /** @param retry asked to have `send` called at `nextTry` */
  constructor(
    ctx: DurableObjectState,
    parts: {
      readonly store: SessionStore;
      readonly peers: Peers;
      readonly lease: WorkspaceLease;
      readonly shared: SharedWorkspace;
    },
    retry: () => void,
  ) {
    this.#store = parts.store;
    this.#peers = parts.peers;
    this.#lease = parts.lease;
    this.#shared = parts.shared;
    this.#retry = retry;
    const call = { isDue: () => this.#isDue(), send: () => this.#send(), retry };
    this.#call = new RetryingCall({ ctx, whom: 'the pool', ...call });
  }

  send(): void {
    this.#call.send();
  }

  nextTry(): number | null {
    return this.#call.nextTry() ?? this.#waitsUntil();
  }

  async #send(): Promise<void> {
    const { place_request: request } = this.#store.current;
    if (request === 'want') await this.#want();
    else if (request === 'release') await this.#release();
  }

  async #want(): Promise<void> {
    const { epoch } = this.#store.current.state;
    const refused = await this.#lease.acquire();
    if (this.#store.record === null) return;
    const host = await this.#shared.ask();
    if (this.#store.record === null) return;
    // The launch has waited: it may begin from what was saved meanwhile.
    if (this.#wait !== null) this.#store.change((tx) => tx.files({ on: 'rebased' }));
    const { state, files, place_request } = this.#store.current;
    // By now something else is wanted.
    if (place_request !== 'want' || state.epoch !== epoch || files.launch === null) return;
    const { base } = files.launch;
    const shared = host === null ? null : sharedLaunch(host, base);
    if (shared?.do === 'wait') return this.#waitFor(epoch, shared.reason);
    this.#wait = null;
    const impossible = shared?.do === 'end' ? shared.reason : refused;
    if (impossible !== null) return this.#settle(epoch, 'want', (tx) => tx.ended(epoch, impossible, null));
    const launch = await launchOf(this.#store, this.#peers, base);
    const answer =
      host === null || shared?.do !== 'launch'
        ? await this.#peers.pool.requestPlace(launch, needsOf(base))
        : await this.#peers.pool.requestPlace(
            { ...launch, workspace_of: host.of, files: { ...launch.files, local: shared.local } },
            { on: 'runner', runner: shared.runner },
          );
    // Its files were saved while the pool was asked: it may go elsewhere.
    const isOutdated =
      !answer.placed && base.on === 'runner' && this.#store.record?.files.launch?.base.on === 'storage';
    this.#settle(epoch, isOutdated ? null : 'want', (tx) => {
      if (answer.placed) tx.placed(epoch, answer.runner);
      else tx.input({ on: 'waiting', epoch, reason: answer.reason });
    });
  }

  async #release(): Promise<void> {
    this.#wait = null;
    const { identity, state } = this.#store.current;
    const { epoch } = state;
    const { ended } = await this.#peers.pool.releasePlace({ session_id: identity.session_id, epoch });
    this.#settle(epoch, 'release', (tx) => {
      const reason: Reason = { code: 'stopped_by_user', detail: 'It had no container yet.' };
      if (ended) tx.ended(epoch, reason, null);
    });
  }

  /** The container cannot be launched yet. This is looked at again later. */
  #waitFor(epoch: number, reason: Reason): void {
    const ms = Math.min(this.#wait === null ? ASK_AGAIN_MS.first : 2 * this.#wait.ms, ASK_AGAIN_MS.longest);
    this.#wait = { until: Date.now() + ms, ms };
    const isNew = this.#store.current.state.reason?.detail !== reason.detail;
    if (isNew) this.#store.change((tx) => tx.input({ on: 'waiting', epoch, reason }));
    this.#retry();
  }

  /** Until when no place is to be asked for, epoch milliseconds; null: it may be asked for now. */
  #waitsUntil(): number | null {
    if (this.#wait === null || this.#store.record?.place_request !== 'want') return null;
    return this.#wait.until > Date.now() ? this.#wait.until : null;
  }

  #isDue(): boolean {
    return (this.#store.record?.place_request ?? null) !== null && this.#waitsUntil() === null;
  }

  /** The pool has answered `request` of `epoch`. By now another request may be due. Null: it is asked again. */
  #settle(epoch: number, request: 'want' | 'release' | null, then: (tx: Transaction) => void): void {
    this.#store.changeIfPresent((tx) => {
      if (tx.record.state.epoch === epoch && tx.record.place_request === request) {
        tx.record = { ...tx.record, place_request: null };
      }
      then(tx);
    });
  }
}
