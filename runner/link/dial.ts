import type http from 'node:http';
import type https from 'node:https';
import { WebSocket } from 'ws';
import * as z from 'zod';
import { MAX_FRAME_BYTES } from '../../protocol/settings/limits.ts';

/** How a connection to the edge ended, or why it was never made. */
export type DialEnd =
  | { kind: 'closed'; code: number; reason: string }
  /** The edge itself answered the handshake with an error (problem+json). */
  | { kind: 'refused'; status: number; code: string; detail: string }
  /** Nothing answered, or something between here and the edge did. */
  | { kind: 'unreachable'; detail: string };

export interface DialHandlers {
  open(): void;
  message(text: string): void;
  /** If absent, a binary message ends the connection. */
  binary?(data: Buffer): void;
  /** Called exactly once, after all others. */
  end(how: DialEnd): void;
}

/** Make the connections to the edge, such as through a proxy: to `http` and to `https` addresses. */
export interface EdgeAgents {
  http: http.Agent;
  https: https.Agent;
}

const HANDSHAKE_MS = 10_000;

const problem = z.object({ detail: z.string().optional(), title: z.string().optional(), code: z.string().optional() });

/**
 * Opens a WebSocket to the edge.
 *
 * @param url http(s) or ws(s)
 * @param agents absent: it is dialled directly
 */
export function dial(url: string, token: string, handlers: DialHandlers, agents?: EdgeAgents): WebSocket {
  const socket = new WebSocket(url, {
    headers: { authorization: `Bearer ${token}` },
    perMessageDeflate: false,
    maxPayload: MAX_FRAME_BYTES,
    handshakeTimeout: HANDSHAKE_MS,
    // A redirect would send the token to another server.
    followRedirects: false,
    ...(agents && { agent: /^(https|wss):/i.test(url) ? agents.https : agents.http }),
  });
  let over = false;
  let failure: string | undefined;
  const end = (how: DialEnd): void => {
    if (over) return;
    over = true;
    handlers.end(how);
  };
  socket.on('open', () => handlers.open());
  socket.on('message', (data: Buffer, isBinary) => {
    if (over) return;
    if (!isBinary) handlers.message(data.toString('utf8'));
    else if (handlers.binary !== undefined) handlers.binary(data);
    else socket.close(1003, 'text frames only');
  });
  socket.on('unexpected-response', (_request, response) => {
    const status = response.statusCode ?? 0;
    const isProblem = (response.headers['content-type'] ?? '').startsWith('application/problem+json');
    let body = '';
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => {
      if (body.length < 8192) body += chunk;
    });
    response.on('close', () => {
      if (isProblem) end({ kind: 'refused', status, ...describe(body) });
      else end({ kind: 'unreachable', detail: `HTTP ${status} instead of a WebSocket` });
      socket.terminate();
    });
  });
  socket.on('error', (error) => {
    failure = error.message || ('code' in error ? String(error.code) : 'connection failed');
  });
  socket.on('close', (code, reason) => {
    // 1006: no close frame came, so the earlier error says more.
    if (code === 1006) end({ kind: 'unreachable', detail: failure ?? 'the connection broke' });
    else end({ kind: 'closed', code, reason: reason.toString('utf8') });
  });
  return socket;
}

function describe(body: string): { code: string; detail: string } {
  try {
    const { detail, title, code = '' } = problem.safeParse(JSON.parse(body)).data ?? {};
    return { code, detail: detail ?? title ?? code };
  } catch {
    return { code: '', detail: '' };
  }
}
