import { gateStub, type Objects } from '../../durable/rpc/edge-env.ts';
import { isTransient } from '../until-answered.ts';
import type { Permits, Revocation, TokenMark } from '../../durable/rpc/gate-rpc.ts';

/** Buckets of permits, which all edges share. */
export interface RateLimits {
  /** Takes up to `permits` at once. `unknown`: the store cannot be asked, and the caller is let pass. */
  take(key: string, perMinute: number, permits: number): Promise<Permits | 'unknown'>;
}

/** Revoked tokens, which all edges share. */
interface Revocations {
  /** `until`: no such token is valid after that, epoch milliseconds. */
  revoke(what: Revocation, until: number): Promise<void>;
  isRevoked(token: TokenMark): Promise<boolean>;
}

interface SharedState {
  readonly limits: RateLimits;
  readonly revocations: Revocations;
}

function unknownIfTransient(error: unknown): 'unknown' {
  if (!isTransient(error)) throw error;
  console.warn(`limits: the gate cannot be asked, so nobody is limited just now: ${String(error)}`);
  return 'unknown';
}

/** What edges share. A Durable Object keeps it. */
export function sharedState(env: Objects): SharedState {
  const gate = gateStub(env);
  return {
    limits: {
      // A limit is not worth a service that answers nobody.
      take: (key, perMinute, permits) => gate.take(key, perMinute, permits).catch(unknownIfTransient),
    },
    revocations: {
      revoke: async (what, until) => await gate.revoke(what, until),
      isRevoked: async (token) => await gate.isRevoked(token),
    },
  };
}
