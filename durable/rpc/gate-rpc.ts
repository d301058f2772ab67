import type { AuditAction } from '../../protocol/api/admin.ts';
import type { SessionStatus } from '../../protocol/api/session/session.ts';
import type { Counts } from '../../protocol/metrics/registry.ts';
import type { Revocation, TokenMark } from '../shared/tokens/revocation.ts';

export type { Revocation, TokenMark } from '../shared/tokens/revocation.ts';

/** Permits of a bucket. */
export interface Permits {
  /** Whole permits, from none to what was asked for. */
  readonly granted: number;
  readonly remaining: number;
  /** Milliseconds until there is one more. */
  readonly resetMs: number;
}

/** Whose feed a stream is of, among the sessions that have streams. No session is called so. */
const FEED_OF = 'feed of ';
export const feedOf = (owner: string): string => `${FEED_OF}${owner}`;
/** The owner whose feed is called so; null: it is a session. */
export const ownerOfFeed = (name: string): string | null =>
  name.startsWith(FEED_OF) ? name.slice(FEED_OF.length) : null;

/** An open stream, which ends when its token is revoked. */
export interface OpenStream extends TokenMark {
  /** Or `feedOf` an owner. */
  readonly session_id: string;
  /** When its token is over, epoch milliseconds. */
  readonly until: number;
}

/** Who did what, from where. */
export interface AuditRecord {
  /** Epoch milliseconds. */
  readonly time: number;
  /** `sub` of the caller's token. */
  readonly actor: string;
  readonly action: AuditAction;
  /** What it was done to: the id of a session, the name of a runner, a path of the API. */
  readonly target: string;
  /** The caller's address; null: it is not known. */
  readonly address: string | null;
  /** More about it. */
  readonly detail: string | null;
}

export interface AuditQuery {
  readonly actor: string | undefined;
  readonly action: AuditAction | undefined;
  readonly cursor: number | undefined;
  readonly limit: number;
}

export interface AuditPage {
  readonly data: readonly (AuditRecord & { readonly id: number })[];
  readonly next_cursor: string | null;
}

/** Open streams of a session. */
export interface OpenViewers {
  readonly websocket: number;
  readonly sse: number;
}

/** What an isolate has counted since it last said so. */
export interface Telemetry {
  readonly counts: Counts;
  /** By session. */
  readonly viewers: Readonly<Record<string, OpenViewers>>;
}

/** What an owner has now. */
export interface OwnerTotals {
  readonly sessions: Readonly<Partial<Record<SessionStatus, number>>>;
  readonly stored_bytes: number;
}

/** What the gate knows for `GET /metrics`. */
export interface GateMetrics {
  readonly counts: Counts;
  readonly viewers: OpenViewers;
  readonly sessions: Readonly<Record<SessionStatus, number>>;
  readonly stored_bytes: number;
}

/**
 * What all of a service shares: how much each caller may, which tokens are revoked, who did what. Where Redis is configured,
 * it keeps the first two (docs/redis.md).
 */
export interface GateRpc extends Rpc.DurableObjectBranded {
  /** Takes up to `permits` of the bucket `key`, which fills with `perMinute`. */
  take(key: string, perMinute: number, permits: number): Permits;
  /** Tokens that fit are refused from now on. */
  revoke(what: Revocation): void;
  isRevoked(token: TokenMark): boolean;
  /**
   * Uses up a code, which is good until then (epoch milliseconds).
   *
   * @returns false: it was used before
   */
  useCode(code: string, until: number): boolean;
  /** A stream opens: it will be ended with its token. */
  opened(stream: OpenStream): void;
  /** Ends the streams whose token is revoked. */
  endStreams(what: Revocation): Promise<void>;
  record(record: AuditRecord): void;
  /** The newest first. */
  audit(query: AuditQuery): AuditPage;
  /** Adds what an isolate has counted. */
  report(telemetry: Telemetry): void;
  /** A directory says what its owner has now. `directory`: the id of its object. */
  reportOwner(directory: string, totals: OwnerTotals): void;
  /** The service's public key for push services (VAPID), in base64url. It is made when it is first asked for. */
  vapidKey(): Promise<string>;
  /**
   * The header `Authorization` for a push service.
   *
   * @param audience its origin
   * @param subject whom its operator can reach: `mailto:` or `https:`; null: nobody
   */
  vapidAuthorization(audience: string, subject: string | null): Promise<string>;
  metrics(): GateMetrics;
  /** Writes and reads a row; at most once a second, however often it is asked. @throws when either fails */
  probe(): Promise<void>;
}
