import type { Context, MiddlewareHandler } from 'hono';
import type { Caller } from '../../durable/rpc/caller.ts';
import { lowDisk } from '../../durable/rpc/edge-disk.ts';
import { sessionStub } from '../../durable/rpc/edge-env.ts';
import type { Refusal } from '../../protocol/api/problem.ts';
import type { Scope } from '../../protocol/token.ts';
import type { AppEnv, CallerEnv, WorkerEnv } from '../app-env.ts';
import { knownOverFailedTokens, overFailedTokens, overOwnerLimit } from '../gate/limits.ts';
import { ifRevoked } from '../gate/revocations.ts';
import { withJsonBody } from '../web/json-body.ts';
import { outsideOfToken } from '../objects.ts';
import { refuse } from '../refuse.ts';
import { cookiesOf, ifForeign, isOfConsole, keyHashOf } from './browser-cookie.ts';
import { verifyBrowser, type BrowserCaller } from './browser-session.ts';
import { verifyTicket } from './token.ts';
import { verifyUser } from './user-token.ts';

/** Admits callers with a user's token, whatever its scope. Only for `/mcp`, whose tools call the API with that token. */
export const withCaller: MiddlewareHandler<CallerEnv> = async (c, next) => (await admit(c, [], false)) ?? next();

/** The calls for which the session of a browser counts: not `/mcp` and `/metrics`, which are for programs. */
const IS_API = /^\/api\/v1\//;

/**
 * What a route reaches, for a token that is bound to one session. `session`: the session of its path, which has to be
 * that one or one below it. `listed`: the handler shows those alone. `owner`: more than that, so such a token may not.
 */
export type Reach = 'session' | 'listed' | 'owner';

/** Scopes with which a call makes nothing that takes room. */
type Calm = Exclude<Scope, `${string}:write`>;
/**
 * What a route declares: its scopes, and with one that writes, whether it is `new work`, which is refused while the disk is
 * nearly full, or `goes on` then: to stop, delete, answer or change something.
 */
export type Declared = readonly [Calm, ...Calm[]] | readonly ['new work' | 'goes on', Scope, ...Scope[]];

/** What a route declares of those who may call it. */
export interface Secured {
  readonly security: ({ bearer: Scope[] } | { ticket: never[] })[];
  readonly reach: Reach;
  readonly middleware: MiddlewareHandler<CallerEnv>;
}

/**
 * Declares the scopes that a route needs, nearly always one. OpenAPI shows them, and only a token that has them gets as
 * far as the handler. The handler has its caller from here: without this, it does not compile.
 */
export function secured(...declared: Declared): Secured {
  return securedFor('session', ...declared);
}

/** As `secured`, for a route that is not of the one session in its path. */
export function securedFor(reach: Reach, ...declared: Declared): Secured {
  return declareWords({ reach, takesTicket: false }, declared);
}

/**
 * As `secured`, for what a browser opens without headers of its own, a WebSocket or a download: a ticket of the session
 * (`POST …/tickets`) stands in for the token.
 */
export function securedOrTicket(...declared: Declared): Secured {
  return declareWords({ reach: 'session', takesTicket: true }, declared);
}

function declareWords(declaration: Omit<Declaration, 'isNewWork'>, declared: Declared): Secured {
  const words: readonly (Scope | 'new work' | 'goes on')[] = declared;
  const scopes = words.filter((word): word is Scope => word !== 'new work' && word !== 'goes on');
  return declare({ ...declaration, isNewWork: words[0] === 'new work' }, scopes);
}

interface Declaration {
  readonly reach: Reach;
  readonly takesTicket: boolean;
  readonly isNewWork: boolean;
}

function declare({ reach, takesTicket, isNewWork }: Declaration, scopes: Scope[]): Secured {
  return {
    security: [{ bearer: scopes }, ...(takesTicket ? [{ ticket: [] }] : [])],
    reach,
    // The body is read last: a stranger cannot make us read one.
    middleware: async (c, next) =>
      (await admit(c, scopes, takesTicket)) ??
      (await reached(c, reach)) ??
      (isNewWork ? await withRoom(c) : null) ??
      withJsonBody(c, next),
  };
}

/** Refuses new work while the disk is nearly full. */
async function withRoom(c: Context<CallerEnv>): Promise<Response | null> {
  const low = await lowDisk(c.env);
  return low === null ? null : refuse(c, low);
}

