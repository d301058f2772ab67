import type { Permits, Revocation, TokenMark } from '../../durable/rpc/gate-rpc.ts';

/** Buckets of permits, which all edges share. */
export interface RateLimits {
  /** Takes up to `permits` at once. `unknown`: the store cannot be asked, and the caller is let pass. */
  take(key: string, perMinute: number, permits: number): Promise<Permits | 'unknown'>;
}

/** Revoked tokens, which all edges share. On Redis, both throw `RedisUnavailable` (503) when nobody knows. */
export interface Revocations {
  revoke(what: Revocation): Promise<void>;
  isRevoked(token: TokenMark): Promise<boolean>;
}

/** Things that may happen once, such as a signed webhook. */
export interface SeenOnce {
  /**
   * @returns true the first time within `ttlSeconds`
   * @throws {RedisUnavailable} nobody knows (503)
   */
  first(key: string, ttlSeconds: number): Promise<boolean>;
}

/** What edges share: see `sharedState`. */
export interface SharedState {
  readonly limits: RateLimits;
  readonly revocations: Revocations;
  /** Null: no store is asked, and who takes the webhook knows by itself what it has seen. */
  readonly seen: SeenOnce | null;
}
