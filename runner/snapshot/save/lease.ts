import { StorageUnavailable, type ObjectStore } from '../../storage/object-store.ts';
import { leaseKey, leasesPrefix } from '../format/storage-keys.ts';

/** A lease that was not renewed for so long is of a runner that is gone, milliseconds. */
const EXPIRES = 60 * 60 * 1000;
const RENEWED_EVERY = 10 * 60 * 1000;

/**
 * Keeps sweeps from removing packs of this owner while `work` refers to ones of which the storage cannot tell so yet.
 *
 * @param work is given what throws when the lease could not be kept up
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
    // One that fails counts only if none succeeds for long: `check` sees.
    renew().catch(() => undefined);
  }, RENEWED_EVERY);
  try {
    return await work(() => {
      if (performance.now() - renewed > EXPIRES - RENEWED_EVERY)
        throw new StorageUnavailable('The storage did not answer for too long while a snapshot was taken');
    });
  } finally {
    clearInterval(renewal);
    // One that stays expires.
    await store.remove([key]).catch(() => undefined);
  }
}

/** Whether a snapshot of this owner is being taken; and what runners left that are gone. @param now milliseconds since 1970 */
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
