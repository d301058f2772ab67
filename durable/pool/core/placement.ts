import type { Reason } from '../../../protocol/reason.ts';

/** A runner as the pool sees it when it looks for a place. */
export interface RunnerLoad {
  readonly name: string;
  readonly connected: boolean;
  readonly draining: boolean;
  readonly capacity: number;
  readonly running: number;
  /** What keeps its backend from starting containers; null: nothing. */
  readonly trouble: string | null;
  /** Where it keeps snapshots. */
  readonly storage: { readonly id: string; readonly ok: boolean } | null;
}

/** Which runner a session's files allow. */
export type Needs =
  /** That one alone has them. */
  | { readonly on: 'runner'; readonly runner: string }
  /** Any that sees `storage` (null: there is nothing to restore, so any at all); `prefer` has them at hand. */
  | { readonly on: 'storage'; readonly storage: string | null; readonly prefer: string | null };

export type Placement =
  { readonly placed: true; readonly runner: string } | { readonly placed: false; readonly reason: Reason };

/**
 * Finds the runner for a session's container: of those that have or can have its files the one with these at hand, or else with
 * the most room. A runner whose engine is down still gets sessions when there is no other, for it alone can say what is wrong.
 */
export function place(runners: readonly RunnerLoad[], needs: Needs): Placement {
  const usable = runners.filter((one) => fits(one, needs)).filter(({ connected, draining }) => connected && !draining);
  if (usable.length === 0) {
    return { placed: false, reason: { code: 'no_runner', detail: `Waiting: ${whyNone(needs)}` } };
  }
  const withRoom = usable.filter(({ running, capacity }) => running < capacity);
  const best = withRoom.toSorted(byPreference(needs))[0];
  if (best !== undefined) return { placed: true, runner: best.name };
  const room = usable.reduce((sum, { capacity }) => sum + capacity, 0);
  const where = needs.on === 'runner' ? ` This session's newest files are on the runner "${needs.runner}" alone.` : '';
  const detail = `Waiting for room: all ${room} places of ${usable.length} runner(s) are taken.${where}`;
  return { placed: false, reason: { code: 'pool_full', detail } };
}

/** Finds the runner for something that takes no place: a snapshot, a transfer of files. `detail`: why there is none. */
export function reach(
  runners: readonly RunnerLoad[],
  needs: Needs,
): { readonly runner: string } | { readonly detail: string } {
  const usable = runners.filter((one) => fits(one, needs) && one.connected);
  const best = usable.toSorted((a, b) => Number(a.draining) - Number(b.draining) || byPreference(needs)(a, b))[0];
  return best === undefined ? { detail: sentence(whyNone(needs)) } : { runner: best.name };
}

function fits({ name, storage }: RunnerLoad, needs: Needs): boolean {
  if (needs.on === 'runner') return name === needs.runner;
  return needs.storage === null || needs.storage === storage?.id;
}

function whyNone(needs: Needs): string {
  if (needs.on === 'runner') {
    return `this session's newest files are on the runner "${needs.runner}", which is not connected.`;
  }
  if (needs.storage === null) {
    return 'no runner is connected. Start one with `npm run runner`, or look at the log of the one you have.';
  }
  const at = needs.prefer === null ? '' : `, and on the runner "${needs.prefer}"`;
  return `this session's files are in the storage "${needs.storage}"${at}; no runner that sees it is connected.`;
}

const sentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

const byPreference = (needs: Needs) => (a: RunnerLoad, b: RunnerLoad) => {
  const health = Number(a.trouble !== null) - Number(b.trouble !== null);
  if (health !== 0) return health;
  const home = Number(isAtHand(b, needs)) - Number(isAtHand(a, needs));
  if (home !== 0) return home;
  const storage = Number(b.storage?.ok ?? false) - Number(a.storage?.ok ?? false);
  if (storage !== 0) return storage;
  const room = b.capacity - b.running - (a.capacity - a.running);
  return room !== 0 ? room : a.name.localeCompare(b.name);
};

function isAtHand({ name }: RunnerLoad, needs: Needs): boolean {
  return needs.on === 'storage' && needs.prefer === name;
}
