import { HIDDEN_IN_LINE } from '../text/hidden.ts';

/** What a link leads to, as it is said. */
export type Address =
  | { readonly kind: 'web'; readonly href: string; readonly host: string }
  | { readonly kind: 'mail'; readonly href: string; readonly host: string }
  /** A path beside something, such as `src/a.ts`: whoever shows it knows of what. */
  | { readonly kind: 'path'; readonly path: string }
  /** Anything else: it is shown as text. */
  | { readonly kind: 'none' };

/** More than browsers send. */
const MAX_ADDRESS = 4000;

/**
 * What an address of an agent leads to. Only `http:`, `https:` and `mailto:` lead anywhere, and only if they are written as they are
 * meant: a browser would also take `java\nscript:`, ` javascript:` and `https:evil`, so nothing with a hidden character, a backslash or
 * a space at its ends is an address at all.
 */
export function addressOf(href: string): Address {
  if (href.length > MAX_ADDRESS || href.search(HIDDEN_IN_LINE) !== -1) return { kind: 'none' };
  if (/^https?:\/\/[^/\\]/i.test(href)) return web(href);
  if (/^mailto:[^/\\?]*@[^/\\?]*(\?|$)/i.test(href)) return mail(href);
  return isPath(href) ? { kind: 'path', path: href } : { kind: 'none' };
}

function web(href: string): Address {
  const url = parsed(href);
  if (url === null || !/^https?:$/.test(url.protocol) || url.hostname === '') return { kind: 'none' };
  return { kind: 'web', href: url.href, host: url.host };
}

function mail(href: string): Address {
  const url = parsed(href);
  if (url?.protocol !== 'mailto:') return { kind: 'none' };
  return { kind: 'mail', href: url.href, host: url.pathname };
}

function parsed(href: string): URL | null {
  return URL.canParse(href) ? new URL(href) : null;
}

/** A path has no scheme, names no host, and is no place on this page. */
function isPath(href: string): boolean {
  return href !== '' && !/^[^/?#]*:/.test(href) && !/^[\\/]{2}|^[?#]|\\|^\s|\s$/.test(href);
}

/** A word that reads as an address or a host, in any script: with a dot between letters, `://`, or an `@`. */
const LOOKS_LIKE_ONE = /:\/\/|@|[\p{L}\p{N}][.\u3002\uff0e\uff61\u2024\u00b7\u05f4][\p{L}]{2,}/u;

/**
 * Whether the host has to be said beside a link's text: the text reads as an address and is not plainly this one, or the address
 * hides its host (behind a user's name, or in letters of other scripts, which `xn--` says).
 */
export function saysItsHost(text: string, address: Extract<Address, { kind: 'web' | 'mail' }>): boolean {
  if (address.kind === 'web' && hidesHost(address)) return true;
  const shown = text.trim();
  if (isItself(shown, address)) return false;
  return LOOKS_LIKE_ONE.test(shown.normalize('NFKC').replaceAll(HIDDEN_IN_LINE, ''));
}

function hidesHost({ href, host }: { readonly href: string; readonly host: string }): boolean {
  const url = new URL(href);
  return url.username !== '' || url.password !== '' || /(^|\.)xn--/.test(host);
}

/** Whether the text is the address, or the beginning of it with the whole host. */
function isItself(text: string, { kind, href, host }: Extract<Address, { kind: 'web' | 'mail' }>): boolean {
  const said = text.replace(/^(https?:\/\/|mailto:)/i, '').toLowerCase();
  const real = kind === 'mail' ? host.toLowerCase() : href.replace(/^https?:\/\//i, '').toLowerCase();
  if (!/^[\x21-\x7e]+$/.test(said)) return false;
  return real === said || real === `${said}/` || (said.startsWith(`${host.toLowerCase()}/`) && real.startsWith(said));
}
