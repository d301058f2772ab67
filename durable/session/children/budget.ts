import type { SpendingReport } from '../../directory/tree.ts';
import type { SessionCore } from '../store/store.ts';
import type { SessionOutreach } from '../container/launch.ts';
import { Teller } from '../../shared/retrying-call.ts';

/** Tells the owner's ledger what a session below a budget has spent, and asks leave for its turns. */
export class SessionBudget {
  readonly #core: SessionCore;
  readonly #outreach: SessionOutreach;
  readonly #teller: Teller;
  /** What the ledger was last told. Not stored: told twice is told once. */
  #told: SpendingReport | null = null;

  /** @param retry asked to have `tell` called at `nextTry` */
  constructor(ctx: DurableObjectState, core: SessionCore, outreach: SessionOutreach, retry: () => void) {
    this.#core = core;
    this.#outreach = outreach;
    const parts = { isDue: () => this.#isDue(), tell: () => this.#send(), retry };
    this.#teller = new Teller({ ctx, whom: 'the owner’s ledger', ...parts });
  }

  nextTry(): number | null {
    return this.#teller.nextTry();
  }

  tell(): void {
    this.#teller.tell();
  }

  async #send(): Promise<void> {
    const report = this.#report();
    if (report === null) return;
    const answer = await this.#outreach.directory.report(report);
    this.#told = report;
    if (answer !== null && this.#core.record !== null) this.#core.change((draft) => draft.family.leave(answer));
  }

  #isDue(): boolean {
    const report = this.#report();
    return report !== null && !same(report, this.#told);
  }

  #report(): SpendingReport | null {
    if (this.#core.record === null) return null;
    const { identity, state, cost_usd, live_usd } = this.#core.record;
    if (state.leave === 'free') return null;
    const turn = state.current !== null ? 'running' : state.queue.length > 0 ? 'wanted' : 'none';
    return { session_id: identity.session_id, cost_usd: cost_usd + live_usd, turn };
  }
}

function same(report: SpendingReport, told: SpendingReport | null): boolean {
  return told !== null && told.cost_usd === report.cost_usd && told.turn === report.turn;
}
