import type { Resources } from '../../../protocol/api/session/session-config.ts';

/** What decides how many spares there may be. */
export interface Room {
  /** `WARM_SESSIONS`. */
  readonly setting: number;
  /** Containers that the runner may have at once. */
  readonly capacity: number;
  /** Limits of each container that it has, or is about to have; null: it has none. */
  readonly live: readonly (Resources | null)[];
  /** A spare's own limits; null: none. */
  readonly spare: Resources | null;
  /** What sessions may take together; 0, or undefined: that is not counted. */
  readonly machine: { readonly cpus: number; readonly memory_mb: number } | undefined;
  /** It takes no launches, or its engine or disk does not allow any. */
  readonly closed: boolean;
}

/** How many spares there may be now: they have what sessions leave free, and give it back when one comes. Pure. */
export function sparesWanted({ setting, capacity, live, spare, machine, closed }: Room): number {
  if (closed) return 0;
  const rooms = [setting, capacity - live.length];
  if (spare !== null && machine !== undefined) {
    const left = (of: 'cpus' | 'memory_mb') =>
      machine[of] === 0 ? Infinity : (machine[of] - live.reduce((sum, one) => sum + (one?.[of] ?? 0), 0)) / spare[of];
    rooms.push(left('cpus'), left('memory_mb'));
  }
  return Math.max(0, Math.floor(Math.min(...rooms)));
}
