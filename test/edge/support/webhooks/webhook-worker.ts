import { DurableObject } from 'cloudflare:workers';
import { SCHEDULE_MS } from '../../../../durable/session/core/webhooks/delivery.ts';
import { DeliveryTable } from '../../../../durable/session/store/webhooks/delivery-table.ts';
import { CALLBACK } from '../../../../durable/session/store/webhooks/receivers.ts';
import type { Target } from '../../../../durable/session/webhooks/lane.ts';
import { Webhooks } from '../../../../durable/session/webhooks/webhooks.ts';
import type { Order, State } from './webhook-order.ts';

interface Env {
  readonly POSTER: DurableObjectNamespace<Poster>;
  readonly WEBHOOKS: Fetcher;
  /** Absent: as it is in a session. */
  readonly TIMEOUT_MS?: string;
}

type GivenUp = State['given_up'][number];

/** A session's webhooks without the session: what is stored is, what is posted goes through the network of `start/edge/edge.ts`. */
export class Poster extends DurableObject<Env> {
  readonly #deliveries: DeliveryTable;
  readonly #webhooks: Webhooks<GivenUp[]>;
  #now = 0;
  #work: Promise<unknown>[] = [];
  #gone = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const { sql, kv } = ctx.storage;
    this.#deliveries = new DeliveryTable(sql);
    this.#deliveries.create();
    const isGone = () => this.#gone;
    this.#webhooks = new Webhooks<GivenUp[]>({
      ctx: { waitUntil: (work) => void this.#work.push(work) },
      store: {
        deliveries: this.#deliveries,
        get record() {
          return isGone() ? null : {};
        },
        change: (work) =>
          ctx.storage.transactionSync(() => {
            const tx = kv.get<GivenUp[]>('given_up') ?? [];
            const result = work(tx);
            kv.put('given_up', tx);
            return result;
          }),
      },
      fetcher: env.WEBHOOKS,
      publish: () => Promise.reject(new Error('there is no Redis here')),
      isOpen: () => true,
      target: async (receiver) => kv.get<Target>(`target ${receiver}`) ?? { is: 'gone', detail: 'It was removed.' },
      answer: async () => null,
      push: () => Promise.reject(new Error('there are no devices here')),
      gaveUp: (tx, receiver, attempts, detail) => tx.push({ receiver, attempts, detail }),
      kept: 100,
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
    targets = {},
    add = [],
    last_try = false,
    tell = false,
    gone = false,
    at_once = false,
    again,
  }: Order): Promise<State> {
    this.#now = now;
    const all = { ...targets, ...(target !== undefined && { [CALLBACK]: target }) };
    for (const [name, receiver] of Object.entries(all)) {
      if (receiver === null) this.ctx.storage.kv.delete(`target ${name}`);
      else this.ctx.storage.kv.put(`target ${name}`, { is: 'receiver', receiver } satisfies Target);
    }
    for (const one of add) this.#add(one, last_try);
    if (again !== undefined) this.#deliveries.again(again, now);
    if (gone) this.#gone = true;
    if (tell) this.#webhooks.send();
    if (!at_once) await this.#idle();
    const views = this.#deliveries.page(undefined, undefined, 1000).data;
    return {
      waiting: views.filter(({ state }) => state === 'waiting').length,
      next_try: this.#webhooks.nextTry(),
      given_up: this.ctx.storage.kv.get<GivenUp[]>('given_up') ?? [],
      states: Object.fromEntries(views.map(({ delivery_id, state }) => [delivery_id, state])),
    };
  }

  /** Waits until no post is under way. */
  async #idle(): Promise<void> {
    while (this.#work.length > 0) await this.#work.shift();
  }

  #add({ id, body, receiver = CALLBACK }: NonNullable<Order['add']>[number], isLast: boolean): void {
    const { type, timestamp, data } = JSON.parse(body) as { type: string; timestamp: string; data: object };
    const seq = this.#deliveries.page(undefined, undefined, 1000).data.length + 1;
    const time = Date.parse(timestamp);
    const notice = this.#deliveries.notice({ seq, type, of: 'session', time, json: JSON.stringify(data) });
    this.#deliveries.add(id, receiver, notice, null, this.#now);
    if (!isLast) return;
    for (const _ of SCHEDULE_MS) this.#deliveries.reschedule(id, this.#now, { at: this.#now, status: 500 }, 'failed');
  }
}

export default {
  fetch: async (request: Request, env: Env) =>
    // Each test has an object of its own: tests share an edge.
    Response.json(await env.POSTER.getByName(new URL(request.url).pathname).order(await request.json<Order>())),
};
