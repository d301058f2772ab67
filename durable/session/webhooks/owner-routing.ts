import type { OwnerWebhook, OwnerWebhooks } from '../../rpc/session/owner-webhooks.ts';
import { RetryingCall, type Outgoing } from '../../shared/retrying-call.ts';
import type { Peers } from '../store/peers.ts';
import type { SessionStore } from '../store/store.ts';
import { ofOwner } from '../store/webhooks/receivers.ts';

/** Most events in one transaction. */
const MAX_EVENTS = 100;

/**
 * Brings a session's events to the owner's webhooks. Which there are is known to the owner's directory, which is asked after
 * each event that a webhook may want, and again before each post: a webhook that was set up before an event gets it, and one that
 * was removed gets nothing more.
 */
export class OwnerRouting implements Outgoing {
  readonly #store: SessionStore;
  readonly #peers: Peers;
  readonly #call: RetryingCall;
  #known: OwnerWebhooks | null = null;

  /** @param retry schedules a call of `send` at `nextTry` */
  constructor(ctx: DurableObjectState, store: SessionStore, peers: Peers, retry: () => void) {
    this.#store = store;
    this.#peers = peers;
    const isDue = () => store.record !== null && !store.unrouted.isEmpty;
    this.#call = new RetryingCall({ ctx, whom: 'the owner’s webhooks', isDue, send: () => this.#route(), retry });
  }

  nextTry(): number | null {
    return this.#call.nextTry();
  }

  send(): void {
    this.#call.send();
  }

  /** The owner's webhook or device that this receiver is, as it is now; undefined: it is none, or there is none any more. */
  async find(receiver: string): Promise<OwnerWebhook | undefined> {
    return (await this.#ask()).find((one) => ofOwner(one) === receiver);
  }

  async #route(): Promise<void> {
    const events = this.#store.unrouted.next(MAX_EVENTS);
    const last = events.at(-1);
    if (last === undefined) return;
    const webhooks = await this.#ask();
    if (this.#store.record === null) return;
    if (webhooks.length > 0) this.#store.change((tx) => tx.webhooks.route(events, webhooks));
    this.#store.unrouted.pass(last.seq);
  }

  async #ask(): Promise<readonly OwnerWebhook[]> {
    const news = await this.#peers.directory.webhooksSince(this.#known?.version ?? null);
    if (news !== null) this.#known = news;
    return this.#known?.webhooks ?? [];
  }
}
