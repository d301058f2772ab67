import { HOP_BY_HOP } from './hop-by-hop.ts';
import type { EgressTarget } from './interceptor.ts';
import { formatTarget } from '../policy/target.ts';

/** `Connection` may not remove these: without them the body has no end, or the request has another meaning. */
const PROTECTED = new Set([
  'content-length',
  'content-type',
  'content-encoding',
  'host',
  'authorization',
  'cookie',
  'range',
]);

/**
 * The headers with which a plain HTTP request is forwarded: without hop-by-hop headers, and with `Host` from the URL
 * (RFC 9112, 3.2.2), because the policy has judged the URL.
 *
 * @param rawHeaders name, value, name, value …
 */
export function forwardedHeaders(rawHeaders: readonly string[], target: EgressTarget): string[] {
  const pairs: [string, string][] = [];
  const connectionTokens = new Set<string>();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = rawHeaders.slice(index, index + 2);
    pairs.push([name, value]);
    if (name.toLowerCase() !== 'connection') continue;
    for (const token of value.toLowerCase().split(',')) connectionTokens.add(token.trim());
  }
  const host = formatTarget(target);
  const headers = ['Host', target.port === 80 ? host.slice(0, -':80'.length) : host];
  for (const [name, value] of pairs) {
    const lower = name.toLowerCase();
    if (lower === 'host' || HOP_BY_HOP.has(lower) || (connectionTokens.has(lower) && !PROTECTED.has(lower))) continue;
    headers.push(name, value);
  }
  return headers;
}

/**
 * An answer's headers on their way back: hop-by-hop ones gone, and those that are no valid ones, which would be refused on the way out.
 *
 * @param rawHeaders name, value, name, value …
 */
export function answeredHeaders(rawHeaders: readonly string[]): string[] {
  const headers: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const [name = '', value = ''] = rawHeaders.slice(index, index + 2);
    const valid = /^[\w!#$%&'*+.^`|~-]+$/.test(name) && /^[\t\x20-\x7e\x80-\xff]*$/.test(value);
    if (valid && !HOP_BY_HOP.has(name.toLowerCase())) headers.push(name, value);
  }
  return headers;
}
