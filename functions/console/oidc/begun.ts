import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import { SignJWT } from 'jose';
import * as z from 'zod';
import { gateStub } from '../../../durable/rpc/edge-env.ts';
import { signingKey } from '../../../protocol/token-keys.ts';
import { LEEWAY_SECONDS, TokenType } from '../../../protocol/token.ts';
import type { AppEnv } from '../../app-env.ts';
import { reachedAt } from '../../auth/browser-cookie.ts';
import { verifyToken } from '../../auth/token.ts';

/** How long somebody may take at the provider, seconds. */
const BEGUN_SECONDS = 600;

/** A sign-in that has begun: what its answer has to fit. It is in the browser that began it, and nowhere else. */
const begunClaims = z.object({
  jti: z.string(),
  exp: z.number(),
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  /** The hash of the key of the page that began it. */
  key: z.string(),
  /** The page to go to. */
  to: z.string(),
});
export type Begun = Omit<z.infer<typeof begunClaims>, 'jti' | 'exp'>;

const isSecure = (c: Context<AppEnv>) => reachedAt(c).protocol === 'https:';
const nameOf = (c: Context<AppEnv>) => `${isSecure(c) ? '__Host-' : ''}cc-docker-oidc`;

/** `Lax`: the answer is a navigation that the provider's page begins, and the cookie comes with it. */
const attributesOf = (c: Context<AppEnv>) =>
  ({ path: '/', httpOnly: true, sameSite: 'Lax', secure: isSecure(c) }) as const;

/** The browser keeps what its sign-in has begun with. */
export async function keepBegun(c: Context<AppEnv>, begun: Begun): Promise<void> {
  const value = await new SignJWT({ ...begun, jti: crypto.randomUUID() })
    .setProtectedHeader({ alg: 'HS256', typ: TokenType['oidc-begun'] })
    .setExpirationTime(`${BEGUN_SECONDS} s`)
    .sign(await signingKey(c.get('settings'), 'oidc-begun'));
  setCookie(c, nameOf(c), value, { ...attributesOf(c), maxAge: BEGUN_SECONDS });
}

/** What the browser's sign-in has begun with, once: it is used up. Null: it has begun none, long ago, or had its answer. */
export async function takeBegun(c: Context<AppEnv>): Promise<Begun | null> {
  const value = getCookie(c, nameOf(c));
  if (value === undefined) return null;
  deleteCookie(c, nameOf(c), attributesOf(c));
  const verified = await verifyToken(value, c.get('settings'), 'oidc-begun', begunClaims);
  if ('refused' in verified) return null;
  const { jti, exp, ...begun } = verified.claims;
  return (await gateStub(c.env).useCode(`oidc ${jti}`, (exp + LEEWAY_SECONDS) * 1000)) ? begun : null;
}
