import type { Reason } from '../../../protocol/reason.ts';

/** What an operator says of a runner (`RUNNER_LABELS`), by name. */
type Labels = Readonly<Record<string, string>>;

/** What a session requires of its runner, wherever its files are. */
export interface Requirements {
  /** Only a runner with containers will do. */
  readonly isolation?: boolean;
  /** The runner has all of these. */
  readonly labels?: Labels | undefined;
}

/** A runner, as far as the placement looks at it. */
export interface RunnerLoad {
  readonly name: string;
  /** It keeps sessions in containers. */
  readonly isolates: boolean;
  readonly connected: boolean;
  readonly draining: boolean;
  /** The operator has it take no sessions. */
  readonly cordoned: boolean;
  readonly labels: Labels;
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
 * Finds the runner for a session's container. Of the runners that can have its files and are as it requires it takes the one that has a
 * copy of them, or else the one with the most room. A runner whose engine is down gets sessions only if there is no other: it can then
 * say what is wrong. One whose disk is nearly full, that drains or that is cordoned gets none.
 */
export function place(runners: readonly RunnerLoad[], needs: Needs, requires: Requirements = {}): Placement {
  const { isolation = false, labels = {} } = requires;
  const connected = runners.filter((one) => fits(one, needs) && one.connected);
  if (connected.length === 0) return none(whyNone(needs));
  const labelled = connected.filter((one) => hasLabels(one, labels));
  if (labelled.length === 0) return none(noneLabelled(labels, needs));
  const isolating = labelled.filter((one) => one.isolates || !isolation);
  if (isolating.length === 0) return none(NONE_ISOLATES);
  const open = isolating.filter(({ draining, cordoned }) => !draining && !cordoned);
  if (open.length === 0) return none(closed(isolating, needs));
  const roomy = open.filter(({ lowDiskMb }) => lowDiskMb === null);
  if (roomy.length === 0) return none(diskLow(open));
  const withRoom = roomy.filter(({ running, capacity }) => running < capacity);
  const best = withRoom.toSorted(byPreference(needs))[0];
  if (best !== undefined) return { placed: true, runner: best.name };
  const room = roomy.reduce((sum, { capacity }) => sum + capacity, 0);
  const where = needs.on === 'runner' ? ` This session's newest files are on the runner "${needs.runner}" alone.` : '';
  const detail = `Waiting for room: all ${room} places of ${roomy.length} runner(s) are taken.${where}`;
  return { placed: false, reason: { code: 'pool_full', detail } };
}

const none = (why: string): Placement => ({
  placed: false,
  reason: { code: 'no_runner', detail: `Waiting: ${why}` },
});

function hasLabels(runner: RunnerLoad, wanted: Labels): boolean {
  return Object.entries(wanted).every(
    ([name, value]) => Object.hasOwn(runner.labels, name) && runner.labels[name] === value,
  );
}

function noneLabelled(labels: Labels, needs: Needs): string {
  const wanted = Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');
  if (needs.on === 'runner') {
    return `this session's newest files are on the runner "${needs.runner}" alone, which does not have the labels ${wanted} (config.runner.labels). Start that one with \`RUNNER_LABELS=${wanted}\`.`;
  }
  return `no runner that is connected and can have this session's files has the labels ${wanted} (config.runner.labels). Start one with \`RUNNER_LABELS=${wanted}\`.`;
}

/** Why none of these takes sessions, though they are connected. */
function closed(runners: readonly RunnerLoad[], needs: Needs): string {
  const each = runners.map(({ name, draining }) => `"${name}" ${draining ? 'is being drained' : 'is cordoned'}`);
  const advice = 'It goes on when that one is back, or after `POST /api/v1/runners/{name}/uncordon`.';
  if (needs.on === 'runner') {
    return `this session's newest files are on one runner alone, and ${each.join('')}: it takes no sessions. ${advice}`;
  }
  const others = needs.storage === null ? '' : ' No other runner sees the storage with its files.';
  return `the runner ${each.join(', ')}, so it takes no sessions.${others} ${advice}`;
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
  const best = usable.toSorted((a, b) => Number(isClosed(a)) - Number(isClosed(b)) || byPreference(needs)(a, b))[0];
  return best === undefined ? { detail: sentence(whyNone(needs)) } : { runner: best.name };
}

const isClosed = ({ draining, cordoned }: RunnerLoad) => draining || cordoned;

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
