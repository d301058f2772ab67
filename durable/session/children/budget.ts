import type { SpendingReport } from '../../rpc/directory/reports.ts';
import { RetryingCall, type Outgoing } from '../../shared/retrying-call.ts';
import type { Peers } from '../store/peers.ts';
import { totalCost } from '../store/record.ts';
import type { SessionStore } from '../store/store.ts';

/** Reports the spending of a session below a budget to the owner's budget ledger, and requests turn permits. */
export class BudgetReports implements Outgoing {
  readonly #store: SessionStore;
  readonly #peers: Peers;
  readonly #call: RetryingCall;
  /** The last report that was sent. It is not stored, because the ledger may get the same report twice. */
  #reported: SpendingReport | null = null;

  /** @param retry schedules a call of `send` at `nextTry` */
  constructor(ctx: DurableObjectState, store: SessionStore, peers: Peers, retry: () => void) {
    this.#store = store;
    this.#peers = peers;
    const call = { isDue: () => this.#isDue(), send: () => this.#send(), retry };
    this.#call = new RetryingCall({ ctx, whom: 'the owner’s budget ledger', ...call });
  }

  nextTry(): number | null {
    return this.#call.nextTry();
  }

  send(): void {
    this.#call.send();
  }

  async #send(): Promise<void> {
    const report = this.#report();
    if (report === null) return;
    const verdict = await this.#peers.directory.reportSpending(report);
    this.#reported = report;
    if (verdict !== null) this.#store.changeIfPresent((tx) => tx.children.permit(verdict));
  }

  #isDue(): boolean {
    const report = this.#report();
    return report !== null && !same(report, this.#reported);
  }

  #report(): SpendingReport | null {
    const { record } = this.#store;
    if (record === null || record.state.permit === 'free') return null;
    const { current, queue } = record.state;
    const turn = current !== null ? 'running' : queue.length > 0 ? 'wanted' : 'none';
    return { session_id: record.identity.session_id, cost_usd: totalCost(record), turn };
  }
}

function same(report: SpendingReport, before: SpendingReport | null): boolean {
  return before !== null && before.cost_usd === report.cost_usd && before.turn === report.turn;
}
