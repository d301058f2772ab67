import type { Reason } from '../../../protocol/reason.ts';
import { ASKS_NOTHING, leftAfter, roomFor, type Ask, type Room } from './room.ts';
import {
  closed,
  diskLow,
  full,
  noneBuilds,
  noneIsolates,
  noneLabelled,
  sentence,
  unreachable,
  type Labels,
  type Needs,
} from './why.ts';

export type { Needs } from './why.ts';

/** What a session requires of its runner, wherever its files are. */
export interface Requirements {
  /** Only a runner with containers will do. */
  readonly isolation?: boolean;
  /** Only a runner that builds images of environments will do. */
  readonly builds?: boolean;
  /** The runner has all of these. */
  readonly labels?: Labels | undefined;
  /** What it asks of the machine. Absent: nothing. */
  readonly ask?: Ask;
  /** The pool that the session is in, when that is not the default one: for sentences. */
  readonly pool?: string | undefined;
}

/** A runner, as far as the placement looks at it. */
export interface RunnerLoad extends Room {
  readonly name: string;
  /** It keeps sessions in containers. */
  readonly isolates: boolean;
  /** It builds images of environments. Absent: it does not. */
  readonly builds?: boolean;
  readonly connected: boolean;
  readonly draining: boolean;
  /** The operator has it take no sessions. */
  readonly cordoned: boolean;
  /** It was lost too often: it is left alone while there is another. */
  readonly rests: boolean;
  readonly labels: Labels;
  /** Why its backend cannot start containers; null: it can. */
  readonly trouble: string | null;
  /** Where it keeps snapshots. */
  readonly storage: { readonly id: string; readonly ok: boolean } | null;
  /** What its disk has free, MB, when that is below its floor; null: it is not. */
  readonly lowDiskMb: number | null;
}

export type Placement =
  | { readonly placed: true; readonly runner: string }
  | { readonly placed: false; readonly reason: Reason };

/** The runners on which a session could run if all of their places were free; or, in `reason`, why there is none. */
export type Candidates = { readonly runners: readonly RunnerLoad[] } | { readonly reason: Reason };

/**
 * The runners that can have a session's files and are as it requires. One that rests is among them only if all others of them are
 * missing. One whose disk is nearly full, that drains or that is cordoned is not.
 */
export function candidates(runners: readonly RunnerLoad[], needs: Needs, requires: Requirements = {}): Candidates {
  const { isolation = false, builds = false, labels = {} } = requires;
  const connected = runners.filter((one) => fits(one, needs) && one.connected);
  if (connected.length === 0) return none(unreachable(needs, requires.pool));
  const labelled = connected.filter((one) => hasLabels(one, labels));
  if (labelled.length === 0) return none(noneLabelled(labels, needs));
  const isolating = labelled.filter((one) => one.isolates || !isolation);
  if (isolating.length === 0) return none(noneIsolates());
  const building = isolating.filter((one) => one.builds === true || !builds);
  if (building.length === 0) return none(noneBuilds());
  const open = building.filter(({ draining, cordoned }) => !draining && !cordoned);
  if (open.length === 0) return none(closed(building, needs));
  const roomy = open.filter(({ lowDiskMb }) => lowDiskMb === null);
  if (roomy.length === 0) return none(diskLow(open));
  const rested = roomy.filter(({ rests }) => !rests);
  return { runners: rested.length > 0 ? rested : roomy };
}

/**
 * Finds the runner for a session's container. Of its candidates with room it takes the one that has a copy of its files, or else the one
 * with the most room. A runner whose engine is down gets sessions only if there is no other: it can then say what is
 * wrong.
 */
export function place(runners: readonly RunnerLoad[], needs: Needs, requires: Requirements = {}): Placement {
  const ask = requires.ask ?? ASKS_NOTHING;
  const best = bestOf(runners, needs, requires, ask);
  if (best !== null) return { placed: true, runner: best };
  // Only who waits needs to know why.
  const found = candidates(runners, needs, requires);
  if ('reason' in found) return { placed: false, reason: found.reason };
  return { placed: false, reason: { code: 'pool_full', detail: full(found.runners, needs, ask) } };
}

/**
 * The runner for such a session, as `place` prefers them; null: none has room. In one pass, because it is asked for each session that
 * comes, of hundreds of runners.
 */
function bestOf(runners: readonly RunnerLoad[], needs: Needs, requires: Requirements, ask: Ask): string | null {
  const compare = byPreference(needs);
  let rested: RunnerLoad | null = null;
  let resting: RunnerLoad | null = null;
  let hasRested = false;
  for (const one of runners) {
    if (!fits(one, needs) || !isOpen(one) || !suits(one, requires)) continue;
    hasRested ||= !one.rests;
    if (leftAfter(one, ask) < 0) continue;
    if (one.rests) resting = resting === null || compare(one, resting) < 0 ? one : resting;
    else rested = rested === null || compare(one, rested) < 0 ? one : rested;
  }
  return (hasRested ? rested : resting)?.name ?? null;
}

const isOpen = ({ connected, draining, cordoned, lowDiskMb }: RunnerLoad) =>
  connected && !draining && !cordoned && lowDiskMb === null;

const suits = (one: RunnerLoad, { isolation = false, builds = false, labels = {} }: Requirements) =>
  (one.isolates || !isolation) && (one.builds === true || !builds) && hasLabels(one, labels);

const none = (why: string): Candidates => ({ reason: { code: 'no_runner', detail: `Waiting: ${why}` } });

function hasLabels(runner: RunnerLoad, wanted: Labels): boolean {
  for (const name in wanted) {
    if (!Object.hasOwn(runner.labels, name) || runner.labels[name] !== wanted[name]) return false;
  }
  return true;
}

/** A runner; or, in `detail`, why there is none. */
export type RunnerChoice = { readonly runner: string } | { readonly detail: string };

/** Finds the runner for a job that takes no place: a snapshot, a transfer of files. */
export function chooseRunner(runners: readonly RunnerLoad[], needs: Needs): RunnerChoice {
  const usable = runners.filter((one) => fits(one, needs) && one.connected);
  const compare = byPreference(needs);
  const best = usable.toSorted((a, b) => Number(isClosed(a)) - Number(isClosed(b)) || compare(a, b))[0];
  return best === undefined ? { detail: sentence(unreachable(needs, undefined)) } : { runner: best.name };
}

const isClosed = ({ draining, cordoned }: RunnerLoad) => draining || cordoned;

function fits({ name, storage }: RunnerLoad, needs: Needs): boolean {
  if (needs.on === 'runner') return name === needs.runner;
  return needs.storage === null || needs.storage === storage?.id;
}

const byPreference = (needs: Needs) => (a: RunnerLoad, b: RunnerLoad) => {
  const health = Number(a.trouble !== null) - Number(b.trouble !== null);
  if (health !== 0) return health;
  const copy = Number(hasCopy(b, needs)) - Number(hasCopy(a, needs));
  if (copy !== 0) return copy;
  const storage = Number(b.storage?.ok ?? false) - Number(a.storage?.ok ?? false);
  if (storage !== 0) return storage;
  const room = roomFor(b) - roomFor(a);
  return room !== 0 ? room : a.name.localeCompare(b.name);
};

function hasCopy({ name }: RunnerLoad, needs: Needs): boolean {
  return needs.on === 'storage' && needs.prefer === name;
}
