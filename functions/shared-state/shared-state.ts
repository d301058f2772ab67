/**
 * What edges in many places have to know of each other. It is small, is asked with each request, and may be lost: what must
 * not be is in the objects. On Redis where that is configured, else in an object.
 */

/** Buckets of permits by key, shared by all edges. A sixth of a minute's permits may be taken at once. */
export interface RateLimits {
  /**
   * Takes up to `permits` at once.
   *
   * @param perMinute at least 1
   * @returns how many were granted, 0 to `permits`, and the milliseconds until the bucket gets another. `unknown`: the
   *   buckets cannot be reached, and the caller lets pass
   */
  take(key: string, perMinute: number, permits: number): Promise<Taken | 'unknown'>;
}

export interface Taken {
  readonly granted: number;
  readonly resetMs: number;
}

/** Revoked tokens. Times are epoch milliseconds. */
export interface Revocations {
  /**
   * Revokes one token, or all that a user's had before a time. It is remembered until `until`, when they have expired
   * anyway.
   *
   * @throws {RedisUnavailable} it is not revoked
   */
  revoke(what: Revoked): Promise<void>;
  /**
   * @param token `issuedAt`: null: it does not say, so it counts as old
   * @throws {RedisUnavailable} nobody knows, and the caller refuses
   */
  isRevoked(token: CheckedToken): Promise<boolean>;
}

export type Revoked =
  | { readonly jti: string; readonly until: number }
  | { readonly sub: string; readonly before: number; readonly until: number };

export interface CheckedToken {
  readonly jti: string | null;
  readonly sub: string;
  readonly issuedAt: number | null;
}

/** Things that may happen once, such as a signed webhook. */
export interface SeenOnce {
  /**
   * @returns true the first time within `ttlSeconds`
   * @throws {RedisUnavailable} nobody knows, and the caller refuses
   */
  first(key: string, ttlSeconds: number): Promise<boolean>;
}
