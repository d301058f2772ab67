import type { Contents } from './manifest.ts';

/** A pack of which less than this share is still in use is not referred to again. */
const LEAST_LIVE = 0.5;
/** Unless what it wastes is less than this, bytes. */
const LITTLE_WASTE = 1024 * 1024;
/** Packs smaller than `TINY` bytes, of which each small change leaves one, are made one when there are this many. */
const TINY = 1024 * 1024;
const MANY = 24;

/**
 * Packs of a base whose files are stored anew although they did not change, so that neither waste nor the number of packs grows with
 * the number of snapshots. Each byte is rewritten rarely: at most half of what is kept is waste.
 *
 * @returns indices in `packs`
 */
export function stalePacks({ packs, blocks }: Contents): Set<number> {
  const live = packs.map(() => 0);
  for (const { pack, stored, raw, live: used } of blocks)
    live[pack] = (live[pack] ?? 0) + (raw === 0 ? 0 : (stored * Math.min(used, raw)) / raw);
  const stale = new Set<number>();
  for (const [index, { size }] of packs.entries()) {
    const used = live[index] ?? 0;
    if (used < size * LEAST_LIVE && size - used > LITTLE_WASTE) stale.add(index);
  }
  const tiny = [...packs.entries()].filter(([, { size }]) => size < TINY);
  if (tiny.length >= MANY) for (const [index] of tiny) stale.add(index);
  return stale;
}
