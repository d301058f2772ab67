import type { NamedAuthor } from '../../protocol/git/git-author.ts';
import type { Scope } from '../../protocol/token.ts';

/** Who calls, by their token. */
export interface Caller {
  /** `sub` of the token. */
  readonly owner: string;
  readonly scopes: readonly Scope[];
  /** The session that the token is bound to: only it and those below it are there for this caller. Null: all of the owner's. */
  readonly sid: string | null;
  /** What a revocation knows the token by: see `TokenMark`. */
  readonly jti: string | null;
  readonly issued: number | null;
  /** The `jti` of the token with which a browser was signed in; absent: the call has a token of its own. */
  readonly of?: string | undefined;
  /** What the token says of its owner as the author of commits (`name`, `email`). Absent: nothing. */
  readonly author?: NamedAuthor;
  /** When the token expires, epoch milliseconds. */
  readonly expires: number;
}
