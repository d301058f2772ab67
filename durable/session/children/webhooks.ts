import { VERSION } from '../../../protocol/version.ts';
import { judge, signature, signingKey, type PostOutcome, type Undelivered } from '../core/children/delivery.ts';
import type { Delivery, DeliveryTable } from '../store/tables/delivery-table.ts';

/** How long a receiver may take to answer, milliseconds. Redis has as long (`redis/client.ts`). */
const POST_MS = 10_000;
/** A post that has not ended after this long was cut off with the object that made it, milliseconds. */
const LOST_MS = POST_MS + 5000;
/** How long after a failure on our own side posts are tried again, milliseconds. */
const RETRY_MS = 1000;

export interface WebhookTarget {
  readonly url: string;
  /** `whsec_`, then the key as base64. */
  readonly secret: string;
}

/** A channel of Redis. */
export interface ChannelTarget {
  readonly channel: string;
}

/** The part of `SessionStore` that the webhooks need. `Tx` is its transaction. */
interface WebhookStore<Tx> {
  /** Null: the session does not exist yet, or was deleted. Nothing may be read or written then. */
  readonly record: object | null;
  readonly deliveries: DeliveryTable;
  change<T>(work: (tx: Tx) => T): T;
}

export interface WebhookParts<Tx> {
  readonly ctx: Pick<DurableObjectState, 'waitUntil'>;
  readonly store: WebhookStore<Tx>;
  /** Makes the requests, and only to addresses that are allowed: the binding `WEBHOOKS`, or `publicInternet`. */
  readonly fetcher: Pick<Fetcher, 'fetch'>;
  /** Publishes on a channel of Redis. Throws when that has not been done for sure. */
  readonly publish: (channel: string, message: string) => Promise<void>;
  /** Where to post; null: nowhere, and the deliveries keep waiting. */
  readonly target: () => WebhookTarget | ChannelTarget | null;
  /** Called in the transaction that gives a delivery up. */
  readonly gaveUp: (tx: Tx, what: Undelivered) => void;
  /** Schedules a call of `send` at `nextTry`. */
  readonly retry: () => void;
  readonly now?: () => number;
  /** A random number from 0 to 1. */
  readonly random?: () => number;
  /** How long a receiver may take to answer; absent: `POST_MS`. */
  readonly timeoutMs?: number;
}

/** For Cloudflare only: its `fetch` cannot reach private networks. Anywhere else it could. */
export const publicInternet: Pick<Fetcher, 'fetch'> = {
  fetch: (input: RequestInfo | URL, init?: RequestInit) => fetch(input, init),
};

/** Posts a session's deliveries to its webhook, or publishes them on its channel: in order and one at a time, each until it is delivered or given up. */
export class Webhooks<Tx> {
  readonly #parts: WebhookParts<Tx>;
  readonly #now: () => number;
  /** When the present post started, epoch milliseconds; null: none is in progress. */
  #postingSince: number | null = null;
  #failedAt: number | null = null;

  constructor(parts: WebhookParts<Tx>) {
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
  }

