import type { Spent, Verdict } from '../../shared/turn-permit.ts';

/** One session of a tree, as the ledger knows it. Amounts are USD. */
export interface Account {
  readonly id: string;
  readonly parent: string | null;
  /** What it and all below it may cost; null: it sets no limit. */
  readonly budget: number | null;
  /** What it has cost itself, and those of its descendants that are deleted. */
  readonly cost: number;
  /** What it is about: nothing, to begin a turn, or one runs. */
  readonly turn: 'none' | 'wanted' | 'running';
  /** It was allowed to. */
  readonly granted: boolean;
}

/**
 * Who of a tree may begin a turn, or go on with one. A turn that wants to begin finds room for itself and for another call by each of those that run, so that
 * what is spent passes a budget by no more than one turn; a turn that runs goes on until the budget is really spent.
 *
 * @param accounts all of one tree
 * @param dearest the dearest call of the model's so far, USD
 */
export function judge(accounts: readonly Account[], dearest: number): ReadonlyMap<string, Verdict> {
  const tree = new Tree(accounts);
  const verdicts = new Map<string, Verdict>();
  const wanting: Account[] = [];
  for (const account of accounts) {
    const isIn = account.turn !== 'none' && account.granted;
    const spent = tree.spentAbove(account, 0);
    if (spent !== null) verdicts.set(account.id, { permit: 'suspended', spent });
    else if (!tree.isCapped(account)) verdicts.set(account.id, { permit: 'free', spent: null });
    else if (isIn) verdicts.set(account.id, { permit: 'granted', spent: null });
    else if (account.turn === 'none') verdicts.set(account.id, { permit: 'due', spent: null });
    else wanting.push(account);
    if (account.turn === 'running' || (isIn && spent === null)) tree.begin(account);
  }
  // Who came first goes first: ids are in the order of time.
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
  /** Turns that run, of each session and all below it. */
  readonly #running = new Map<string, number>();

  constructor(accounts: readonly Account[]) {
    this.#byId = new Map(accounts.map((account) => [account.id, account]));
    for (const account of accounts) {
      for (const one of this.#lineOf(account)) this.#costs.set(one.id, this.cost(one.id) + account.cost);
    }
  }

  cost(id: string): number {
    return this.#costs.get(id) ?? 0;
  }

  begin(account: Account): void {
    for (const { id } of this.#lineOf(account)) this.#running.set(id, (this.#running.get(id) ?? 0) + 1);
  }

  isCapped(account: Account): boolean {
    return this.#lineOf(account).some(({ budget }) => budget !== null);
  }

  /** The first budget above a session, its own included, that is spent if each turn that runs adds `each`. */
  spentAbove(account: Account, each: number): Spent | null {
    for (const { id, budget } of this.#lineOf(account)) {
      if (budget === null) continue;
      const spent_usd = this.cost(id);
      const expected_usd = each * (this.#running.get(id) ?? 0);
      if (spent_usd >= budget) return { session_id: id, budget_usd: budget, spent_usd, expected_usd: 0 };
      if (spent_usd + expected_usd >= budget) return { session_id: id, budget_usd: budget, spent_usd, expected_usd };
    }
    return null;
  }

  /** A session and those above it, itself first. */
  #lineOf(account: Account): Account[] {
    const line: Account[] = [];
    for (
      let one: Account | undefined = account;
      one !== undefined;
      one = one.parent === null ? undefined : this.#byId.get(one.parent)
    ) {
      line.push(one);
    }
    return line;
  }
}
