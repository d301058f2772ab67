/** What a tool asks of the proxy, as far as the wrapper looks at it. */
export type ProxyRequest =
  | { kind: 'connect'; host: string; port: number }
  | { kind: 'fetch'; host: string; port: number; originForm: Buffer };

/**
 * Reads the head of a request to the proxy.
 *
 * @param head up to and with its empty line
 * @returns undefined: it is neither CONNECT nor a request for an `http://` URL. The runner's proxy says what is wrong with it.
 */
export function parseProxyRequest(head: Buffer): ProxyRequest | undefined {
  const [line = '', ...headers] = head.toString('latin1').split('\r\n');
  const [, method = '', target = '', version = ''] = /^([A-Za-z]+) (\S+) (HTTP\/1\.[01])$/.exec(line) ?? [];
  if (method === 'CONNECT') {
    const place = parseAuthority(target, undefined);
    return place && { kind: 'connect', ...place };
  }
  const [, authority, rest = ''] = /^http:\/\/([^/?#\\]*)([/?][^#]*)?$/i.exec(target) ?? [];
  const place = authority === undefined ? undefined : parseAuthority(authority, 80);
  if (place === undefined) return undefined;
  const asked = `${method} ${rest.startsWith('/') ? rest : `/${rest}`} ${version}`;
  return { kind: 'fetch', ...place, originForm: Buffer.from([asked, ...forServer(headers)].join('\r\n'), 'latin1') };
}

/**
 * The same request for the runner's proxy, which is told to end the connection after its answer: the next request of the tool
 * may be for the container itself.
 */
export function asOnlyRequest(head: Buffer): Buffer {
  const end = head.indexOf('\r\n') + 2;
  return Buffer.concat([head.subarray(0, end), Buffer.from('Connection: close\r\n'), head.subarray(end)]);
}

/** An answer of the wrapper's own, which ends the connection. Of a refused CONNECT most tools show the status line only. */
export function ownAnswer(text: string): string {
  const body = `cc-docker: ${text}\n`;
  const headers = `Content-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n`;
  return `HTTP/1.1 502 cc-docker: ${text}\r\n${headers}\r\n${body}`;
}

/** Without what is meant for the proxy. One request a connection, unless it asks for another protocol (WebSocket). */
function forServer(headers: readonly string[]): string[] {
  const kept = headers.filter((line) => !/^proxy-(connection|authorization)\s*:/i.test(line));
  if (kept.some((line) => /^upgrade\s*:/i.test(line))) return kept;
  return ['Connection: close', ...kept.filter((line) => !/^(connection|keep-alive)\s*:/i.test(line))];
}

function parseAuthority(
  authority: string,
  defaultPort: number | undefined,
): { host: string; port: number } | undefined {
  const [, host, written] = /^(\[[^\]@]*\]|[^:@[\]]+)(?::(\d{1,5}))?$/.exec(authority) ?? [];
  const port = written === undefined ? defaultPort : Number(written);
  if (host === undefined || port === undefined || port < 1 || port > 65_535) return undefined;
  return { host, port };
}
