import type { SpendingReport } from './owner-tree.ts';
import type { SessionCore } from './session-core.ts';
import type { SessionOutreach } from './session-outreach.ts';

/** After a call to the directory has failed, milliseconds until it is tried again. */
const RETRY_MS = 1000;

/** Tells the owner's ledger what a session below a budget has spent, and asks leave for its turns. */
export class SessionBudget {
  readonly #ctx: DurableObjectState;
  readonly #core: SessionCore;
  readonly #outreach: SessionOutreach;
  readonly #retry: () => void;
  /** What the ledger was last told. Not stored: told twice is told once. */
  #told: SpendingReport | null = null;
  #telling = false;
  #failedAt: number | null = null;

  /** @param retry asked to have `tell` called before long */
  constructor(ctx: DurableObjectState, core: SessionCore, outreach: SessionOutreach, retry: () => void) {
    this.#ctx = ctx;
    this.#core = core;
    this.#outreach = outreach;
    this.#retry = retry;
  }

  /** When there is something to do, epoch milliseconds; null: nothing. */
  nextTry(): number | null {
    // Told at once, and this is for the case that it was not.
    return this.#isDue() ? (this.#failedAt ?? Date.now()) + RETRY_MS : null;
  }

  /** Tells what there is to tell. */
  tell(): void {
    if (this.#telling || (this.#failedAt !== null && Date.now() < this.#failedAt + RETRY_MS)) return;
    const report = this.#report();
    if (report === null || !this.#isDue()) return;
    this.#telling = true;
    this.#ctx.waitUntil(this.#send(report));
  }

  async #send(report: SpendingReport): Promise<void> {
    try {
      const answer = await this.#outreach.directory.report(report);
      this.#failedAt = null;
      this.#told = report;
      if (answer !== null && this.#core.record !== null) this.#core.change((draft) => draft.family.leave(answer));
    } catch (error) {
      console.error(`session: the budget could not be asked, trying again: ${String(error)}`);
      this.#failedAt = Date.now();
      if (this.#core.record !== null) this.#retry();
    } finally {
      this.#telling = false;
    }
    if (this.#core.record !== null) this.tell();
  }

  #isDue(): boolean {
    const report = this.#report();
    return report !== null && !same(report, this.#told);
  }

  #report(): SpendingReport | null {
    const { identity, state, cost_usd, live_usd } = this.#core.current;
    if (state.leave === 'free') return null;
    const turn = state.current !== null ? 'running' : state.queue.length > 0 ? 'wanted' : 'none';
    return { session_id: identity.session_id, cost_usd: cost_usd + live_usd, turn };
  }
}

function same(report: SpendingReport, told: SpendingReport | null): boolean {
  return told !== null && told.cost_usd === report.cost_usd && told.turn === report.turn;
}
