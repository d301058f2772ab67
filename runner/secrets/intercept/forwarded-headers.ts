import { HOP_BY_HOP } from '../../egress/proxy/hop-by-hop.ts';
import type { Credential } from '../credential.ts';
import { maskText } from '../../lib/mask.ts';

/** `name, value, name, value, …`, as Node gives and takes them. */
type RawHeaders = readonly string[];

/** Servers that pass headers on as variables treat `X_Api_Key` and `X-Api-Key` as the same name. */
const normalizedName = (name: string): string => name.toLowerCase().replaceAll('_', '-');

function* pairs(raw: RawHeaders): Generator<[string, string]> {
  for (let index = 0; index + 1 < raw.length; index += 2) yield [raw[index] ?? '', raw[index + 1] ?? ''];
}

/** Names of headers that apply to this connection only. */
function connectionHeaders(raw: RawHeaders): Set<string> {
  const names = new Set(HOP_BY_HOP);
  for (const [name, value] of pairs(raw))
    if (name.toLowerCase() === 'connection') for (const one of value.split(',')) names.add(one.trim().toLowerCase());
  return names;
}

/**
 * The headers with which a container's request is forwarded over TLS. `Host` and the credential headers are replaced. An
 * uncompressed response is asked for, so that secrets in it can be masked.
 */
export function interceptedRequest(
  raw: RawHeaders,
  request: { method: string; path: string; authority: string; credentials: readonly Credential[] },
): string[] {
  const { method, path, authority, credentials } = request;
  const dropped = connectionHeaders(raw);
  const replaced = new Set(['host', 'accept-encoding', ...replacedBy(credentials)]);
  const headers = ['Host', authority];
  let framed = false;
  for (const [name, value] of pairs(raw)) {
    const lower = name.toLowerCase();
    // A `Connection` header must not remove the body's length.
    if (lower === 'content-length') {
      headers.push(name, value);
      framed = true;
    } else if (lower === 'transfer-encoding') {
      headers.push('Transfer-Encoding', 'chunked');
      framed = true;
    } else if (!dropped.has(lower) && !replaced.has(normalizedName(name))) {
      headers.push(name, value);
    }
  }
  // Otherwise Node would use chunked encoding, which some servers refuse.
  if (!framed && ['POST', 'PUT', 'PATCH'].includes(method)) headers.push('Content-Length', '0');
  headers.push('Accept-Encoding', 'identity');
  for (const { header, value } of credentials) headers.push(header, value(path));
  return headers;
}

/** The names of headers that are the runner's to send, or nobody's. */
function replacedBy(credentials: readonly Credential[]): string[] {
  return credentials.flatMap(({ header, drops }) => [header, ...drops]).map(normalizedName);
}

/** A plain HTTP request's headers with the credentials. The proxy does everything else. */
export function withCredentials(raw: RawHeaders, credentials: readonly Credential[]): string[] {
  const replaced = new Set(replacedBy(credentials));
  const headers: string[] = [];
  for (const [name, value] of pairs(raw)) if (!replaced.has(normalizedName(name))) headers.push(name, value);
  // A forge's secret, whose form depends on the path, is never sent without TLS.
  for (const { header, value } of credentials) headers.push(header, value('/'));
  return headers;
}

/** The headers of a server's response, with secrets masked. */
export function interceptedResponse(raw: RawHeaders, secretForms: readonly string[]): string[] {
  const dropped = connectionHeaders(raw);
  const headers: string[] = [];
  for (const [name, value] of pairs(raw))
    if (!dropped.has(name.toLowerCase())) headers.push(name, maskText(value, secretForms));
  return headers;
}
