import { HOP_BY_HOP } from '../../egress/proxy/hop-by-hop.ts';
import type { Credential } from '../credential.ts';
import { maskText } from '../../lib/mask.ts';

/** `name, value, name, value, …`, as Node gives and takes them. */
type RawHeaders = readonly string[];

/** A header's name as servers see it that hand headers on as variables: to them `X_Api_Key` is `X-Api-Key`. */
const sameName = (name: string): string => name.toLowerCase().replaceAll('_', '-');

function* pairs(raw: RawHeaders): Generator<[string, string]> {
  for (let index = 0; index + 1 < raw.length; index += 2) yield [raw[index] ?? '', raw[index + 1] ?? ''];
}

function ofThisConnection(raw: RawHeaders): Set<string> {
  const names = new Set(HOP_BY_HOP);
  for (const [name, value] of pairs(raw))
    if (name.toLowerCase() === 'connection') for (const one of value.split(',')) names.add(one.trim().toLowerCase());
  return names;
}

/**
 * A container's request as it goes on over TLS: its own Host and credential headers replaced, and nothing compressed asked
 * for, so that an answer can be searched for the secret.
 */
export function interceptedRequest(
  raw: RawHeaders,
  { method, authority, credentials }: { method: string; authority: string; credentials: readonly Credential[] },
): string[] {
  const dropped = ofThisConnection(raw);
  const replaced = new Set(['host', 'accept-encoding', ...credentials.map(({ header }) => sameName(header))]);
  const headers = ['Host', authority];
  let framed = false;
  for (const [name, value] of pairs(raw)) {
    const lower = name.toLowerCase();
    // How long the body is, is not for a Connection header to unsay.
    if (lower === 'content-length') {
      headers.push(name, value);
      framed = true;
    } else if (lower === 'transfer-encoding') {
      headers.push('Transfer-Encoding', 'chunked');
      framed = true;
    } else if (!dropped.has(lower) && !replaced.has(sameName(name))) {
      headers.push(name, value);
    }
  }
  // Else Node makes it chunked, which not every server takes.
  if (!framed && ['POST', 'PUT', 'PATCH'].includes(method)) headers.push('Content-Length', '0');
  headers.push('Accept-Encoding', 'identity');
  for (const { header, value } of credentials) headers.push(header, value);
  return headers;
}

/** A plain HTTP request's headers with the credentials put in; all else is the proxy's affair. */
export function withCredentials(raw: RawHeaders, credentials: readonly Credential[]): string[] {
  const replaced = new Set(credentials.map(({ header }) => sameName(header)));
  const headers: string[] = [];
  for (const [name, value] of pairs(raw)) if (!replaced.has(sameName(name))) headers.push(name, value);
  for (const { header, value } of credentials) headers.push(header, value);
  return headers;
}

/** A server's answer as it goes back, with what shows the secret masked. */
export function interceptedResponse(raw: RawHeaders, telltales: readonly string[]): string[] {
  const dropped = ofThisConnection(raw);
  const headers: string[] = [];
  for (const [name, value] of pairs(raw))
    if (!dropped.has(name.toLowerCase())) headers.push(name, maskText(value, telltales));
  return headers;
}
