/** Cores, and MB of memory. */
export interface Resources {
  readonly cpus: number;
  readonly memoryMb: number;
}

/** What a session asks for (`config.resources`); null: it leaves that to the runner. */
export interface Ask {
  readonly cpus: number | null;
  readonly memoryMb: number | null;
}

/** So many sessions that ask for the same. */
export interface Alike {
  readonly ask: Ask;
  readonly count: number;
}

export const ASKS_NOTHING: Ask = { cpus: null, memoryMb: null };

/** What a runner has for its sessions. */
export interface Machine {
  /** All together. */
  readonly total: Resources;
  /** One session at most. */
  readonly limit: Resources;
}

/** A runner's places and what its machine has; and what of both is taken. */
export interface Room {
  /** Sessions that it takes at most. */
  readonly capacity: number;
  readonly running: number;
  /** Null: it has not said, as a runner of an earlier version. Only its places are counted. */
  readonly machine: Machine | null;
  readonly used: Resources;
}

export const NO_USE: Resources = { cpus: 0, memoryMb: 0 };

/**
 * What a session takes of a machine. One that asks for nothing takes one place's share, so that places alone bound how many such there
 * are, as ever. One that asks for more than there is gets what there is, and so fits an empty runner always.
 */
export function demandOf({ capacity, machine }: Pick<Room, 'capacity' | 'machine'>, ask: Ask): Resources {
  if (machine === null) return NO_USE;
  const { total, limit } = machine;
  const { cpus, memoryMb } = ask;
  const places = Math.max(1, capacity);
  return {
    cpus: cpus === null ? total.cpus / places : Math.min(cpus, limit.cpus, total.cpus),
    memoryMb: memoryMb === null ? total.memoryMb / places : Math.min(memoryMb, limit.memoryMb, total.memoryMb),
  };
}

const sum = (a: Resources, b: Resources): Resources => ({ cpus: a.cpus + b.cpus, memoryMb: a.memoryMb + b.memoryMb });

const times = (of: Resources, count: number): Resources => ({ cpus: of.cpus * count, memoryMb: of.memoryMb * count });

/** What all of these sessions take of a machine. */
export function takenBy(room: Pick<Room, 'capacity' | 'machine'>, sessions: readonly Alike[]): Resources {
  return sessions.reduce((all, { ask, count }) => sum(all, times(demandOf(room, ask), count)), NO_USE);
}

/** What sums of fractions may be off by. */
const ROUNDING = 1e-6;

/**
 * What such a session would leave of the scarcest of places, cores and memory, as a part of all, at most 1. Below 0: it does not fit, and
 * so much is missing.
 */
export function leftAfter(room: Room, ask: Ask): number {
  const { capacity, running, machine, used } = room;
  if (capacity === 0) return Number.NEGATIVE_INFINITY;
  const places = 1 - (running + 1) / capacity;
  if (machine === null) return places;
  const { total } = machine;
  const demand = demandOf(room, ask);
  const cpus = 1 + ROUNDING - (used.cpus + demand.cpus) / Math.max(total.cpus, ROUNDING);
  const memory = 1 + ROUNDING - (used.memoryMb + demand.memoryMb) / Math.max(total.memoryMb, ROUNDING);
  return Math.min(places, cpus, memory);
}

/** How many more ordinary sessions fit, by what is the scarcest. A fraction of one counts too. */
export function roomFor({ capacity, running, machine, used }: Room): number {
  const places = capacity - running;
  if (machine === null) return places;
  const left = (name: keyof Resources) =>
    machine.total[name] === 0 ? places : ((machine.total[name] - used[name]) / machine.total[name]) * capacity;
  return Math.min(places, left('cpus'), left('memoryMb'));
}

/** The same runner with one more such session. */
export function withOne<R extends Room>(room: R, ask: Ask): R {
  return { ...room, running: room.running + 1, used: sum(room.used, demandOf(room, ask)) };
}

/** What an owner, or one session, has of a pool. */
export interface Use extends Resources {
  readonly places: number;
}

export const NOTHING: Use = { places: 0, ...NO_USE };

export const addUse = (a: Use, b: Use): Use => ({ places: a.places + b.places, ...sum(a, b) });

/** What a pool's runners have together. */
export function totalOf(rooms: readonly Room[]): Use {
  let [places, cpus, memoryMb] = [0, 0, 0];
  for (const { capacity, machine } of rooms) {
    places += capacity;
    cpus += machine?.total.cpus ?? 0;
    memoryMb += machine?.total.memoryMb ?? 0;
  }
  return { places, cpus, memoryMb };
}

/** What a session counts for, wherever it is: one place, and what it asks, or else a place's share of the pool. */
export function countsFor({ cpus, memoryMb }: Ask, total: Use): Use {
  const places = Math.max(1, total.places);
  return { places: 1, cpus: cpus ?? total.cpus / places, memoryMb: memoryMb ?? total.memoryMb / places };
}

/** What these sessions count for. */
export function useOf(sessions: readonly Alike[], total: Use): Use {
  return sessions.reduce(
    (all, { ask, count }) => addUse(all, { places: count, ...times(countsFor(ask, total), count) }),
    NOTHING,
  );
}

/** The largest of an owner's parts of places, cores and memory: its dominant share (Ghodsi et al., NSDI 2011). */
export function shareOf(use: Use, total: Use): number {
  const part = (name: keyof Use) => (total[name] === 0 ? 0 : use[name] / total[name]);
  return Math.max(part('places'), part('cpus'), part('memoryMb'));
}
