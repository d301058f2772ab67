/** How fast a bucket fills, and how much it holds. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** What a bucket held at a time, epoch milliseconds. Since then it has been filling. */
export interface Bucket {
  /** Negative: more was taken than there was, and it is to be waited for. */
  readonly tokens: number;
  readonly at: number;
}

/** The bucket now. Null: one that nobody has used is full. */
export function filled(bucket: Bucket | null, { perSecond, burst }: Rate, now: number): Bucket {
  if (bucket === null) return { tokens: burst, at: now };
  // A clock that is set back fills nothing.
  const seconds = Math.max(0, now - bucket.at) / 1000;
  return { tokens: Math.min(burst, bucket.tokens + seconds * perSecond), at: now };
}
