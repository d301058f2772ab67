import type { Context } from 'hono';
import type { Caller } from '../../durable/rpc/caller.ts';
import type { TokenMark } from '../../durable/rpc/gate-rpc.ts';
import { gateStub } from '../../durable/rpc/edge-env.ts';
import type { Refusal } from '../../protocol/api/problem.ts';
import type { AppEnv, CallerEnv } from '../app-env.ts';
import type { BrowserCaller } from '../auth/browser-session.ts';
import { addressOf } from './address.ts';
import { Recent } from '../recent.ts';
import { sharedState } from './shared-state.ts';

/** How long an isolate believes that a token is not revoked, milliseconds. */
const BELIEVED_MS = 2000;
/** Tokens that are remembered here. Beyond that, those that were checked first go. */
const MAX_TOKENS = 10_000;

/** When each token was last found to be good, epoch milliseconds. */
const checked = new Recent<number>(MAX_TOKENS);
/** Streams that the gate knows of, by session and token. */
const noted = new Recent<true>(MAX_TOKENS);

/** What revocations know a caller's token by. */
export const markOf = ({ jti, owner: sub, issued, of }: Caller): TokenMark => ({ jti, sub, issued, of });
const keyOf = (mark: TokenMark) => JSON.stringify(mark);

const REVOKED: Refusal = {
  refused: 'token_revoked',
  detail: 'The token has been revoked. Ask whoever gave it to you for another.',
};

/** Refuses a caller whose token is revoked. */
export function ifRevoked(c: Pick<Context<AppEnv>, 'env' | 'get'>, caller: Caller): Promise<Refusal | null> {
  return ifTokenRevoked(c, markOf(caller));
}

/** Refuses a token that is revoked, whoever has it. */
export async function ifTokenRevoked(
  c: Pick<Context<AppEnv>, 'env' | 'get'>,
  mark: TokenMark,
): Promise<Refusal | null> {
  const key = keyOf(mark);
  const now = Date.now();
  if (now < (checked.get(key) ?? -Infinity) + BELIEVED_MS) return null;
  if (await sharedState(c.env, c.get('settings')).revocations.isRevoked(mark)) {
    checked.delete(key);
    return REVOKED;
  }
  checked.set(key, now);
  return null;
}

/** Ends what the caller signs out of, and what that has open. This isolate knows at once, the others within seconds. */
export async function endCaller(c: Pick<Context<AppEnv>, 'env' | 'get'>, caller: BrowserCaller): Promise<void> {
  const what = { jti: caller.jti, until: caller.expires };
  await sharedState(c.env, c.get('settings')).revocations.revoke(what);
  checked.delete(keyOf(markOf(caller)));
  await gateStub(c.env).endStreams(what);
}

/** The gate knows of a stream that the caller is about to open, of a session or a feed (`feedOf`), so that it ends when the token is revoked. */
export async function noteStream(
  c: Pick<Context<CallerEnv>, 'env' | 'get'>,
  sessionId: string,
): Promise<Refusal | null> {
  const caller = c.get('caller');
  const key = `${sessionId} ${keyOf(markOf(caller))}`;
  if (noted.get(key)) return null;
  const refused = await noteUntil(c, sessionId, caller.expires);
  noted.set(key, true);
  return refused;
}

/** As `noteStream`, of what the caller has set up, which may outlive the token. @param until epoch milliseconds */
export async function noteUntil(
  c: Pick<Context<CallerEnv>, 'env' | 'get'>,
  sessionId: string,
  until: number,
): Promise<Refusal | null> {
  const caller = c.get('caller');
  await gateStub(c.env).opened({ session_id: sessionId, ...markOf(caller), until });
  // It may have been revoked since it was checked, when the gate did not know of this.
  checked.delete(keyOf(markOf(caller)));
  return await ifRevoked(c, caller);
}

/** What an object is told of the token that opens a stream, which ends when that expires or is revoked. */
export function tokenOf(c: Context<CallerEnv>) {
  const { jti, issued, of, expires } = c.get('caller');
  return { token: JSON.stringify({ jti, issued, of, expires, address: addressOf(c) }) };
}
