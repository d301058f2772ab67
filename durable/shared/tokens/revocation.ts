/** What is no longer accepted: one token, or all of an owner that were made before a time. Epoch milliseconds. */
export type Revocation = { readonly jti: string } | { readonly sub: string; readonly before: number };

/** What revocations know a token by. */
export interface TokenMark {
  /** Null: it has none, so that it can be revoked by its owner alone. */
  readonly jti: string | null;
  readonly sub: string;
  /** When it was made, epoch milliseconds; null: it does not say, and counts as older than any revocation. */
  readonly issued: number | null;
}

export function isRevokedBy(what: Revocation, { jti, sub, issued }: TokenMark): boolean {
  if ('jti' in what) return jti === what.jti;
  return sub === what.sub && (issued === null || issued < what.before);
}
