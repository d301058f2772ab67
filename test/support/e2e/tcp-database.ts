import { createServer, type Socket } from 'node:net';
import { close, listen } from '../net/listen.ts';

export interface TcpDatabase {
  readonly port: number;
  /** Queries that came. */
  readonly queries: string[];
  close(): Promise<void>;
}

/** PostgreSQL's protocol 3.0, as far as one client's simple queries go: every query has the one row `42`. */
export async function startTcpDatabase(address: string): Promise<TcpDatabase> {
  const queries: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // A client that is gone wants no answer.
    socket.on('error', () => socket.destroy());
    let waiting = Buffer.alloc(0);
    let started = false;
    socket.on('data', (chunk) => {
      waiting = Buffer.concat([waiting, chunk]);
      for (;;) {
        // The first message alone has no type byte.
        const header = started ? 1 : 0;
        const length = waiting.length < header + 4 ? Infinity : waiting.readInt32BE(header);
        if (waiting.length < header + length) return;
        const type = started ? String.fromCharCode(waiting[0] ?? 0) : 'startup';
        const body = waiting.subarray(header + 4, header + length);
        waiting = waiting.subarray(header + length);
        started = true;
        if (type === 'startup') socket.write(Buffer.concat([message('R', int32(0)), message('Z', 'I')]));
        if (type === 'X') socket.end();
        if (type !== 'Q') continue;
        queries.push(body.toString('utf8', 0, body.length - 1));
        socket.write(answer());
      }
    });
  });
  return {
    port: await listen(server, address),
    queries,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await close(server);
    },
  };
}

function answer(): Buffer {
  const column = Buffer.concat([text('answer'), int32(0), int16(0), int32(25), int16(-1), int32(-1), int16(0)]);
  return Buffer.concat([
    message('T', Buffer.concat([int16(1), column])),
    message('D', Buffer.concat([int16(1), int32(2), Buffer.from('42')])),
    message('C', text('SELECT 1')),
    message('Z', 'I'),
  ]);
}

function message(type: string, body: Buffer | string): Buffer {
  const bytes = Buffer.from(body);
  return Buffer.concat([Buffer.from(type), int32(bytes.length + 4), bytes]);
}
const text = (value: string): Buffer => Buffer.from(`${value}\0`);
const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const int16 = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
};
