import { once } from 'node:events';
import http from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { WebSocket } from 'ws';

export interface Called {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/**
 * Requests a URL at the service itself, whatever its host: names below `localhost` are for browsers to resolve.
 *
 * @param service the URL at which the service listens
 */
export async function call(
  service: string,
  url: string,
  { method = 'GET', headers = {}, body }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Called> {
  const answer = await open(service, url, { method, headers, ...(body !== undefined && { body }) });
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: await text(answer) };
}

/** As `call`, without reading the body. */
export async function open(
  service: string,
  url: string,
  { method = 'GET', headers = {}, body }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<http.IncomingMessage> {
  const { host } = new URL(url);
  const { hostname, port } = new URL(service);
  // As it is written: `URL` would tidy the path.
  const path = url.replace(/^https?:\/\/[^/]+/, '') || '/';
  const request = http.request({ hostname, port, path, method, headers: { host, ...headers } });
  request.end(body);
  const [answer] = (await once(request, 'response')) as [http.IncomingMessage];
  return answer;
}

/** Sends a request as it is written, and reads the answer until the service closes. */
export async function sendRaw(service: string, head: string): Promise<string> {
  const { hostname, port } = new URL(service);
  const socket = connect(Number(port), hostname);
  socket.end(`${head.trim().replaceAll(/\s*\n\s*/g, '\r\n')}\r\nConnection: close\r\n\r\n`);
  return await text(socket);
}

/** Opens a WebSocket as `call` requests. */
export async function openSocket(
  service: string,
  url: string,
  headers: Record<string, string> = {},
): Promise<WebSocket> {
  const { host, pathname, search } = new URL(url);
  const socket = new WebSocket(`${service.replace('http', 'ws')}${pathname}${search}`, ['hot'], {
    headers: { host, ...headers },
  });
  await once(socket, 'open');
  return socket;
}
