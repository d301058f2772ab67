import type { Reason } from '../../../protocol/reason.ts';

/** A runner, as far as the placement looks at it. */
export interface RunnerLoad {
  readonly name: string;
  /** It keeps sessions in containers. */
  readonly isolates: boolean;
  readonly connected: boolean;
  readonly draining: boolean;
  readonly capacity: number;
  readonly running: number;
  /** Why its backend cannot start containers; null: it can. */
  readonly trouble: string | null;
  /** Where it keeps snapshots. */
  readonly storage: { readonly id: string; readonly ok: boolean } | null;
  /** What its disk has free, MB, when that is below its floor; null: it is not. */
  readonly lowDiskMb: number | null;
}

/** Which runners can have a session's files. */
export type Needs =
  /** Only this runner has them. */
  | { readonly on: 'runner'; readonly runner: string }
  /** Any runner that sees `storage` (null: nothing has to be restored, so any runner). `prefer` has a copy of its own. */
  | { readonly on: 'storage'; readonly storage: string | null; readonly prefer: string | null };

export type Placement =
  { readonly placed: true; readonly runner: string } | { readonly placed: false; readonly reason: Reason };

/**
 * Finds the runner for a session's container. Of the runners that can have its files it takes the one that has a copy of them, or
 * else the one with the most room. A runner whose engine is down gets sessions only if there is no other: it can then say what is wrong.
 * One whose disk is nearly full gets none.
 *
 * @param mustIsolate only a runner with containers will do
 */
export function place(runners: readonly RunnerLoad[], needs: Needs, mustIsolate = false): Placement {
  const fitting = runners.filter((one) => fits(one, needs)).filter(({ connected, draining }) => connected && !draining);
  const usable = fitting.filter((one) => one.isolates || !mustIsolate);
  if (usable.length === 0) {
    const why = fitting.length === 0 ? whyNone(needs) : NONE_ISOLATES;
    return { placed: false, reason: { code: 'no_runner', detail: `Waiting: ${why}` } };
  }
  const roomy = usable.filter(({ lowDiskMb }) => lowDiskMb === null);
  if (roomy.length === 0)
    return { placed: false, reason: { code: 'no_runner', detail: `Waiting: ${diskLow(usable)}` } };
  const withRoom = roomy.filter(({ running, capacity }) => running < capacity);
  const best = withRoom.toSorted(byPreference(needs))[0];
  if (best !== undefined) return { placed: true, runner: best.name };
  const room = roomy.reduce((sum, { capacity }) => sum + capacity, 0);
  const where = needs.on === 'runner' ? ` This session's newest files are on the runner "${needs.runner}" alone.` : '';
  const detail = `Waiting for room: all ${room} places of ${roomy.length} runner(s) are taken.${where}`;
  return { placed: false, reason: { code: 'pool_full', detail } };
}

const NONE_ISOLATES =
  'this session requires `isolation: "container"`, and no runner with containers is connected. Start one with `RUNNER_BACKEND=docker`.';

function diskLow(runners: readonly RunnerLoad[]): string {
  const free = runners.map(({ name, lowDiskMb }) => `"${name}" has ${lowDiskMb ?? 0} MB free`).join(', ');
  return `the disk is nearly full (the runner ${free}, less than its DISK_FLOOR_MB). It goes on when there is room.`;
}

/** A runner; or, in `detail`, why there is none. */
export type RunnerChoice = { readonly runner: string } | { readonly detail: string };

/** Finds the runner for a job that takes no place: a snapshot, a transfer of files. */
export function chooseRunner(runners: readonly RunnerLoad[], needs: Needs): RunnerChoice {
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
  const copy = Number(hasCopy(b, needs)) - Number(hasCopy(a, needs));
  if (copy !== 0) return copy;
  const storage = Number(b.storage?.ok ?? false) - Number(a.storage?.ok ?? false);
  if (storage !== 0) return storage;
  const room = b.capacity - b.running - (a.capacity - a.running);
  return room !== 0 ? room : a.name.localeCompare(b.name);
};

function hasCopy({ name }: RunnerLoad, needs: Needs): boolean {
  return needs.on === 'storage' && needs.prefer === name;
}
