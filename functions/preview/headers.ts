import { COOKIES, othersCookies } from './visitor.ts';

/** What proxies say of a request. Ours says it anew; the rest would be a visitor's own word. */
const OF_PROXIES = /^(?:forwarded|via|x-forwarded-.*|x-real-ip|cf-.*|true-client-ip|cdn-loop)$/;
/** Ends at this service: the browser's offer is not the container's server's to take. */
const OF_CONNECTION = new Set(['sec-websocket-extensions', 'expect']);

/**
 * A visitor's headers, as the port sees them.
 *
 * @param scheme with its colon, as the visitor reached the service
 */
export function headersForPort(given: Headers, host: string, scheme: string, addressHeader: string): Headers {
  const headers = new Headers();
  for (const [name, value] of given) {
    if (OF_PROXIES.test(name) || OF_CONNECTION.has(name) || name === addressHeader || name === 'cookie') continue;
    headers.append(name, value);
  }
  const cookies = othersCookies(given.get('cookie'));
  if (cookies !== null) headers.set('cookie', cookies);
  headers.set('x-forwarded-host', host);
  headers.set('x-forwarded-proto', scheme.replace(':', ''));
  return headers;
}

/** What of an answer would reach beyond the preview's own host. */
const BEYOND_HOST = new Set([
  'clear-site-data',
  'alt-svc',
  'strict-transport-security',
  'public-key-pins',
  'nel',
  'report-to',
]);

/** The headers of a port's answer, as the visitor sees them: none of its cookies leaves its host or takes the place of ours. */
export function headersForVisitor(given: Headers): Headers {
  const headers = new Headers();
  for (const [name, value] of given) {
    if (!BEYOND_HOST.has(name) && name !== 'set-cookie') headers.append(name, value);
  }
  for (const cookie of given.getSetCookie()) {
    const [pair = '', ...attributes] = cookie.split(';');
    const name = (pair.split('=', 1)[0] ?? '').trim();
    // Browsers compare a prefix such as `__Host-` in any case.
    if (COOKIES.some((own) => own.toLowerCase() === name.toLowerCase())) continue;
    const kept = attributes.filter((attribute) => !/^\s*domain\s*(=|$)/i.test(attribute));
    headers.append('set-cookie', [pair, ...kept].join(';'));
  }
  return headers;
}
