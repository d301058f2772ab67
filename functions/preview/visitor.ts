import { KEY_PARAMETER } from '../../protocol/preview/host.ts';

/** The cookie that a browser has after its first visit. With `__Host-`, no other host can set it, not even one of the same domain. */
const SECURE_COOKIE = '__Host-cc-docker-preview';
const PLAIN_COOKIE = 'cc-docker-preview';
export const COOKIES: readonly string[] = [SECURE_COOKIE, PLAIN_COOKIE];

/** What a request brings that may open a preview. */
export interface Visitor {
  /** Of its URL; null: it has none. */
  readonly urlKey: string | null;
  /** Of cookies by our name. Empty: it has none, or is a request of another origin, whose cookies do not count. */
  readonly cookieKeys: readonly string[];
  /** Path and query, without the key: what the port sees. */
  readonly target: string;
  /** A browser opens a page, or somebody calls as if it did. */
  readonly navigates: boolean;
}

export function visitorOf({ url, method, headers }: Request): Visitor {
  const { target, key: urlKey } = withoutKey(url.replace(/^https?:\/\/[^/?#]*/i, ''));
  const isRead = method === 'GET' || method === 'HEAD';
  const mode = headers.get('sec-fetch-mode');
  const navigates =
    isRead && (mode === null ? (headers.get('accept')?.includes('text/html') ?? false) : mode === 'navigate');
  const cookieKeys = isOfOwnOrigin(headers, url, navigates) ? keysOf(headers.get('cookie')) : [];
  return { urlKey, cookieKeys, target, navigates };
}

const isKey = (part: string) => part.startsWith(`${KEY_PARAMETER}=`);

/** Takes our parameter out of a path and query, and leaves the rest as it is, byte for byte. */
function withoutKey(given: string): { target: string; key: string | null } {
  const at = given.indexOf('?');
  const path = at === -1 ? given : given.slice(0, at);
  const parts = at === -1 ? [] : given.slice(at + 1).split('&');
  const rest = parts.filter((part) => !isKey(part)).join('&');
  // A query that was empty stays so; one of our key alone goes.
  const query = at === -1 || (rest === '' && parts.some(isKey)) ? '' : `?${rest}`;
  const key = parts.find(isKey)?.slice(KEY_PARAMETER.length + 1) ?? null;
  return { target: `${path.startsWith('/') ? path : `/${path}`}${query}`, key };
}

/**
 * Whether the cookie of a request says what its sender wants: pages of other origins may make a browser send one along
 * (forms, images, sockets). A navigation that only reads comes from anywhere, as with any link.
 */
function isOfOwnOrigin(headers: Headers, url: string, navigates: boolean): boolean {
  const origin = headers.get('origin');
  if (origin !== null && URL.parse(origin)?.host !== new URL(url).host) return false;
  const site = headers.get('sec-fetch-site');
  return site === null || site === 'same-origin' || site === 'none' || navigates;
}

function keysOf(cookie: string | null): string[] {
  return pairsOf(cookie)
    .filter(({ name }) => COOKIES.includes(name))
    .map(({ pair, name }) => pair.slice(name.length + 1));
}

function pairsOf(cookie: string | null): { pair: string; name: string }[] {
  const pairs = (cookie ?? '').split(';').map((pair) => pair.trim());
  return pairs.filter((pair) => pair !== '').map((pair) => ({ pair, name: pair.split('=', 1)[0] ?? '' }));
}

/** What is left of a `Cookie` without ours; null: nothing. */
export function othersCookies(cookie: string | null): string | null {
  const others = pairsOf(cookie).filter(({ name }) => !COOKIES.includes(name.trim()));
  return others.length === 0 ? null : others.map(({ pair }) => pair).join('; ');
}

/**
 * The `Set-Cookie` that lets a browser in later. Where it can be secure, it also works in a frame of another site (a console),
 * and only within that site (`Partitioned`).
 */
export function ownCookie(key: string, isTrustworthy: boolean): string {
  return isTrustworthy
    ? `${SECURE_COOKIE}=${key}; Path=/; HttpOnly; Secure; SameSite=None; Partitioned`
    : `${PLAIN_COOKIE}=${key}; Path=/; HttpOnly; SameSite=Lax`;
}
