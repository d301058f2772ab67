import { VERSION } from '../../../protocol/version.ts';
import { judge, signature, signingKey, type PostOutcome, type Undelivered } from '../core/children/delivery.ts';
import type { Delivery, DeliveryTable } from '../store/tables/delivery-table.ts';

/** How long a receiver may take to answer, milliseconds. */
const POST_MS = 10_000;
/** After that long without news of a post it was cut off with the object that made it, milliseconds. */
const LOST_MS = POST_MS + 5000;
/** After something of our own has failed, milliseconds until it is tried again. */
const RETRY_MS = 1000;

export interface WebhookTarget {
  readonly url: string;
  /** `whsec_` and base64. */
  readonly secret: string;
}

/** What the webhooks need of a session: `SessionStore`, whose transactions are `Tx`. */
interface WebhookStore<Tx> {
  /** Null: there is no such session, not yet or not any more, and nothing to read or write. */
  readonly record: object | null;
  readonly deliveries: DeliveryTable;
  change<T>(work: (tx: Tx) => T): T;
}

export interface WebhookParts<Tx> {
  readonly ctx: Pick<DurableObjectState, 'waitUntil'>;
  readonly store: WebhookStore<Tx>;
  /** Reaches what may be reached, and nothing else: the binding `WEBHOOKS`, or `publicInternet`. */
  readonly fetcher: Pick<Fetcher, 'fetch'>;
  /** Where to post; null: nowhere, and what waits goes on waiting. */
  readonly target: () => WebhookTarget | null;
  /** Called inside the change that gives a post up. */
  readonly gaveUp: (tx: Tx, what: Undelivered) => void;
  /** Asked to have `send` called at `nextTry`. */
  readonly retry: () => void;
  readonly now?: () => number;
  /** From 0 to 1. */
  readonly random?: () => number;
  readonly timeoutMs?: number;
}

/** On Cloudflare, whose `fetch` reaches no private network. Anywhere else it would. */
export const publicInternet: Pick<Fetcher, 'fetch'> = {
  fetch: (input: RequestInfo | URL, init?: RequestInit) => fetch(input, init),
};

/** Posts what is to be posted to a session's webhook: one after the other, in order, each until it is delivered or given up. */
export class Webhooks<Tx> {
  readonly #parts: WebhookParts<Tx>;
  readonly #now: () => number;
  /** Since when a post has been under way. */
  #postingSince: number | null = null;
  #failedAt: number | null = null;

  constructor(parts: WebhookParts<Tx>) {
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
  }

  /** When `send` has something to do, epoch milliseconds; null: nothing waits. */
  nextTry(): number | null {
    const { store, target } = this.#parts;
    if (store.record === null || target() === null) return null;
    const at = store.deliveries.nextAt();
    if (at === null) return null;
    if (this.#postingSince !== null) return this.#postingSince + LOST_MS;
    return this.#failedAt === null ? at : Math.max(at, this.#failedAt + RETRY_MS);
  }

  /** Posts what is due. */
  send(): void {
    if (this.#postingSince !== null) return;
    if (this.#failedAt !== null && this.#now() < this.#failedAt + RETRY_MS) return;
    if (this.#next() === null) return;
    this.#postingSince = this.#now();
    this.#parts.ctx.waitUntil(this.#work());
  }

  async #work(): Promise<void> {
    try {
      for (let next = this.#next(); next !== null; next = this.#next()) {
        this.#postingSince = this.#now();
        const outcome = await this.#post(next.target, next.delivery);
        // Deleted meanwhile, with all that was to be posted.
        if (this.#parts.store.record === null) return;
        this.#settle(next.target, next.delivery, outcome);
      }
      this.#failedAt = null;
    } catch (error) {
      console.error(`session: its webhook could not be dealt with, trying again: ${String(error)}`);
      this.#failedAt = this.#now();
    } finally {
      this.#postingSince = null;
    }
    if (this.#parts.store.record !== null) this.#parts.retry();
  }

  #next(): { readonly target: WebhookTarget; readonly delivery: Delivery } | null {
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
      // What it says does not matter, and is not shown: it may come from where the session's owner could not look.
      await answer.body?.cancel();
      return outcome;
    } catch (error) {
      return { status: null, why: signal.aborted ? tooSlow(timeoutMs) : describe(error) };
    }
  }

  #settle({ url }: WebhookTarget, { id, attempts }: Delivery, outcome: PostOutcome): void {
    const { store, gaveUp, random = Math.random } = this.#parts;
    const { deliveries } = store;
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
  const said = error instanceof Error ? error.message : String(error);
  // Workerd keeps the reason to its own log: the address is not allowed, the name is not known, or TLS failed.
  if (said.startsWith('internal error')) {
    return 'No connection: the name is not known, it leads to no address that may be reached (WEBHOOK_ALLOW), or TLS failed.';
  }
  return `No answer: ${said}`;
}