/** Sets the caller; or refuses. */
async function admit(c: Context<CallerEnv>, scopes: readonly Scope[], takesTicket: boolean): Promise<Response | null> {
  const verified = await callerOf(c, takesTicket);
  if ('refused' in verified) {
    // No token was tried.
    return verified.refused === 'origin_refused' ? refuse(c, verified) : refuseToken(c, verified);
  }
  const { caller } = verified;
  const revoked = await ifRevoked(c, caller);
  if (revoked !== null) return refuseToken(c, revoked);
  c.set('caller', caller);
  c.set('owner', caller.owner);
  const over = await overOwnerLimit(c);
  if (over !== null) return refuse(c, over);
  const missing = scopes.find((scope) => !caller.scopes.includes(scope));
  return missing === undefined ? null : refuse(c, scopeMissing(missing));
}

/** Who calls: by their token; else by a ticket, where that is taken; else as the one who is signed in to the browser. */
async function callerOf(c: Context<CallerEnv>, takesTicket: boolean): Promise<{ readonly caller: Caller } | Refusal> {
  const authorization = c.req.header('authorization');
  if (authorization !== undefined) return await verifyUser(authorization, c.get('settings'));
  const ticket = takesTicket ? c.req.query('ticket') : undefined;
  if (ticket !== undefined) return await holderOf(c, ticket);
  if (isOfConsole(c) && IS_API.test(c.req.path)) return await signedIn(c);
  return await verifyUser(undefined, c.get('settings'));
}

/** Who is signed in to the browser of a call that the console has made. */
export async function signedIn(
  c: Pick<Context<AppEnv>, 'req' | 'get'>,
): Promise<{ readonly caller: BrowserCaller } | Refusal> {
  const foreign = ifForeign(c);
  if (foreign !== null) return foreign;
  const key = await keyHashOf(c);
  let refusal = NOBODY;
  for (const cookie of cookiesOf(c)) {
    const verified = await verifyBrowser(cookie, key, c.get('settings'));
    if ('caller' in verified) return verified;
    refusal = verified;
  }
  return refusal;
}

/** The caller whose ticket this is. It is used up. */
async function holderOf(c: Context<CallerEnv>, ticket: string): Promise<{ readonly caller: Caller } | Refusal> {
  const over = knownOverFailedTokens(c);
  if (over !== null) return over;
  const verified = await verifyTicket(ticket, c.get('settings'));
  const id = c.req.param('session_id')?.toLowerCase();
  if ('refused' in verified || verified.claims.sub !== id) return TICKET_INVALID;
  const caller = await sessionStub(c.env, id).takeTicket(ticket);
  return caller === null ? TICKET_INVALID : { caller };
}

/** Refuses what a token that is bound to one session does not reach. */
async function reached(c: Context<CallerEnv>, reach: Reach): Promise<Response | null> {
  if (c.get('caller').sid === null || reach === 'listed') return null;
  if (reach === 'owner' || c.req.param('session_id') === undefined) return refuse(c, TOKEN_BOUND);
  const outside = await outsideOfToken(c);
  return outside === null ? null : refuse(c, outside);
}

/** The answer to a call whose token is refused, or cannot be checked. */
export async function refuseToken(c: Context<AppEnv> | Context<CallerEnv> | Context<WorkerEnv>, refusal: Refusal) {
  if (refusal.refused === 'keys_unavailable') return refuse(c, refusal, { 'retry-after': '5' });
  const over = await overFailedTokens(c);
  return over === null ? refuse(c, refusal, { 'www-authenticate': 'Bearer' }) : refuse(c, over);
}

const NOBODY: Refusal = { refused: 'token_missing', detail: 'Nobody is signed in to this browser.' };

const TICKET_INVALID: Refusal = {
  refused: 'ticket_invalid',
  detail: 'The ticket is not of this session, was used, or has expired. `POST …/tickets` makes another.',
};

const TOKEN_BOUND: Refusal = {
  refused: 'token_bound',
  detail: 'The token is for one session and those below it (`sid`), and this call is about more than that.',
};

const scopeMissing = (scope: Scope): Refusal => ({
  refused: 'scope_missing',
  detail: `The call needs a token with the scope \`${scope}\`.`,
});
