import type { Ask } from './room.ts';

/** The sentences in which a session says why it waits. */

/** What an operator says of a runner (`RUNNER_LABELS`), by name. */
export type Labels = Readonly<Record<string, string>>;

/** Which runners can have a session's files. */
export type Needs =
  /** Only this runner has them. */
  | { readonly on: 'runner'; readonly runner: string }
  /** Any runner that sees `storage` (null: nothing has to be restored, so any runner). `prefer` has a copy of its own. */
  | { readonly on: 'storage'; readonly storage: string | null; readonly prefer: string | null };

export function unreachable(needs: Needs, pool: string | undefined): string {
  if (needs.on === 'runner') {
    return `this session's newest files are on the runner "${needs.runner}", which is not connected.`;
  }
  if (needs.storage !== null) {
    const at = needs.prefer === null ? '' : `, and on the runner "${needs.prefer}"`;
    return `this session's files are in the storage "${needs.storage}"${at}; no runner that sees it is connected.`;
  }
  if (pool !== undefined) {
    return `no runner of the pool "${pool}" is connected. Make a code for one with \`npm run --silent token -- --kind runner --pool ${pool} --sub NAME\`.`;
  }
  return 'no runner is connected. Start one with `npm run runner`, or look at the log of the one you have.';
}

export function noneLabelled(labels: Labels, needs: Needs): string {
  const wanted = Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');
  if (needs.on === 'runner') {
    return `this session's newest files are on the runner "${needs.runner}" alone, which does not have the labels ${wanted} (config.runner.labels). Start that one with \`RUNNER_LABELS=${wanted}\`.`;
  }
  return `no runner that is connected and can have this session's files has the labels ${wanted} (config.runner.labels). Start one with \`RUNNER_LABELS=${wanted}\`.`;
}

export const noneIsolates = () =>
  'this session requires `isolation: "container"`, and no runner with containers is connected. Start one with `RUNNER_BACKEND=docker`.';

export const noneBuilds = () =>
  'this session’s environment has an `image` or a `setup` (or is `devcontainer`), and no runner that is connected builds such images. Start one with `RUNNER_BACKEND=docker` and an engine of its own.';

/** None of these takes sessions, though they are connected. */
export function closed(
  runners: readonly { readonly name: string; readonly draining: boolean }[],
  needs: Needs,
): string {
  const each = listOf(runners, ({ name, draining }) => `"${name}" ${draining ? 'is being drained' : 'is cordoned'}`);
  const advice = 'It goes on when that one is back, or after `POST /api/v1/runners/{name}/uncordon`.';
  if (needs.on === 'runner') {
    return `this session's newest files are on one runner alone, and ${each}: it takes no sessions. ${advice}`;
  }
  const others = needs.storage === null ? '' : ' No other runner sees the storage with its files.';
  return `the runner ${each}, so it takes no sessions.${others} ${advice}`;
}

export function diskLow(runners: readonly { readonly name: string; readonly lowDiskMb: number | null }[]): string {
  const free = listOf(runners, ({ name, lowDiskMb }) => `"${name}" has ${lowDiskMb ?? 0} MB free`);
  return `the disk is nearly full (the runner ${free}, less than its DISK_FLOOR_MB). It goes on when there is room.`;
}

/** None of these has room for what the session asks. */
export function full(
  runners: readonly { readonly capacity: number; readonly running: number }[],
  needs: Needs,
  ask: Ask,
): string {
  const places = runners.reduce((all, { capacity }) => all + capacity, 0);
  const where = needs.on === 'runner' ? ` This session's newest files are on the runner "${needs.runner}" alone.` : '';
  if (runners.every(({ capacity, running }) => running >= capacity)) {
    return `Waiting for room: all ${places} places of ${runners.length} runner(s) are taken.${where}`;
  }
  const asked = [
    ...(ask.cpus === null ? [] : [`${ask.cpus} core(s)`]),
    ...(ask.memoryMb === null ? [] : [`${ask.memoryMb} MB of memory`]),
  ];
  const what = asked.length === 0 ? 'one more session' : `${asked.join(' and ')} (config.resources)`;
  return `Waiting for room: none of ${runners.length} runner(s) has enough left for ${what}.${where}`;
}

/** What is said of the first few, and how many more there are: a pool may have hundreds. */
function listOf<T>(all: readonly T[], say: (one: T) => string): string {
  const more = all.length > NAMED ? ` and ${all.length - NAMED} more` : '';
  return all.slice(0, NAMED).map(say).join(', ') + more;
}

const NAMED = 5;

export const sentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
