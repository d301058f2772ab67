import * as z from 'zod';
import { epoch, userName, uuid } from './ids.ts';
import { poolName } from './settings/pools-setting.ts';

/** How far the clocks of who signs a token and who checks it may differ, seconds. */
export const LEEWAY_SECONDS = 30;

/** The kinds of tokens, by the `typ` of their header. A plain `JWT`, as any library makes it, is a user's. */
export const TokenType = {
  user: 'JWT',
  session: 'session+jwt',
  runner: 'runner+jwt',
  'runner-code': 'runner-code+jwt',
  'login-code': 'login-code+jwt',
  ticket: 'ticket+jwt',
  answer: 'answer+jwt',
  browser: 'browser+jwt',
  'oidc-begun': 'oidc-begun+jwt',
  service: 'service+jwt',
} as const;

/** What a user's token may do. Each route and each WebSocket verb declares the one that it needs. */
export const SCOPES = [
  'sessions:read',
  'sessions:write',
  'files:read',
  'files:write',
  'interactions:answer',
  'environments:write',
  'admin',
] as const;
export type Scope = (typeof SCOPES)[number];

const isScope = (word: string): word is Scope => (SCOPES as readonly string[]).includes(word);

/** What a token without `scope` may do: all that its owner may. `admin` has to be named. */
export const UNLIMITED: readonly Scope[] = SCOPES.filter((scope) => scope !== 'admin');

/** The words of a `scope` (RFC 6749, 3.3): those that are ours, and the others. */
export function wordsOfScope(text: string): { readonly scopes: Scope[]; readonly unknown: string[] } {
  const words = text.split(/\s+/).filter((word) => word !== '');
  return { scopes: SCOPES.filter((scope) => words.includes(scope)), unknown: words.filter((word) => !isScope(word)) };
}

/**
 * `sub` is the owner of everything that is created with the token. `sid` binds it to one session and those below it:
 * nothing else is there for it.
 */
export const userClaims = z.object({
  sub: userName,
  exp: z.number(),
  iat: z.number().optional(),
  /** Tells the token from others of its owner, so that it can be revoked alone. */
  jti: z.string().min(1).max(256).optional(),
  scope: z.string().optional(),
  sid: uuid.transform((id) => id.toLowerCase()).optional(),
});
/** `sub` is the session. The token is valid for one epoch, and for as long as that. */
export const sessionClaims = z.object({ sub: uuid, epoch });
/** `sub` is the session, which knows what else there is to know of the ticket. */
export const ticketClaims = z.object({ sub: uuid, exp: z.number() });
/** `sub` is the session, and `iid` what it asks: who has the token may answer that, until `exp`. */
export const answerClaims = z.object({ sub: uuid, iid: uuid, iat: z.number(), exp: z.number() });
/**
 * The session of a browser in which somebody is signed in. `iat` is that of what they signed in with, so that a revocation of all of `sub`'s
 * tokens before a time takes both; so is `of`, its `jti`. `jti` is the session's own, which ends when they sign out.
 */
export const browserClaims = userClaims.extend({
  jti: z.string().min(1).max(256),
  of: z.string().min(1).max(256).optional(),
  /** The SHA-256 of the key of the page that it is for, in base64url. */
  key: z.string().length(43),
  name: z.string().optional(),
  email: z.string().optional(),
});
/** `sub` is the runner's name: the same name means the same runner, with the same files. It has signed the token itself. */
export const runnerClaims = z.object({ sub: z.string().regex(/^[A-Za-z0-9._-]{1,64}$/), exp: z.number() });
/** A code with which a runner of that name enrols its key, once, in that pool. `jti` tells it from others. */
export const runnerCodeClaims = runnerClaims.extend({
  jti: z.string().min(1).max(128),
  /** Absent: the default one. */
  pool: poolName.optional(),
});
/**
 * A code that is exchanged for a token of `sub`, once. `scope` is that of the token; `name` and `email` say who the commits of
 * its sessions are by.
 */
export const loginCodeClaims = z.object({
  sub: userName,
  exp: z.number(),
  iat: z.number(),
  jti: z.string().min(1).max(128),
  scope: z.string().optional(),
  name: z.string().optional(),
  email: z.string().optional(),
});
/**
 * `sub` is the name of an edge elsewhere, which may call the objects for any owner (`REMOTE_EDGES`). A revocation knows it by
 * its `jti`.
 */
export const serviceClaims = runnerClaims.extend({ jti: z.string().min(1).max(256), iat: z.number() });
