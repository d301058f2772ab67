import type { Reason } from '../../protocol/reason.ts';

/** A runner as the pool sees it when it looks for a place. */
export interface RunnerLoad {
  readonly name: string;
  readonly connected: boolean;
  readonly draining: boolean;
  readonly capacity: number;
  readonly running: number;
  /** What keeps its backend from starting containers; null: nothing. */
  readonly trouble: string | null;
}

export type Placement =
  { readonly placed: true; readonly runner: string } | { readonly placed: false; readonly reason: Reason };

/**
 * Finds the runner for a session: the one that has its files (`home`), or for a new session the one with the most room.
 * A runner whose engine is down still gets sessions when there is no other, for it alone can say what is wrong.
 */
export function place(runners: readonly RunnerLoad[], home: string | null): Placement {
  const fits = home === null ? runners : runners.filter(({ name }) => name === home);
  const usable = fits.filter(({ connected, draining }) => connected && !draining);
  if (usable.length === 0) {
    const detail =
      home === null
        ? 'Waiting: no runner is connected. Start one with `npm run runner`, or look at the log of the one you have.'
        : `Waiting: this session's files are on the runner "${home}", which is not connected.`;
    return { placed: false, reason: { code: 'no_runner', detail } };
  }
  const withRoom = usable.filter(({ running, capacity }) => running < capacity);
  const best = withRoom.toSorted(byPreference)[0];
  if (best !== undefined) return { placed: true, runner: best.name };
  const room = usable.reduce((sum, { capacity }) => sum + capacity, 0);
  const detail = `Waiting for room: all ${room} places of ${usable.length} runner(s) are taken.`;
  return { placed: false, reason: { code: 'pool_full', detail } };
}

function byPreference(a: RunnerLoad, b: RunnerLoad): number {
  const health = Number(a.trouble !== null) - Number(b.trouble !== null);
  if (health !== 0) return health;
  const room = b.capacity - b.running - (a.capacity - a.running);
  return room !== 0 ? room : a.name.localeCompare(b.name);
}
