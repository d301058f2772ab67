import { chmod, open, rm, type FileHandle } from 'node:fs/promises';
import { once } from 'node:events';
import type { Server } from 'node:net';
import { basename, dirname } from 'node:path';

/** `sun_path` of Linux without its terminating zero, bytes. */
const MAX_SOCKET_PATH = 107;

/**
 * Listens on a unix socket. Any user id may connect, because the container's is not the runner's; the folder around the
 * socket keeps others out. A socket file that a killed process left is replaced.
 *
 * The path may be longer than the kernel allows: then the socket is reached through the open folder in `/proc/self/fd`.
 *
 * @returns a function that stops listening and removes the file; the caller closes open connections itself
 */
export async function listenOnUnixSocket(server: Server, path: string): Promise<() => Promise<void>> {
  await rm(path, { force: true });
  const folder = Buffer.byteLength(path) > MAX_SOCKET_PATH ? await open(dirname(path), 'r') : undefined;
  try {
    server.listen(folder === undefined ? path : `/proc/self/fd/${folder.fd}/${basename(path)}`);
    await once(server, 'listening');
    await chmod(path, 0o666);
  } catch (error) {
    await folder?.close();
    throw error;
  }
  return () => stopListening(server, path, folder);
}

async function stopListening(server: Server, path: string, folder: FileHandle | undefined): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  await closed;
  await rm(path, { force: true });
  await folder?.close();
}
