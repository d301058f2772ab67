import type { Objects } from '../durable/rpc/edge-env.ts';
import type { EdgeSettings } from '../protocol/settings/edge-settings.ts';
import type { Scope } from '../protocol/token.ts';

/** What every handler can reach: the objects by their bindings, and the settings. */
export interface AppEnv {
  Bindings: Objects;
  Variables: { settings: EdgeSettings };
}

/** Who calls, by their token. */
export interface Caller {
  /** `sub` of the token. */
  readonly owner: string;
  readonly scopes: readonly Scope[];
  /** The session that the token is bound to: only it and those below it are there for this caller. Null: all of the owner's. */
  readonly sid: string | null;
  /** When the token expires, epoch milliseconds. */
  readonly expires: number;
}

/**
 * What a handler can reach beyond that when its route declares a scope (`secured`). A route that declares none has no
 * caller, so its handler does not compile.
 */
export interface CallerEnv extends AppEnv {
  Variables: AppEnv['Variables'] & { caller: Caller };
}
