import type { Context } from 'hono';
import { deleteCookie, setCookie } from 'hono/cookie';
import type { CookieOptions } from 'hono/utils/cookie';
import { base64url } from 'jose';
import type { Refusal } from '../../protocol/api/problem.ts';
import type { AppEnv } from '../app-env.ts';
import { originOf, type Origin } from '../web/origin-of.ts';

type C = Pick<Context<AppEnv>, 'req' | 'get'>;

/**
 * A call with it counts as its browser's session, if it has the key of the page that signed in (`client/http/http.ts`). No form, link or
 * image has one, and no page of another origin knows the key.
 */
const HEADER = 'x-cc-docker-console';
const KEY = /^[\w-]{1,128}$/;

/** Browsers keep no cookie for longer (RFC 6265bis, 5.6.2), seconds. */
const LONGEST_SECONDS = 400 * 86_400;

/** Where the browser is: behind a proxy that ends TLS, only `PUBLIC_URL` says so. */
export function reachedAt({ req, get }: C): Origin {
  const { PUBLIC_URL } = get('settings');
  return PUBLIC_URL?.startsWith('https:') === true ? originOf(PUBLIC_URL) : originOf(req.url);
}

const isSecure = (c: C) => reachedAt(c).protocol === 'https:';

/**
 * The cookie's name. With `__Host-`, no other host can set it, not even one of the same domain. Ports of a host share their cookies, so
 * that without its port a second service on a machine would sign people out of the first.
 */
function nameOf(c: C): string {
  const { host, hostname } = reachedAt(c);
  const port = host.slice(hostname.length + 1);
  return `${isSecure(c) ? '__Host-' : ''}cc-docker${port === '' ? '' : `-${port}`}`;
}

const attributesOf = (c: C): CookieOptions => ({ path: '/', httpOnly: true, sameSite: 'Strict', secure: isSecure(c) });

/** Gives the browser its session. @param expires epoch milliseconds */
export function giveCookie(c: Context<AppEnv>, value: string, expires: number): void {
  const maxAge = Math.max(0, Math.min(LONGEST_SECONDS, Math.floor((expires - Date.now()) / 1000)));
  setCookie(c, nameOf(c), value, { ...attributesOf(c), maxAge });
}

/** Takes the browser's session away. */
export function takeCookie(c: Context<AppEnv>): void {
  deleteCookie(c, nameOf(c), attributesOf(c));
}

/** Cookies of one call that are looked at: a page of another host in the same domain, or on another port, may have set some by our name. */
const MOST = 8;

/** The values of the browser's cookies with our name. Which is ours, its key says. */
export function cookiesOf(c: C): string[] {
  const start = `${nameOf(c)}=`;
  const pairs = (c.req.header('cookie') ?? '').split(';').map((pair) => pair.trim());
  const own = pairs.filter((pair) => pair.startsWith(start)).slice(0, MOST);
  return own.map((pair) => pair.slice(start.length));
}

/** Whether the call says that its browser's session counts for it. */
export const isOfConsole = ({ req }: Pick<C, 'req'>): boolean => req.header(HEADER) !== undefined;

/**
 * Refuses a call that no page of this service has made. A browser sends a cookie with calls of any page of the same site, as pages of
 * previews may be. None of those can send the header, which takes a preflight; nor can they hide where they are from.
 */
export function ifForeign(c: C): Refusal | null {
  const origin = c.req.header('origin');
  const site = c.req.header('sec-fetch-site');
  const reads = c.req.method === 'GET' || c.req.method === 'HEAD';
  const isOwn = origin === undefined ? reads : origin === reachedAt(c).origin || isLocal(c, origin);
  return KEY.test(c.req.header(HEADER) ?? '') && isOwn && (site === undefined || site === 'same-origin')
    ? null
    : FOREIGN;
}

/** What the key of the calling page is known by: the cookie is bound to it. */
export const keyHashOf = (c: Pick<C, 'req'>): Promise<string> => hashOf(c.req.header(HEADER) ?? '');

async function hashOf(key: string): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key));
  return base64url.encode(new Uint8Array(hash));
}

/** A page that the machine itself has opened, past the proxy. */
function isLocal({ req }: C, origin: string): boolean {
  const own = originOf(req.url);
  return origin === own.origin && /^(?:localhost|127\.0\.0\.1|\[::1\])$/.test(own.hostname);
}

const FOREIGN: Refusal = {
  refused: 'origin_refused',
  detail: 'Only a page of the console itself may call with the sign-in of a browser.',
};