  /** When `send` has to be called next, epoch milliseconds; null: nothing waits. */
  nextTry(): number | null {
    const { store, target } = this.#parts;
    if (store.record === null || target() === null) return null;
    const at = store.deliveries.nextAt();
    if (at === null) return null;
    if (this.#postingSince !== null) return this.#postingSince + LOST_MS;
    return this.#failedAt === null ? at : Math.max(at, this.#failedAt + RETRY_MS);
  }

  /** Posts the deliveries that are due. */
  send(): void {
    if (this.#postingSince !== null) return;
    if (this.#failedAt !== null && this.#now() < this.#failedAt + RETRY_MS) return;
    if (this.#next() === null) return;
    this.#postingSince = this.#now();
    this.#parts.ctx.waitUntil(this.#postAll());
  }

  async #postAll(): Promise<void> {
    try {
      for (let next = this.#next(); next !== null; next = this.#next()) {
        this.#postingSince = this.#now();
        const { target, delivery } = next;
        const outcome =
          'channel' in target ? await this.#publish(target, delivery) : await this.#post(target, delivery);
        // The session was deleted meanwhile, with its deliveries.
        if (this.#parts.store.record === null) return;
        this.#settle(target, delivery, outcome);
      }
      this.#failedAt = null;
    } catch (error) {
      console.error(`session: could not process its webhook deliveries, trying again: ${String(error)}`);
      this.#failedAt = this.#now();
    } finally {
      this.#postingSince = null;
    }
    if (this.#parts.store.record !== null) this.#parts.retry();
  }

  #next(): { readonly target: WebhookTarget | ChannelTarget; readonly delivery: Delivery } | null {
    const { store } = this.#parts;
    const target = store.record === null ? null : this.#parts.target();
    const delivery = target === null ? null : store.deliveries.due(this.#now());
    return target === null || delivery === null ? null : { target, delivery };
  }

  async #post({ url, secret }: WebhookTarget, { id, body }: Delivery): Promise<PostOutcome> {
    const { fetcher, timeoutMs = POST_MS } = this.#parts;
    const key = signingKey(secret);
    if (key === null) return { status: null, why: 'The secret is not "whsec_" and base64.' };
    const timestamp = Math.floor(this.#now() / 1000);
    const headers = {
      'content-type': 'application/json',
      'user-agent': `CC-Docker/${VERSION}`,
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signature(key, id, timestamp, body),
    };
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const answer = await fetcher.fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal });
      const outcome = { status: answer.status, retry_after: answer.headers.get('retry-after') };
      // The body is not needed. It is never shown: it may come from a place that the session's owner cannot read.
      await answer.body?.cancel();
      return outcome;
    } catch (error) {
      return { status: null, why: signal.aborted ? tooSlow(timeoutMs) : describe(error) };
    }
  }

  /** The webhook's body, with the id that a webhook has in a header. Nobody need listen. */
  async #publish({ channel }: ChannelTarget, { id, body }: Delivery): Promise<PostOutcome | 'published'> {
    try {
      await this.#parts.publish(channel, `{"id":${JSON.stringify(id)},${body.slice(1)}`);
      return 'published';
    } catch (error) {
      return { status: null, why: `Redis: ${error instanceof Error ? error.message : String(error)}` };
    }
  }

  #settle(target: WebhookTarget | ChannelTarget, { id, attempts }: Delivery, outcome: PostOutcome | 'published'): void {
    const { store, gaveUp, random = Math.random } = this.#parts;
    const { deliveries } = store;
    if (outcome === 'published') return deliveries.remove(id);
    const url = 'channel' in target ? `pubsub:${target.channel}` : target.url;
    const tries = attempts + 1;
    const verdict = judge(outcome, tries, this.#now(), random() * 2 - 1);
    if (verdict.is === 'delivered') return deliveries.remove(id);
    if (verdict.is === 'again') return deliveries.reschedule(id, verdict.at);
    store.change((tx) => {
      const others = verdict.all ? deliveries.count() - 1 : 0;
      if (verdict.all) deliveries.removeAll();
      else deliveries.remove(id);
      const more = others === 0 ? '' : ` What else waited for it is dropped: ${others}.`;
      gaveUp(tx, { url, attempts: tries, detail: verdict.detail + more });
    });
  }
}

function tooSlow(timeoutMs: number): string {
  return `The receiver did not answer within ${timeoutMs / 1000} s.`;
}

function describe(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  // workerd writes the reason only to its own log: a forbidden address, an unknown name, or a TLS failure.
  if (message.startsWith('internal error')) {
    return 'No connection: the name is not known, it leads to no address that may be reached (WEBHOOK_ALLOW), or TLS failed.';
  }
  return `No answer: ${message}`;
}
