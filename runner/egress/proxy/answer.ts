import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { formatTarget } from '../policy/target.ts';

/** An answer of the proxy's own. */
export interface Answer {
  status: number;
  /** One or more lines, the first of which says it all. */
  text: string;
}

/** Time for a client to read an answer that ends its connection, milliseconds. */
const LINGER_MS = 1_000;
/** What it may still send meanwhile, bytes. */
const LINGER_BYTES = 1024 * 1024;

/** In its turn, on a connection that goes on. */
export function answerRequest(response: ServerResponse, answer: Answer): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(answer.status, phrase(answer), headers(answer));
  response.end(answer.text);
}

/** On a connection that ends with it. */
export function answerSocket(socket: Duplex, answer: Answer): void {
  if (!socket.writable) return;
  const lines = Object.entries({ ...headers(answer), connection: 'close' }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  const late = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(late));
  socket.end(`HTTP/1.1 ${answer.status} ${phrase(answer)}\r\n${lines.join('')}\r\n${answer.text}`);
  // Unread input would turn the close into a reset, and the answer might be lost with it. But not without end.
  let taken = 0;
  socket.on('data', (chunk: Buffer) => {
    taken += chunk.length;
    if (taken > LINGER_BYTES) socket.destroy();
  });
}

function headers({ text }: Answer): Record<string, string> {
  return {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': String(Buffer.byteLength(text)),
    server: 'cc-docker',
  };
}

/** Of a refused CONNECT most tools (pip, apt, go) show the status line and nothing else. */
function phrase({ status, text }: Answer): string {
  const [line = ''] = text.split('\n');
  const plain = line.replace(/[^\x20-\x7e]/g, '').slice(0, 300);
  return plain === '' ? (STATUS_CODES[status] ?? 'Unknown') : plain;
}

type Where = Parameters<typeof formatTarget>[0];

export const NO_SERVER: Answer = {
  status: 400,
  text: 'cc-docker: this is the proxy of this session, not a server. Send CONNECT host:port or GET http://host/path, or set HTTPS_PROXY and HTTP_PROXY.\n',
};
export const HTTP_ONLY: Answer = {
  status: 400,
  text: 'cc-docker: only http:// URLs are fetched by this proxy. For anything else use CONNECT host:port.\n',
};
export const FAILED: Answer = { status: 500, text: 'cc-docker: the proxy failed; the log of the runner says why.\n' };
export const NO_FRAME: Answer = {
  status: 411,
  text: 'cc-docker: a body with this method needs a Content-Length.\n',
};

/** @param exchanges the limit */
export function busy(exchanges: number): Answer {
  return {
    status: 503,
    text: `cc-docker: this session has ${exchanges} connections open, which is the limit. Close some and try again.\n`,
  };
}

export function unreachable(target: Where, why: string): Answer {
  const where = formatTarget(target);
  return { status: 502, text: `cc-docker: ${where} is allowed, but it cannot be reached: ${why}.\n` };
}

export function noAnswer(target: Where, why: string): Answer {
  return { status: 502, text: `cc-docker: ${formatTarget(target)} is allowed, but it gave no answer: ${why}.\n` };
}
