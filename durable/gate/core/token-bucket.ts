import { burstOf } from '../../../protocol/settings/bounds-settings.ts';

/** Permits that were left at a time, epoch milliseconds. Since then it has been filling. */
export interface Bucket {
  readonly permits: number;
  readonly at: number;
}

/** What is in the bucket now; null: one that nobody has used is full. */
export function filled(bucket: Bucket | null, perMinute: number, now: number): number {
  const burst = burstOf(perMinute);
  if (bucket === null) return burst;
  // A clock that was set back fills nothing.
  const since = Math.max(0, now - bucket.at);
  return Math.min(burst, bucket.permits + (since * perMinute) / 60_000);
}

export interface Taken {
  readonly bucket: Bucket;
  /** Whole permits, from none to what was asked for. */
  readonly granted: number;
  /** Whole permits that are left. */
  readonly remaining: number;
  /** Milliseconds until there is one more. */
  readonly resetMs: number;
}

/** Takes up to `wanted` permits. */
export function take(bucket: Bucket | null, perMinute: number, wanted: number, now: number): Taken {
  const before = filled(bucket, perMinute, now);
  const granted = Math.min(wanted, Math.floor(before));
  const permits = before - granted;
  const missing = 1 - (permits - Math.floor(permits));
  return {
    bucket: { permits, at: now },
    granted,
    remaining: Math.floor(permits),
    resetMs: Math.ceil((missing * 60_000) / perMinute),
  };
}
