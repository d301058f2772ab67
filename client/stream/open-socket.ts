import { openingMs, sessionPath, within, type StreamSource } from './connection.ts';

/** What is needed of a WebSocket. */
export interface WebSocketLike {
  readonly readyState: number;
  binaryType: string;
  addEventListener(type: string, listener: (event: never) => void): void;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(): void;
}
/** A WebSocket as browsers have it. */
export type WebSocketConstructor = new (...args: never[]) => { send(text: string): void; close(): void };
/** It takes headers in Node.js, Deno and Bun alone. */
type Opens = new (url: string, options?: { headers: Record<string, string> }) => WebSocketLike;

/** Whether the runtime's WebSocket takes headers. Where it does not, as in browsers, the URL has a ticket. */
const takesHeaders = () => /^(Node\.js|Deno|Bun)\b/.test(globalThis.navigator?.userAgent ?? '');

/** Opens a WebSocket of a session. @param path of it, and its query, which has at least one parameter */
export async function openSocket(
  source: Pick<StreamSource, 'http' | 'sessionId' | 'silenceMs'>,
  WebSocket: WebSocketConstructor,
  path: string,
  signal: AbortSignal,
): Promise<WebSocketLike> {
  const { http, sessionId } = source;
  const url = `${http.url.replace(/^http/, 'ws')}${sessionPath(sessionId)}/${path}`;
  if (takesHeaders()) {
    return new (WebSocket as Opens)(url, { headers: { ...(await http.authorization()) } });
  }
  const answer = await within(openingMs(source), signal, (signal) =>
    http.raw(`${sessionPath(sessionId)}/tickets`, { method: 'POST', signal }, { retries: 0, answer: 'json' }),
  );
  const { ticket } = (await answer.json()) as { ticket: string };
  return new (WebSocket as Opens)(`${url}&ticket=${encodeURIComponent(ticket)}`);
}
