import { RetryingCall, type Outgoing } from '../../shared/retrying-call.ts';
import type { Peers } from '../store/peers.ts';
import type { SessionStore } from '../store/store.ts';

/** Most reports in one call. */
const MAX_UPDATES = 50;

/** Tells the owner's directory of the builds that the session waits for. */
export class BuildReports implements Outgoing {
  readonly #store: SessionStore;
  readonly #peers: Peers;
  readonly #call: RetryingCall;

  /** @param retry asked to have `send` called at `nextTry` */
  constructor(
    ctx: DurableObjectState,
    parts: { readonly store: SessionStore; readonly peers: Peers },
    retry: () => void,
  ) {
    this.#store = parts.store;
    this.#peers = parts.peers;
    const call = { isDue: () => this.#isDue(), send: () => this.#send(), retry };
    this.#call = new RetryingCall({ ctx, whom: 'the owner’s directory', ...call });
  }

  send(): void {
    this.#call.send();
  }

  nextTry(): number | null {
    return this.#call.nextTry();
  }

  /** The session is being deleted: what it has not reported would be lost with it. */
  async detach(): Promise<void> {
    while (this.#isDue()) await this.#send();
  }

  #isDue(): boolean {
    return this.#store.record !== null && !this.#store.buildUpdates.isEmpty;
  }

  async #send(): Promise<void> {
    const { session_id } = this.#store.current.identity;
    const updates = this.#store.buildUpdates.next(MAX_UPDATES);
    const last = updates.at(-1);
    if (last === undefined) return;
    await this.#peers.directory.recordBuild(
      session_id,
      updates.map(({ event }) => event),
    );
    if (this.#store.record !== null) this.#store.buildUpdates.delivered(last.n);
  }
}
