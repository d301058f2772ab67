/**
 * A runner that is lost again and again takes its sessions with it each time. After a few losses within the window it rests: no session
 * is placed on it while there is another runner for it, each time for twice as long. What is older than the window is forgotten.
 */
export const REST = {
  /** Losses within `windowMs` that cost nothing: a restart, an upgrade, a cable. */
  free: 3,
  windowMs: 30 * 60_000,
  firstMs: 15_000,
  longestMs: 15 * 60_000,
} as const;

/** The losses that still count at `now`. All times are epoch milliseconds. */
function counted(losses: readonly number[], now: number): number[] {
  return losses.filter((at) => at > now - REST.windowMs);
}

/** One more loss. Those that can make no difference any more are left out. */
export function withLoss(losses: readonly number[], now: number): number[] {
  return [...counted(losses, now), now].slice(-16);
}

/** Until when the runner rests, epoch milliseconds; null: it does not. */
export function restsUntil(losses: readonly number[], now: number): number | null {
  const known = counted(losses, now);
  const last = known.at(-1);
  const beyond = known.length - REST.free;
  if (last === undefined || beyond <= 0) return null;
  const until = last + Math.min(REST.firstMs * 2 ** (beyond - 1), REST.longestMs);
  return until > now ? until : null;
}
