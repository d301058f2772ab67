import { StorageUnavailable, type ObjectStore } from '../../storage/object-store.ts';
import { leaseKey, leasesPrefix } from '../format/storage-keys.ts';

/** A lease that was not renewed for this long belongs to a runner that is gone, milliseconds. */
const EXPIRES = 60 * 60 * 1000;
const RENEWED_EVERY = 10 * 60 * 1000;

/**
 * Keeps sweeps from removing this owner's packs during `work`, which uses packs that no stored manifest names yet.
 *
 * @param work gets a function that throws if the lease could not be renewed in time
 */
export async function withLease<T>(
  store: ObjectStore,
  owner: string,
  snapshotId: string,
  work: (check: () => void) => Promise<T>,
): Promise<T> {
  const key = leaseKey(owner, snapshotId);
  let renewed = 0;
  const renew = async (): Promise<void> => {
    const now = performance.now();
    await store.put(key, Buffer.from(`${JSON.stringify({ since: new Date().toISOString() })}\n`));
    renewed = now;
  };
  await renew();
  const renewal = setInterval(() => {
    // One failure does not matter. If none succeeds for long, `check` throws.
    renew().catch(() => undefined);
  }, RENEWED_EVERY);
  try {
    return await work(() => {
      if (performance.now() - renewed > EXPIRES - RENEWED_EVERY)
        throw new StorageUnavailable('The storage did not answer for too long while a snapshot was taken');
    });
  } finally {
    clearInterval(renewal);
    // If the removal fails, the lease expires.
    await store.remove([key]).catch(() => undefined);
  }
}

/** Whether a lease of this owner is active, and the keys of expired leases. @param now milliseconds since 1970 */
export async function findLeases(
  store: ObjectStore,
  owner: string,
  now: number,
): Promise<{ held: boolean; expired: string[] }> {
  const expired: string[] = [];
  let held = false;
  for await (const { key, modified } of store.list(leasesPrefix(owner))) {
    if (now - modified < EXPIRES) held = true;
    else expired.push(key);
  }
  return { held, expired };
}
