import { DurableObject } from 'cloudflare:workers';
import { SCHEDULE_MS, type Undelivered } from '../../../../durable/session/core/children/delivery.ts';
import { DeliveryTable } from '../../../../durable/session/store/tables/delivery-table.ts';
import { Webhooks, type WebhookTarget } from '../../../../durable/session/children/webhooks.ts';
import type { Order, State } from './webhook-order.ts';

interface Env {
  readonly POSTER: DurableObjectNamespace<Poster>;
  readonly WEBHOOKS: Fetcher;
  /** Absent: as it is in a session. */
  readonly TIMEOUT_MS?: string;
}

/** A session's webhooks without the session: what is stored is, what is posted goes through the network of `start/edge/edge.ts`. */
export class Poster extends DurableObject<Env> {
  readonly #deliveries: DeliveryTable;
  readonly #webhooks: Webhooks<Undelivered[]>;
  #now = 0;
  #work: Promise<unknown> = Promise.resolve();
  #gone = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const { sql, kv } = ctx.storage;
    this.#deliveries = new DeliveryTable(sql);
    this.#deliveries.create();
    const isGone = () => this.#gone;
    this.#webhooks = new Webhooks<Undelivered[]>({
      ctx: {
        waitUntil: (work) => {
          this.#work = work;
        },
      },
      store: {
        deliveries: this.#deliveries,
        get record() {
          return isGone() ? null : {};
        },
        change: (work) =>
          ctx.storage.transactionSync(() => {
            const tx = kv.get<Undelivered[]>('given_up') ?? [];
            const result = work(tx);
            kv.put('given_up', tx);
            return result;
          }),
      },
      fetcher: env.WEBHOOKS,
      publish: () => Promise.reject(new Error('there is no Redis here')),
      target: () => kv.get<WebhookTarget>('target') ?? null,
      gaveUp: (tx, what) => tx.push(what),
      retry: () => {},
      now: () => this.#now,
      // In the middle: neither longer nor shorter.
      random: () => 0.5,
      ...(env.TIMEOUT_MS === undefined ? {} : { timeoutMs: Number(env.TIMEOUT_MS) }),
    });
  }

  /** Does what is ordered, and says how it is then. */
  async order({
    now,
    target,
    add = [],
    last_try = false,
    tell = false,
    gone = false,
    at_once = false,
  }: Order): Promise<State> {
    this.#now = now;
    if (target !== undefined) this.ctx.storage.kv.put('target', target);
    for (const { id, body } of add) {
      this.#deliveries.add(id, body, now);
      if (last_try) SCHEDULE_MS.forEach(() => this.#deliveries.reschedule(id, now));
    }
    if (gone) this.#gone = true;
    if (tell) this.#webhooks.send();
    if (!at_once) await this.#work;
    return {
      waiting: this.#deliveries.count(),
      next_try: this.#webhooks.nextTry(),
      given_up: this.ctx.storage.kv.get<Undelivered[]>('given_up') ?? [],
    };
  }
}

export default {
  fetch: async (request: Request, env: Env) =>
    // Each test has an object of its own: tests share an edge.
    Response.json(await env.POSTER.getByName(new URL(request.url).pathname).order(await request.json<Order>())),
};
