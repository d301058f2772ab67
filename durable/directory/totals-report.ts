import type { OwnerTotals } from '../rpc/gate-rpc.ts';
import { gateStub, type EdgeEnv } from '../rpc/edge-env.ts';

/** Longest time that the gate's totals lag behind, milliseconds. */
const LAG_MS = 1000;
/** A report that is this late does not come: what was to send it has ended, milliseconds. */
const GONE_MS = 5 * LAG_MS;

/** Says what the owner has now, for `GET /metrics`: at most once a second, and only when it has changed. */
export class TotalsReport {
  readonly #ctx: Pick<DurableObjectState, 'id' | 'waitUntil'>;
  readonly #env: EdgeEnv;
  readonly #totals: () => OwnerTotals;
  #due: number | null = null;
  #said = '';

  constructor(ctx: Pick<DurableObjectState, 'id' | 'waitUntil'>, env: EdgeEnv, totals: () => OwnerTotals) {
    this.#ctx = ctx;
    this.#env = env;
    this.#totals = totals;
  }

  /** Something has changed. */
  changed(): void {
    if (this.#due !== null && Date.now() < this.#due + GONE_MS) return;
    this.#due = Date.now() + LAG_MS;
    this.#ctx.waitUntil(this.#send());
  }

  async #send(): Promise<void> {
    await scheduler.wait(LAG_MS);
    this.#due = null;
    const totals = this.#totals();
    const text = JSON.stringify(totals);
    if (text === this.#said) return;
    try {
      await gateStub(this.#env).reportOwner(this.#ctx.id.toString(), totals);
      this.#said = text;
    } catch (error) {
      // The next change says it: all of it is said each time.
      console.warn(`directory: the gate was not told how many sessions there are: ${String(error)}`);
    }
  }
}
