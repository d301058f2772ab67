import { Random } from '../bench/simulate/random.ts';

/**
 * What is done to the service, by its seed alone. A *kill* is a SIGKILL: of the edge's workerd, of its supervisor, of the process
 * that ends workerd after the supervisor, of the runner, of a session's wrapper, of its `claude`, or of all that runs in its
 * container. The others, *breaks*, hit the network between edge, runner and clients, the clock, or the disk.
 */
export const KILLS = ['edge', 'supervisor', 'keeper', 'runner', 'wrapper', 'claude', 'container'] as const;
const BREAKS = ['cut', 'stall', 'slow', 'reorder', 'twice', 'clock', 'disk'] as const;
export type FaultKind = (typeof KILLS)[number] | (typeof BREAKS)[number];
export const ALL_KINDS: readonly FaultKind[] = [...KILLS, ...BREAKS];

/** One fault. It comes when the viewers have seen `afterEvents` more events since the one before, so that it hits every part of a turn. */
export interface Fault {
  readonly kind: FaultKind;
  readonly afterEvents: number;
  /** From 0 up to, but not including, 1: which of those that may be hit, where the clock is set to, how full the disk becomes. */
  readonly pick: number;
  /** How long a break lasts, and how long a killed part of the service stays away, milliseconds. */
  readonly lastsMs: number;
}

/** How often each comes, of all: what a session has dies more often than what all have. */
const WEIGHTS: Readonly<Record<FaultKind, number>> = {
  claude: 6,
  wrapper: 5,
  container: 5,
  runner: 4,
  edge: 4,
  supervisor: 2,
  keeper: 1,
  cut: 3,
  stall: 1,
  slow: 1,
  reorder: 1,
  twice: 1,
  clock: 1,
  disk: 1,
};
/** Events between two faults, where nothing else is asked for. A turn of the load has some ten. */
export const MEAN_EVENTS = 14;
/** How many of a hundred faults come together with the one before, where nothing else is asked for. */
export const TOGETHER_PERCENT = 30;
/** Longer than this no break lasts, milliseconds. */
const LONGEST_MS = 4_000;

export interface PlanOptions {
  readonly seed: number;
  readonly kills: number;
  /** The kinds that this machine can make. */
  readonly kinds: readonly FaultKind[];
  /** Events between two faults, on average. */
  readonly every: number;
  /** How probable it is that a fault comes together with the one before. */
  readonly together: number;
}

/** The faults in their order, until there are so many kills. The same options give the same ones. */
export function planOf({ seed, kills, kinds, every, together }: PlanOptions): Fault[] {
  const random = new Random(seed);
  const plan: Fault[] = [];
  for (let killed = 0; killed < kills;) {
    const kind = choose(kinds, random);
    if (isKill(kind)) killed += 1;
    const afterEvents = random.is(together) ? 0 : Math.round(random.exponential(every / (1 - together)));
    plan.push({ kind, afterEvents, pick: random.next(), lastsMs: Math.round(random.next() ** 2 * LONGEST_MS) });
  }
  return plan;
}

export function isKill(kind: FaultKind): boolean {
  return KILLS.some((one) => one === kind);
}

function choose(kinds: readonly FaultKind[], random: Random): FaultKind {
  let left = random.next() * kinds.reduce((sum, kind) => sum + WEIGHTS[kind], 0);
  for (const kind of kinds) {
    left -= WEIGHTS[kind];
    if (left < 0) return kind;
  }
  throw new Error('there is no kind of fault to choose from');
}
