/**
 * Whether a turn may begin, as far as the owner's budget ledger has said:
 * - `free`: no budget covers this session;
 * - `due`: the session must ask for a permit first;
 * - `granted`: one turn may begin, or runs;
 * - `suspended`: the budget is spent, so nothing begins and the model is not called.
 */
export type TurnPermit = 'free' | 'due' | 'granted' | 'suspended';

/** A budget that is spent, or nearly so. */
export interface Spent {
  /** The session that the budget belongs to. */
  readonly session_id: string;
  readonly budget_usd: number;
  readonly spent_usd: number;
  /** What running turns are expected to add, USD; 0: the budget is spent without them. */
  readonly expected_usd: number;
}

/** What the ledger decides about one session. */
export interface Verdict {
  readonly permit: TurnPermit;
  /** Set with `suspended` alone. */
  readonly spent: Spent | null;
}

/** A sentence about a spent budget that says what to do. */
export function spentDetail({ session_id, budget_usd, spent_usd, expected_usd }: Spent): string {
  const spent = `${usd(spent_usd)} of the ${usd(budget_usd)} that the session ${session_id} and those below it may cost are spent`;
  const expected = expected_usd > 0 ? `, and about ${usd(expected_usd)} may be what now runs` : '';
  return `${spent}${expected}. It goes on once that is raised: PATCH /api/v1/sessions/${session_id} {"budget_usd": …}.`;
}

const usd = (amount: number) => `${Number(amount.toFixed(amount < 1 ? 4 : 2))} USD`;
