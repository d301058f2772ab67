import type { Outgoing } from '../../shared/retrying-call.ts';
import { Lane, type WebhookParts } from './lane.ts';

/**
 * Posts a session's deliveries. Each receiver has a lane of its own: one that is slow, or does not answer at all, keeps no other
 * one waiting.
 */
export class Webhooks<Tx> implements Outgoing {
  readonly #parts: WebhookParts<Tx>;
  /** Those that are posting, or have something to post. */
  readonly #lanes = new Map<string, Lane<Tx>>();

  constructor(parts: WebhookParts<Tx>) {
    this.#parts = parts;
  }

  /** When `send` has to be called next, epoch milliseconds; null: nothing waits. */
  nextTry(): number | null {
    const { store, isOpen } = this.#parts;
    if (store.record === null) return null;
    let next: number | null = null;
    for (const [receiver, at] of store.deliveries.heads()) {
      if (!isOpen(receiver)) continue;
      const due = this.#lanes.get(receiver)?.nextTry(at) ?? at;
      next = next === null ? due : Math.min(next, due);
    }
    return next;
  }

  /** Posts the deliveries that are due. */
  send(): void {
    const { store } = this.#parts;
    if (store.record === null) return;
    const heads = store.deliveries.heads();
    for (const [receiver, lane] of this.#lanes) {
      if (!heads.has(receiver) && !lane.isPosting) this.#lanes.delete(receiver);
    }
    for (const receiver of heads.keys()) this.#lane(receiver).send();
  }

  #lane(receiver: string): Lane<Tx> {
    const known = this.#lanes.get(receiver);
    if (known !== undefined) return known;
    const lane = new Lane(receiver, this.#parts);
    this.#lanes.set(receiver, lane);
    return lane;
  }
}
