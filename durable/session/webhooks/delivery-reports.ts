import { RetryingCall, type Outgoing } from '../../shared/retrying-call.ts';
import type { Peers } from '../store/peers.ts';
import type { SessionStore } from '../store/store.ts';

/** Most deliveries in one report. */
const MAX_DELIVERIES = 100;
/** How far the owner's list of deliveries may lag behind, milliseconds: most are delivered within that time. */
const LAG_MS = 250;

/** Keeps the owner's list of deliveries up to date with this session's. */
export class DeliveryReports implements Outgoing {
  readonly #store: SessionStore;
  readonly #peers: Peers;
  readonly #call: RetryingCall;

  /** @param retry schedules a call of `send` at `nextTry` */
  constructor(ctx: DurableObjectState, store: SessionStore, peers: Peers, retry: () => void) {
    this.#store = store;
    this.#peers = peers;
    const isDue = () => store.record !== null && store.deliveries.hasNews;
    this.#call = new RetryingCall({ ctx, whom: 'the owner’s deliveries', isDue, send: () => this.#report(), retry });
  }

  nextTry(): number | null {
    return this.#call.nextTry();
  }

  send(): void {
    this.#call.send();
  }

  async #report(): Promise<void> {
    await scheduler.wait(LAG_MS);
    if (this.#store.record === null) return;
    const { session_id } = this.#store.current.identity;
    const news = this.#store.deliveries.news(MAX_DELIVERIES);
    await this.#peers.directory.deliveriesChanged(
      session_id,
      news.map(({ view }) => view),
    );
    if (this.#store.record !== null) this.#store.deliveries.reported(news);
  }
}
