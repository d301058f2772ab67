import { STATUS_CODES, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

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
