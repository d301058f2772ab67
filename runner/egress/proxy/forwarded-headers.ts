import { HOP_BY_HOP } from './hop-by-hop.ts';
import type { EgressTarget } from './interceptor.ts';
import { formatTarget } from '../policy/target.ts';

/** What `Connection` may not take away: without them the body has no end, or the request another meaning. */
const KEPT = new Set([
  'content-length',
  'content-type',
  'content-encoding',
  'host',
  'authorization',
  'cookie',
  'range',
]);

/**
 * A plain HTTP request's headers on their way out: hop-by-hop ones gone, and `Host` what the URL says (RFC 9112, 3.2.2), because that is
 * what was judged.
 *
 * @param rawHeaders name, value, name, value …
 */
export function forwardedHeaders(rawHeaders: readonly string[], target: EgressTarget): string[] {
  const pairs: [string, string][] = [];
  const named = new Set<string>();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = rawHeaders.slice(index, index + 2);
    pairs.push([name, value]);
    if (name.toLowerCase() !== 'connection') continue;
    for (const token of value.toLowerCase().split(',')) named.add(token.trim());
  }
  const host = formatTarget(target);
  const headers = ['Host', target.port === 80 ? host.slice(0, -':80'.length) : host];
  for (const [name, value] of pairs) {
    const lower = name.toLowerCase();
    if (lower === 'host' || HOP_BY_HOP.has(lower) || (named.has(lower) && !KEPT.has(lower))) continue;
    headers.push(name, value);
  }
  return headers;
}
