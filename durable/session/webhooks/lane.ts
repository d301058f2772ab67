import { POST_MS, type Posting } from '../../shared/posting.ts';
import type { PostOutcome } from '../../shared/webhooks/post-types.ts';
import type { Receiver } from '../../shared/webhooks/receiver.ts';
import { judge, type Takes } from '../core/webhooks/delivery.ts';
import type { Post } from '../core/webhooks/message.ts';
import { standardBody } from '../core/webhooks/payload.ts';
import type { Delivery, DeliveryTable } from '../store/webhooks/delivery-table.ts';
import type { Moot } from './device-pushes.ts';
import { post } from './post.ts';

/** A post that has not ended after this long was cut off with the object that made it, milliseconds. */
const LOST_MS = POST_MS + 5000;
/** How long after a failure on our own side posts are tried again, milliseconds. */
const RETRY_MS = 1000;

/** Where a receiver's deliveries go. `gone`: nowhere any more. */
export type Target =
  | { readonly is: 'receiver'; readonly receiver: Receiver }
  /** A channel of Redis. */
  | { readonly is: 'channel'; readonly channel: string }
  | { readonly is: 'gone'; readonly detail: string };

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
  readonly fetcher: Pick<Fetcher, 'fetch'>;
  /** Publishes on a channel of Redis. Throws when that has not been done for sure. */
  readonly publish: (channel: string, message: string) => Promise<void>;
  /** Whether posts to a receiver can be made at all now. If not, its deliveries wait. */
  readonly isOpen: (receiver: string) => boolean;
  /** Throws when it cannot be known now. */
  readonly target: (receiver: string) => Promise<Target>;
  /** The link that answers what is asked; null: nothing is, or the receiver gets none. */
  readonly answer: (delivery: Delivery, receiver: Receiver) => Promise<Post['answer']>;
  /** Posts to a device. Throws when it cannot be known now what to post. */
  readonly push: (
    key: string,
    receiver: Receiver,
    delivery: Delivery,
    posting: Posting & { now: number },
  ) => Promise<PostOutcome | Moot>;
  /** Called in the transaction that gives a delivery up. */
  readonly gaveUp: (tx: Tx, receiver: string, attempts: number, detail: string) => void;
  /** Schedules a call of `send` at `nextTry`. */
  readonly retry: () => void;
  /** Deliveries that are kept when they are done with. */
  readonly kept: number;
  readonly counted?: (outcome: 'delivered' | 'again' | 'given_up') => void;
  readonly now?: () => number;
  /** A random number from 0 to 1. */
  readonly random?: () => number;
  /** How long a receiver may take to answer; absent: `POST_MS`. */
  readonly timeoutMs?: number;
}

/** Posts the deliveries of one receiver: in order and one at a time, each until it is delivered or given up. */
export class Lane<Tx> {
  readonly #receiver: string;
  readonly #parts: WebhookParts<Tx>;
  readonly #now: () => number;
  /** When the present post started, epoch milliseconds; null: none is in progress. */
  #postingSince: number | null = null;
  #failedAt: number | null = null;

  constructor(receiver: string, parts: WebhookParts<Tx>) {
    this.#receiver = receiver;
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
  }

  get isPosting(): boolean {
    return this.#postingSince !== null;
  }

  /** When `send` has to be called next, epoch milliseconds. @param at when the oldest delivery is due */
  nextTry(at: number): number {
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
    const { target, store } = this.#parts;
    try {
      for (let next = this.#next(); next !== null; next = this.#next()) {
        this.#postingSince = this.#now();
        const to = await target(this.#receiver);
        // The session may have been deleted meanwhile, with its deliveries.
        if (store.record === null) return;
        if (to.is === 'gone') {
          this.#abandon('canceled', to.detail);
          break;
        }
        const outcome =
          to.is === 'channel' ? await this.#publish(to.channel, next) : await this.#post(to.receiver, next);
        if (store.record === null) return;
        this.#settle(next, outcome, to.is === 'receiver' ? takesOf(to.receiver) : 'standard');
      }
      this.#failedAt = null;
    } catch (error) {
      console.error(`session: could not process its webhook deliveries, trying again: ${String(error)}`);
      this.#failedAt = this.#now();
    } finally {
      this.#postingSince = null;
    }
    if (store.record !== null) this.#parts.retry();
  }

  #next(): Delivery | null {
    const { store, isOpen } = this.#parts;
    if (store.record === null || !isOpen(this.#receiver)) return null;
    return store.deliveries.due(this.#receiver, this.#now());
  }

  async #post(receiver: Receiver, delivery: Delivery): Promise<PostOutcome | Moot> {
    const { fetcher, answer, push, timeoutMs = POST_MS } = this.#parts;
    const posting = { fetcher, timeoutMs, now: this.#now() };
    if (receiver.format === 'push') return await push(this.#receiver, receiver, delivery, posting);
    const link = await answer(delivery, receiver);
    return await post(receiver, { ...delivery, answer: link }, posting);
  }

  /** The webhook's body, with the id that a webhook has in a header. Nobody need listen. */
  async #publish(channel: string, { id, type, time, json }: Delivery): Promise<PostOutcome | 'published'> {
    try {
      const body = standardBody(type, time, json);
      await this.#parts.publish(channel, `{"id":${JSON.stringify(id)},${body.slice(1)}`);
      return 'published';
    } catch (error) {
      return { status: null, why: `Redis: ${error instanceof Error ? error.message : String(error)}` };
    }
  }

  #settle({ id, attempts }: Delivery, outcome: PostOutcome | Moot | 'published', takes: Takes): void {
    const { store, random = Math.random, kept, gaveUp, counted } = this.#parts;
    const { deliveries } = store;
    if (typeof outcome === 'object' && 'moot' in outcome) {
      deliveries.cancel(id, outcome.moot);
      return deliveries.prune(kept);
    }
    const tried = { at: this.#now(), status: outcome === 'published' ? null : outcome.status };
    const tries = attempts + 1;
    const verdict =
      outcome === 'published'
        ? ({ is: 'delivered' } as const)
        : judge(outcome, tries, this.#now(), random() * 2 - 1, takes);
    counted?.(verdict.is);
    if (verdict.is === 'delivered') {
      deliveries.finish(id, tried, null);
      return deliveries.prune(kept);
    }
    const { detail } = verdict;
    if (verdict.is === 'again') return deliveries.reschedule(id, verdict.at, tried, detail);
    store.change((tx) => {
      deliveries.finish(id, tried, detail);
      const others = verdict.all ? deliveries.abandon(this.#receiver, 'failed', detail) : 0;
      deliveries.prune(kept);
      const more = others === 0 ? '' : ` What else waited for it is dropped: ${others}.`;
      gaveUp(tx, this.#receiver, tries, detail + more);
    });
  }

  #abandon(state: 'canceled', detail: string): void {
    const { deliveries } = this.#parts.store;
    deliveries.abandon(this.#receiver, state, detail);
    deliveries.prune(this.#parts.kept);
  }
}

function takesOf({ format = 'standard' }: Receiver): Takes {
  return format === 'standard' || format === 'push' ? format : 'chat';
}
