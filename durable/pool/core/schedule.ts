import type { Reason } from '../../../protocol/reason.ts';
import { inOrder, isOverdue, PATIENCE, type Next, type Waiting } from './line.ts';
import { candidates, place, type Placement, type RunnerLoad } from './placement.ts';
import { addUse, ASKS_NOTHING, countsFor, leftAfter, NOTHING, totalOf, useOf, withOne, type Use } from './room.ts';
import type { Tally } from './tally.ts';

/** What decides whose turn it is, besides who waits. */
export interface Fairness {
  /** What each owner has now. */
  readonly owners: Pick<Tally, 'of'>;
  /** Places that were given since the last overdue session got one. */
  readonly since: number;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** A session that goes on waiting. */
export interface Left {
  readonly waiting: Waiting;
  readonly reason: Reason;
  /** How many come before it when places are free again; null: it does not wait for one that others have. */
  readonly before: number | null;
}

/** A runner that takes no other session, so that an overdue one that is too large for what is free fits on it some day. */
export interface Kept {
  readonly runner: string;
  readonly session_id: string;
}

/** Who gets a place where, and what is said to the others. */
export interface Schedule {
  readonly placed: readonly { readonly waiting: Waiting; readonly runner: string }[];
  /** Why a session of this kind goes on waiting; undefined: it does not. */
  reasonOf(waiting: Waiting): Reason | undefined;
  /** All that go on waiting, with their places in the queue. To find these takes longer than all else where thousands wait. */
  left(): readonly Left[];
  readonly kept: Kept | null;
  /** The next `Fairness.since`. */
  readonly since: number;
}

/**
 * Gives the places that are free to the sessions that wait, in the order of `inOrder`. One that fits nowhere is passed over, so it blocks
 * nobody. If it is the longest that waits and overdue, the runner on which it fits soonest is kept for it: so small ones do not take
 * what it needs for good.
 */
export function schedule(runners: readonly RunnerLoad[], waiting: readonly Waiting[], fairness: Fairness): Schedule {
  return new Scheduling(runners, waiting, fairness).run();
}

class Scheduling {
  readonly #runners: RunnerLoad[];
  readonly #total: Use;
  readonly #owners: Pick<Tally, 'of'>;
  #use: Map<string, Use> | null = null;
  readonly #now: number;
  /** By kind: why no session of it finds a place. */
  readonly #shut = new Map<string, Reason>();
  /** By kind and preferred runner: the same in that session's own words. */
  readonly #own = new Map<string, Reason>();
  readonly #isPlaced = new Set<Waiting>();
  readonly #placed: { waiting: Waiting; runner: string }[] = [];
  #left: readonly Waiting[];
  #since: number;
  #kept: Kept | null = null;
  /** The places in the queue, once they are asked for. */
  #line: readonly Left[] | null = null;

  constructor(runners: readonly RunnerLoad[], waiting: readonly Waiting[], { owners, since, now }: Fairness) {
    this.#runners = [...runners];
    this.#total = totalOf(runners.filter(({ connected }) => connected));
    this.#owners = owners;
    this.#left = waiting;
    this.#since = since;
    this.#now = now;
  }

