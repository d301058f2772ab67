import net from 'node:net';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import { sessionFolders } from '../../../runner/lib/session-folders.ts';
import { listenOnUnixSocket } from '../../../runner/lib/streams/unix-socket.ts';

/** A session's folders in the runner, with a socket that answers each connection by `serve`. */
export async function sessionWith(
  folder: string,
  sessionId: string,
  service: string,
  serve: (socket: net.Socket) => void,
) {
  const folders = sessionFolders(folder, sessionId);
  mkdirSync(folders.run, { recursive: true });
  const open = new Set<net.Socket>();
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => open.delete(socket));
    serve(socket);
  });
  const stop = await listenOnUnixSocket(server, path.join(folders.run, `${service}.sock`));
  onTestFinished(async () => {
    for (const socket of open) socket.destroy();
    await stop();
  });
  return folders;
}

/** Says all that was heard, after a greeting. */
export const echo = (greeting: string) => (socket: net.Socket) => {
  socket.write(greeting);
  socket.pipe(socket);
};

/** Sends this over a unix socket, and ends. @returns what was said until the connection was closed, or broke */
export async function exchange(socketPath: string, message: Uint8Array | string): Promise<Buffer> {
  const socket = net.connect({ path: socketPath, allowHalfOpen: true });
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', () => {});
  socket.end(message);
  await once(socket, 'close');
  return Buffer.concat(chunks);
}

/** Whether somebody says anything there before the connection is closed. */
export async function answered(socketPath: string): Promise<boolean> {
  return (await saidUntilClosed(net.connect(socketPath))) !== '';
}

/** Resolves when the other end has closed. @returns what it had said */
export async function saidUntilClosed(socket: net.Socket): Promise<string> {
  let said = '';
  socket.on('data', (chunk: Buffer) => (said += chunk.toString('latin1')));
  socket.on('error', () => {});
  await once(socket, 'close');
  return said;
}

export const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
