import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** A response that the proxy itself makes. */
export interface Answer {
  status: number;
  /** One or more lines. The first one must be enough by itself. */
  text: string;
}

/** Time for a client to read a response that ends its connection, milliseconds. */
const LINGER_MS = 1_000;
/** Bytes that the client may still send in that time. */
const LINGER_BYTES = 1024 * 1024;

/** Answers a request on a connection that stays open. */
export function answerRequest(response: ServerResponse, answer: Answer): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(answer.status, phrase(answer), headers(answer));
  response.end(answer.text);
}

/** Answers on the raw socket and ends the connection. */
export function answerSocket(socket: Socket, answer: Answer): void {
  if (!socket.writable) return;
  const lines = Object.entries({ ...headers(answer), connection: 'close' }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  const late = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(late));
  socket.end(`HTTP/1.1 ${answer.status} ${phrase(answer)}\r\n${lines.join('')}\r\n${answer.text}`);
  // Read what still comes, up to a limit: unread input would turn the close into a reset, which may lose the response.
  let received = 0;
  socket.on('data', (chunk: Buffer) => {
    received += chunk.length;
    if (received > LINGER_BYTES) socket.destroy();
  });
}

function headers({ text }: Answer): Record<string, string> {
  return {
    'content-type': 'text/plain; charset=utf-8',
    'content-length': String(Buffer.byteLength(text)),
    server: 'cc-docker',
  };
}

/** The status line's phrase. For a refused CONNECT, most tools (pip, apt, go) show only the status line. */
function phrase({ status, text }: Answer): string {
  const [line = ''] = text.split('\n');
  const plain = line.replace(/[^\x20-\x7e]/g, '').slice(0, 300);
  return plain === '' ? (STATUS_CODES[status] ?? 'Unknown') : plain;
}
