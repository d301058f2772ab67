import type { Spent, Verdict } from '../../shared/turn-permit.ts';

/** One session of a tree, as the ledger knows it. Amounts are USD. */
export interface Account {
  readonly id: string;
  readonly parent: string | null;
  /** What it and all below it may cost; null: it sets no limit. */
  readonly budget: number | null;
  /** What it has cost, with its descendants that are deleted. */
  readonly cost: number;
  /** Whether it wants to begin a turn, or has one that runs. */
  readonly turn: 'none' | 'wanted' | 'running';
  /** It has a permit for that turn. */
  readonly granted: boolean;
}

/**
 * Decides which sessions of a tree may begin a turn or go on with one. A new turn needs room in the budget for one more model call
 * of its own and of each running turn, so that spending exceeds a budget by one turn at most. A running turn goes on until the
 * budget is really spent.
 *
 * @param accounts all sessions of one tree
 * @param dearest the most expensive model call so far, USD
 */
export function judge(accounts: readonly Account[], dearest: number): ReadonlyMap<string, Verdict> {
  const tree = new Tree(accounts);
  const verdicts = new Map<string, Verdict>();
  const wanting: Account[] = [];
  for (const account of accounts) {
    const isAdmitted = account.turn !== 'none' && account.granted;
    const spent = tree.spentAbove(account, 0);
    if (spent !== null) verdicts.set(account.id, { permit: 'suspended', spent });
    else if (!tree.isCapped(account)) verdicts.set(account.id, { permit: 'free', spent: null });
    else if (isAdmitted) verdicts.set(account.id, { permit: 'granted', spent: null });
    else if (account.turn === 'none') verdicts.set(account.id, { permit: 'due', spent: null });
    else wanting.push(account);
    if (account.turn === 'running' || (isAdmitted && spent === null)) tree.begin(account);
  }
  // First come, first served: UUIDv7 ids sort by time.
  for (const account of wanting.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
    const spent = account.turn === 'running' ? null : tree.spentAbove(account, dearest);
    if (spent === null && account.turn !== 'running') tree.begin(account);
    verdicts.set(account.id, { permit: spent === null ? 'granted' : 'suspended', spent });
  }
  return verdicts;
}

/** What each session of a tree costs, with all below it. */
export function treeCosts(accounts: readonly Account[]): ReadonlyMap<string, number> {
  const tree = new Tree(accounts);
  return new Map(accounts.map(({ id }) => [id, tree.cost(id)]));
}

class Tree {
  readonly #byId: ReadonlyMap<string, Account>;
  readonly #costs = new Map<string, number>();
  /** For each session, the running turns of it and all below it. */
  readonly #running = new Map<string, number>();

  constructor(accounts: readonly Account[]) {
    this.#byId = new Map(accounts.map((account) => [account.id, account]));
    for (const account of accounts) {
      for (const one of this.#pathToRoot(account)) this.#costs.set(one.id, this.cost(one.id) + account.cost);
    }
  }

  cost(id: string): number {
    return this.#costs.get(id) ?? 0;
  }

  begin(account: Account): void {
    for (const { id } of this.#pathToRoot(account)) this.#running.set(id, (this.#running.get(id) ?? 0) + 1);
  }

  isCapped(account: Account): boolean {
    return this.#pathToRoot(account).some(({ budget }) => budget !== null);
  }

  /** The first budget over a session (its own included) that is spent once each running turn has added `each` USD. */
  spentAbove(account: Account, each: number): Spent | null {
    for (const { id, budget } of this.#pathToRoot(account)) {
      if (budget === null) continue;
      const spent_usd = this.cost(id);
      const expected_usd = each * (this.#running.get(id) ?? 0);
      if (spent_usd >= budget) return { session_id: id, budget_usd: budget, spent_usd, expected_usd: 0 };
      if (spent_usd + expected_usd >= budget) return { session_id: id, budget_usd: budget, spent_usd, expected_usd };
    }
    return null;
  }

  /** A session and its ancestors, itself first. */
  #pathToRoot(account: Account): Account[] {
    const path: Account[] = [];
    for (
      let one: Account | undefined = account;
      one !== undefined;
      one = one.parent === null ? undefined : this.#byId.get(one.parent)
    ) {
      path.push(one);
    }
    return path;
  }
}
