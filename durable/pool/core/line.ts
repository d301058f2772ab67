import type { Needs, Requirements } from './placement.ts';
import { addUse, ASKS_NOTHING, countsFor, NOTHING, shareOf, type Use } from './room.ts';

/** A session that waits for a place. */
export interface Waiting {
  readonly session_id: string;
  readonly epoch: number;
  readonly owner: string;
  /** Who has asked before has the smaller one. */
  readonly number: number;
  /** When it asked, epoch milliseconds. */
  readonly since: number;
  readonly needs: Needs;
  readonly requires: Requirements;
  /** `kindOf` these two. */
  readonly kind: string;
}

/** How long a session may wait before it is overdue, milliseconds; and how many places go by fairness between two for overdue ones. */
export const PATIENCE = { overdueMs: 10 * 60_000, between: 3 } as const;

/** Sessions of one kind find a place all or none, and for the same reason, whichever runner they would prefer. */
export function kindOf(
  needs: Needs,
  { isolation = false, builds = false, labels = {}, ask = ASKS_NOTHING }: Requirements,
): string {
  const where = needs.on === 'runner' ? ['runner', needs.runner] : ['storage', needs.storage];
  const named = Object.entries(labels).toSorted(([a], [b]) => a.localeCompare(b));
  return JSON.stringify([...where, isolation, builds, named, ask.cpus, ask.memoryMb]);
}

/** One in the order, and whether it comes because it has waited longest. */
export interface Next {
  readonly waiting: Waiting;
  readonly asOldest: boolean;
}

/**
 * The order in which sessions that wait get places, if each finds one: of all owners, the one whose dominant share is the smallest comes
 * next (Ghodsi et al., NSDI 2011), and an owner's own sessions as they asked. So a hundred sessions of one owner do not keep those of
 * others waiting. But after each `PATIENCE.between` of these the one comes that has waited longest, if it is overdue: so none waits for
 * good, however many owners come that have less.
 *
 * @param use what owners have now
 * @param since places that were given by fairness since the last overdue session got one
 */
export function inOrder(
  waiting: readonly Waiting[],
  total: Use,
  { use, since, now }: { readonly use: ReadonlyMap<string, Use>; readonly since: number; readonly now: number },
): Next[] {
  const line = waiting.toSorted((a, b) => a.number - b.number);
  const has = new Map(use);
  const keyed = line.map((one) => {
    const before = has.get(one.owner) ?? NOTHING;
    has.set(one.owner, addUse(before, countsFor(one.requires.ask ?? ASKS_NOTHING, total)));
    return { one, share: shareOf(before, total) };
  });
  const fair = keyed.toSorted((a, b) => a.share - b.share || a.one.number - b.one.number).map(({ one }) => one);
  return merged(
    fair,
    line.filter((one) => isOverdue(one, now)),
    since,
  );
}

export const isOverdue = ({ since }: Waiting, now: number): boolean => since <= now - PATIENCE.overdueMs;

function merged(fair: readonly Waiting[], overdue: readonly Waiting[], begun: number): Next[] {
  const taken = new Set<Waiting>();
  const order: Next[] = [];
  let since = begun;
  let [nextFair, nextOverdue] = [0, 0];
  while (order.length < fair.length) {
    let oldest = overdue[nextOverdue];
    while (oldest !== undefined && taken.has(oldest)) oldest = overdue[++nextOverdue];
    let next = fair[nextFair];
    while (next !== undefined && taken.has(next)) next = fair[++nextFair];
    const asOldest = since >= PATIENCE.between && oldest !== undefined;
    const waiting = asOldest ? oldest : next;
    if (waiting === undefined) break;
    taken.add(waiting);
    order.push({ waiting, asOldest });
    since = asOldest ? 0 : since + 1;
  }
  return order;
}