  run(): Schedule {
    const kinds = new Set<string>();
    for (const one of this.#left) {
      if (kinds.has(one.kind)) continue;
      kinds.add(one.kind);
      this.#try(one.kind, one);
    }
    this.#keep();
    while (this.#pass());
    return {
      placed: this.#placed,
      reasonOf: (waiting) => this.#reasonOf(waiting),
      left: () => (this.#line ??= this.#standing()),
      kept: this.#kept,
      since: this.#since,
    };
  }

  /** One pass over those whose kind may find a place. True: a kind has turned out to find none any more. */
  #pass(): boolean {
    const open = this.#left.filter(({ kind }) => !this.#shut.has(kind));
    if (open.length === 0) return false;
    const before = this.#placed.length;
    const isShut = this.#giveIn(inOrder(open, this.#total, this.#fairness));
    if (this.#placed.length > before) this.#left = this.#left.filter((one) => !this.#isPlaced.has(one));
    return isShut;
  }

  /** Gives places in this order. True: a kind finds none any more. */
  #giveIn(order: readonly Next[]): boolean {
    for (const { waiting, asOldest } of order) {
      const found = this.#try(waiting.kind, waiting);
      if (!found.placed) return true;
      this.#give(waiting, found.runner);
      this.#since = asOldest ? 0 : this.#since + 1;
    }
    return false;
  }

  get #fairness() {
    return { use: this.#uses, since: this.#since, now: this.#now };
  }

  /** What the owners have that wait. Not looked at while nothing can be given: in a full pool that is nearly always. */
  get #uses(): Map<string, Use> {
    if (this.#use === null) {
      const asking = new Set(this.#left.map(({ owner }) => owner));
      this.#use = new Map([...asking].map((owner) => [owner, useOf(this.#owners.of(owner), this.#total)]));
    }
    return this.#use;
  }

  #try(kind: string, { needs, requires }: Waiting): Placement {
    const found = place(this.#runners, needs, requires);
    if (!found.placed) this.#shut.set(kind, found.reason);
    return found;
  }

  #give(waiting: Waiting, runner: string): void {
    const at = this.#runners.findIndex(({ name }) => name === runner);
    const load = this.#runners[at];
    if (load === undefined) return;
    const ask = waiting.requires.ask ?? ASKS_NOTHING;
    const more = countsFor(ask, this.#total);
    this.#runners[at] = withOne(load, ask);
    this.#uses.set(waiting.owner, addUse(this.#uses.get(waiting.owner) ?? NOTHING, more));
    this.#isPlaced.add(waiting);
    this.#placed.push({ waiting, runner });
  }

  /** Keeps a runner for the overdue session whose turn it is, if that fits nowhere. */
  #keep(): void {
    if (this.#since < PATIENCE.between) return;
    const due = this.#left.filter((one) => isOverdue(one, this.#now) && this.#shut.get(one.kind)?.code !== 'no_runner');
    const oldest = due.reduce<Waiting | null>((a, b) => (a === null || b.number < a.number ? b : a), null);
    if (oldest === null || !this.#shut.has(oldest.kind)) return;
    const found = candidates(this.#runners, oldest.needs, oldest.requires);
    if ('reason' in found) return;
    const ask = oldest.requires.ask ?? ASKS_NOTHING;
    // What is free on it only grows while it is kept, so the choice moves only to one on which there is more.
    const nearest = found.runners.reduce<RunnerLoad | null>(
      (a, b) => (a === null || leftAfter(b, ask) > leftAfter(a, ask) ? b : a),
      null,
    );
    if (nearest === null) return;
    this.#kept = { runner: nearest.name, session_id: oldest.session_id };
    const at = this.#runners.indexOf(nearest);
    this.#runners[at] = { ...nearest, running: nearest.capacity };
  }

  /** What those that are left wait for. Those that wait for room are in the order in which they get it. */
  #standing(): Left[] {
    const full: Waiting[] = [];
    const others: Left[] = [];
    for (const waiting of this.#left) {
      const reason = this.#reasonOf(waiting);
      if (reason?.code === 'pool_full') full.push(waiting);
      else if (reason !== undefined) others.push({ waiting, reason, before: null });
    }
    const order = inOrder(full, this.#total, this.#fairness).map(({ waiting }) => waiting);
    const kept = order.filter(({ session_id }) => session_id === this.#kept?.session_id);
    const line = [...kept, ...order.filter((one) => !kept.includes(one))];
    return [
      ...line.flatMap((waiting, before) => {
        const reason = this.#reasonOf(waiting);
        return reason === undefined ? [] : [{ waiting, reason, before }];
      }),
      ...others,
    ];
  }

  /** Why the session waits: as all of its kind, but where the sentence names the runner that this one would prefer. */
  #reasonOf({ kind, needs, requires }: Waiting): Reason | undefined {
    const reason = this.#shut.get(kind);
    if (reason?.code !== 'no_runner' || needs.on === 'runner' || needs.storage === null) return reason;
    const key = `${kind} ${needs.prefer ?? ''}`;
    const known = this.#own.get(key);
    if (known !== undefined) return known;
    const found = candidates(this.#runners, needs, requires);
    const own = 'reason' in found ? found.reason : reason;
    this.#own.set(key, own);
    return own;
  }
}
