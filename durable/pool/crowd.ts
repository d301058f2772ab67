import type { PlacementKey } from '../../protocol/link/runner-control.ts';
import { sessionStub } from '../rpc/edge-env.ts';
import type { PoolDependencies } from './dependencies.ts';

/** Sessions that are told at once, at most; and milliseconds until the next ones are. */
const ROUND = { atLeast: 16, perWaiting: 2, atMost: 200, everyMs: 5000 } as const;

/**
 * Sessions that have a place are told that others wait for one: an idle one then makes room. They are told in rounds, those that have
 * had theirs longest first, until enough have made room: were all told at once, a pool of thousands would park every idle session for
 * one that waits.
 */
export class Crowd {
  readonly #deps: PoolDependencies;
  /** Those that know it. Not stored: to be told twice does no harm. */
  readonly #told = new Map<string, PlacementKey>();
  #isCrowded = false;
  #next: number | null = null;

  constructor(deps: PoolDependencies) {
    this.#deps = deps;
  }

  /** When `update` is to be called again, epoch milliseconds; null: when something has changed. */
  nextTry(): number | null {
    return this.#next;
  }

  /** `waiting` sessions wait for a place that others have. */
  update(isCrowded: boolean, waiting: number): void {
    const now = Date.now();
    const hasChanged = isCrowded !== this.#isCrowded;
    this.#isCrowded = isCrowded;
    if (!isCrowded && this.#told.size === 0) {
      this.#next = null;
      return;
    }
    if (!hasChanged && this.#next !== null && now < this.#next) return;
    const { concerned, more } = isCrowded ? this.#untold(waiting) : this.#toUntell();
    this.#next = more ? now + ROUND.everyMs : null;
    if (concerned.length > 0) this.#deps.ctx.waitUntil(this.#send(concerned, isCrowded));
    if (more) this.#deps.ctx.waitUntil(this.#deps.setAlarm());
  }

  #untold(waiting: number): { concerned: PlacementKey[]; more: boolean } {
    const placed = this.#deps.places.placed().filter(({ phase }) => phase !== 'stopping');
    const present = new Set(placed.map(keyOf));
    for (const key of this.#told.keys()) if (!present.has(key)) this.#told.delete(key);
    const untold = placed.filter((one) => !this.#told.has(keyOf(one)));
    const most = Math.min(ROUND.atMost, Math.max(ROUND.atLeast, ROUND.perWaiting * waiting));
    const concerned = untold.slice(0, most);
    for (const { session_id, epoch } of concerned) this.#told.set(keyOf({ session_id, epoch }), { session_id, epoch });
    return { concerned, more: untold.length > most };
  }

  #toUntell(): { concerned: PlacementKey[]; more: boolean } {
    const concerned = [...this.#told.values()].slice(0, ROUND.atMost);
    for (const one of concerned) this.#told.delete(keyOf(one));
    return { concerned, more: this.#told.size > 0 };
  }

  async #send(concerned: readonly PlacementKey[], isCrowded: boolean): Promise<void> {
    const calls = concerned.map(({ session_id, epoch }) =>
      sessionStub(this.#deps.env, session_id).crowded(epoch, isCrowded),
    );
    for (const call of await Promise.allSettled(calls)) {
      // The session then makes room after its own idle time.
      if (call.status === 'rejected')
        console.warn(`pool: a session could not be told that others wait: ${String(call.reason)}`);
    }
  }
}

const keyOf = ({ session_id, epoch }: PlacementKey) => `${session_id}/${epoch}`;
