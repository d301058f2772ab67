import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { z } from 'zod';
import type { Caller } from '../../durable/rpc/caller.ts';
import { gateStub } from '../../durable/rpc/edge-env.ts';
import { browserSession, signInState } from '../../protocol/api/console.ts';
import { LOGIN_TTL_SECONDS } from '../../protocol/api/login.ts';
import type { Refusal } from '../../protocol/api/problem.ts';
import { authorOfClaims } from '../../protocol/git/git-author.ts';
import { LEEWAY_SECONDS, TokenType, UNLIMITED, wordsOfScope } from '../../protocol/token.ts';
import type { AppEnv } from '../app-env.ts';
import { refuseToken, signedIn } from '../auth/authorise.ts';
import { giveCookie, ifForeign, isOfConsole, keyHashOf, takeCookie } from '../auth/browser-cookie.ts';
import { openBrowserSession, type BrowserCaller } from '../auth/browser-session.ts';
import { useLoginCode } from '../auth/login-code.ts';
import { typeOf } from '../auth/token.ts';
import { verifyUser } from '../auth/user-token.ts';
import { json, refusals } from '../contract.ts';
import { addressOf } from '../gate/address.ts';
import { endCaller, ifRevoked } from '../gate/revocations.ts';
import { refuse } from '../refuse.ts';
import { issuerOf } from './oidc/provider.ts';

const show = createRoute({
  method: 'get',
  path: '/console/session',
  operationId: 'showBrowserSession',
  tags: ['Console'],
  summary: 'Who is signed in to this browser, and how one can sign in',
  responses: { 200: json('Who it is', signInState), ...refusals() },
});

const open = createRoute({
  method: 'post',
  path: '/console/session',
  operationId: 'openBrowserSession',
  tags: ['Console'],
  summary:
    'Sign in to this browser with a one-time code or a token: the answer sets the cookie. For the console’s own page',
  security: [{ code: [] }, { bearer: [] }],
  responses: { 201: json('Who is signed in now', browserSession), ...refusals('login_code_used') },
});

const close = createRoute({
  method: 'delete',
  path: '/console/session',
  operationId: 'closeBrowserSession',
  tags: ['Console'],
  summary: 'Sign out of this browser: its cookie is good no more',
  responses: { 204: { description: 'Nobody is signed in' }, ...refusals() },
});

/** The sign-in of the console: a browser's session is a cookie that no script reads (docs/console.md). */
export function addBrowserSession(app: OpenAPIHono<AppEnv>): void {
  app.openapi(show, async (c) => {
    // As for every call, a token says more than a cookie.
    const caller = c.req.header('authorization') === undefined ? await present(c) : await ofToken(c);
    const issuer = issuerOf(c.get('settings'));
    const oidc = issuer === null ? null : { issuer };
    return c.json({ session: caller === null ? null : shown(caller), oidc }, 200);
  });

  app.openapi(open, async (c) => {
    const foreign = ifForeign(c);
    if (foreign !== null) return refuse(c, foreign);
    const isCode = typeOf(c.req.header('authorization')) === TokenType['login-code'];
    const who = isCode ? await holderOfCode(c) : await holderOfToken(c);
    if ('refused' in who) return await refuseToken(c, who);
    return c.json(shown(await signIn(c, who, isCode ? 'code' : 'token', await keyHashOf(c))), 201);
  });

  app.openapi(close, async (c) => {
    const foreign = ifForeign(c);
    if (foreign !== null) return refuse(c, foreign);
    const caller = await present(c);
    if (caller !== null) {
      await endCaller(c, caller);
      await note(c, 'browser.signed_out', caller, {});
    }
    takeCookie(c);
    return c.body(null, 204);
  });
}

/** Who is signed in; null: nobody, and a cookie that says otherwise is taken away. */
async function present(c: Context<AppEnv>): Promise<BrowserCaller | null> {
  if (!isOfConsole(c)) return null;
  const found = await signedIn(c);
  if ('refused' in found) {
    if (found.refused !== 'origin_refused' && found.refused !== 'token_missing') takeCookie(c);
    return null;
  }
  if ((await ifRevoked(c, found.caller)) === null) return found.caller;
  takeCookie(c);
  return null;
}

/** Signs somebody in to the browser. Whoever was before is signed out. @param keyHash of the page whose calls it is for */
export async function signIn(
  c: Context<AppEnv>,
  who: Caller,
  by: 'code' | 'token' | 'oidc',
  keyHash: string,
): Promise<Caller> {
  const before = await present(c);
  const { value, caller } = await openBrowserSession(c.get('settings'), who, keyHash);
  if (before !== null) await endCaller(c, before);
  giveCookie(c, value, caller.expires);
  const { jti, of, scopes, sid } = caller;
  await note(c, 'browser.signed_in', caller, { jti, of, by, scope: scopes.join(' '), sid: sid ?? undefined });
  return caller;
}

async function note(
  c: Context<AppEnv>,
  action: 'browser.signed_in' | 'browser.signed_out',
  { owner, jti }: Caller,
  detail: object,
): Promise<void> {
  const entry = { time: Date.now(), actor: owner, action, target: owner, address: addressOf(c) };
  await gateStub(c.env).record({ ...entry, detail: JSON.stringify({ jti, ...detail }) });
}

async function ofToken(c: Context<AppEnv>): Promise<Caller | null> {
  const holder = await holderOfToken(c);
  return 'refused' in holder ? null : holder;
}

async function holderOfToken(c: Context<AppEnv>): Promise<Caller | Refusal> {
  const verified = await verifyUser(c.req.header('authorization'), c.get('settings'));
  if ('refused' in verified) return verified;
  return (await ifRevoked(c, verified.caller)) ?? verified.caller;
}

/** For as long as a login in a terminal is (`POST /api/v1/login`). */
async function holderOfCode(c: Context<AppEnv>): Promise<Caller | Refusal> {
  const code = await useLoginCode(c);
  if ('refused' in code) return code;
  const { sub: owner, jti, iat, scope, name, email } = code;
  const author = authorOfClaims({ name, email });
  return {
    owner,
    scopes: scope === undefined ? UNLIMITED : wordsOfScope(scope).scopes,
    sid: null,
    jti,
    issued: iat * 1000,
    expires: Date.now() + (LOGIN_TTL_SECONDS + LEEWAY_SECONDS) * 1000,
    ...(author !== undefined && { author }),
  };
}

function shown({ jti, owner, scopes, sid, author, expires }: Caller): z.infer<typeof browserSession> {
  const name = author === undefined || author.name === '' ? null : author.name;
  const expires_at = new Date(expires - LEEWAY_SECONDS * 1000).toISOString();
  return { id: jti, sub: owner, name, scopes: [...scopes], sid, expires_at };
}
