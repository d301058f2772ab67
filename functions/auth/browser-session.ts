import { SignJWT } from 'jose';
import type { Caller } from '../../durable/rpc/caller.ts';
import type { Refusal } from '../../protocol/api/problem.ts';
import type { EdgeSettings } from '../../protocol/settings/edge-settings.ts';
import { authorOfClaims } from '../../protocol/git/git-author.ts';
import { signingKey } from '../../protocol/token-keys.ts';
import { browserClaims, LEEWAY_SECONDS, SCOPES, TokenType, wordsOfScope } from '../../protocol/token.ts';
import { knownCaller, rememberCaller } from './known-tokens.ts';
import { claimsOf, OTHER_KIND, signedBySecret } from './token.ts';

/** Who calls with a browser's cookie. `jti` is its session's. */
export type BrowserCaller = Caller & { readonly jti: string };

/** The session of a browser: the value of its cookie, and who calls with that. */
export interface BrowserSession {
  readonly value: string;
  readonly caller: BrowserCaller;
}

/** The session in which a browser acts as `caller`, as long as what they have signed in with is good. */
export async function openBrowserSession(settings: EdgeSettings, caller: Caller, key: string): Promise<BrowserSession> {
  const { owner: sub, scopes, sid, issued, jti: of, expires, author } = caller;
  const jti = crypto.randomUUID();
  const exp = Math.floor(expires / 1000) - LEEWAY_SECONDS;
  const claims = {
    sub,
    jti,
    key,
    scope: scopes.join(' '),
    exp,
    ...(issued !== null && { iat: Math.floor(issued / 1000) }),
    ...(of !== null && { of }),
    ...(sid !== null && { sid }),
    ...(author !== undefined && author.name !== '' && { name: author.name }),
    ...(author !== undefined && author.email !== '' && { email: author.email }),
  };
  const value = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', typ: TokenType.browser })
    .sign(await signingKey(settings, 'browser'));
  return { value, caller: { ...caller, jti, expires: endOf(exp), ...(of !== null && { of }) } };
}

/** When a session is over, epoch milliseconds. */
const endOf = (exp: number) => (exp + LEEWAY_SECONDS) * 1000;

/** Who calls with the cookie of this value, which is checked, or was a short time ago. @param key the hash of the calling page's */
export async function verifyBrowser(
  value: string,
  key: string,
  settings: EdgeSettings,
): Promise<{ readonly caller: BrowserCaller } | Refusal> {
  // What is remembered of a cookie is remembered of no token: neither does for the other.
  const name = `cookie ${key} ${value}`;
  const at = Date.now();
  const known = knownCaller(settings, name, at);
  if (known !== null && isBrowsers(known)) return { caller: known };
  const signed = await signedBySecret(value, settings, 'browser');
  if ('refused' in signed) return { refused: signed.refused, detail: DETAILS[signed.refused] ?? signed.detail };
  if (signed.typ !== TokenType.browser) return OTHER_KIND;
  const verified = claimsOf(signed, browserClaims);
  if ('refused' in verified) return verified;
  if (verified.claims.key !== key) return OF_OTHER_PAGE;
  const { sub, exp, iat, jti, of, scope, sid, name: called, email } = verified.claims;
  const author = authorOfClaims({ name: called, email });
  const caller = {
    owner: sub,
    scopes: scope === undefined ? [] : SCOPES.filter((one) => wordsOfScope(scope).scopes.includes(one)),
    sid: sid ?? null,
    jti,
    ...(of !== undefined && { of }),
    issued: iat === undefined ? null : iat * 1000,
    expires: endOf(exp),
    ...(author !== undefined && { author }),
  };
  rememberCaller(settings, name, { caller, at, holds: signed.holds });
  return { caller };
}

const isBrowsers = (caller: Caller): caller is BrowserCaller => caller.jti !== null;

const OF_OTHER_PAGE: Refusal = {
  refused: 'token_invalid',
  detail: 'This browser’s cookie was not made for this page. Sign in again.',
};

const DETAILS: Readonly<Partial<Record<Refusal['refused'], string>>> = {
  token_expired: 'The sign-in of this browser has ended. Sign in again.',
  token_invalid: 'This browser’s cookie is not one that this service has made. Sign in again.',
};
