import type { Contents } from './manifest.ts';

/** A pack is stale if less than this share of it is in use. */
const LEAST_LIVE = 0.5;
/** It is not stale if it wastes less than this, bytes. */
const LITTLE_WASTE = 1024 * 1024;
/** Each small change leaves a small pack. Packs smaller than this (bytes) are merged once there are `MANY` of them. */
const TINY = 1024 * 1024;
const MANY = 24;

/**
 * The stale packs of a base. Their files are stored again although they have not changed, so that neither waste nor the number
 * of packs grows with the number of snapshots. Each byte is rewritten rarely; at most half of what is kept is waste.
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
