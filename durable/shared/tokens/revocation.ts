/**
 * What is no longer accepted: one token, or all of an owner that were made before a time. `until`: when that token is over anyway, if that is
 * known. Epoch milliseconds.
 */
export type Revocation =
  | { readonly jti: string; readonly until?: number }
  | { readonly sub: string; readonly before: number };

/** What revocations know a token by. */
export interface TokenMark {
  /** Null: it has none, so that it can be revoked by its owner alone. */
  readonly jti: string | null;
  readonly sub: string;
  /** When it was made, epoch milliseconds; null: it does not say, and counts as older than any revocation. */
  readonly issued: number | null;
  /** The `jti` of the token that it was made from, with which it ends; absent: of none. */
  readonly of?: string | undefined;
}

export function isRevokedBy(what: Revocation, { jti, sub, issued, of }: TokenMark): boolean {
  if ('jti' in what) return jti === what.jti || of === what.jti;
  return sub === what.sub && (issued === null || issued < what.before);
}
