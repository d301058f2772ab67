import type { Socket } from 'node:net';

/**
 * Makes one connection of two: each is read no faster than the other takes it. The end of one direction is passed on by itself.
 *
 * @param connection to the runner; when it is cut, so is the server's
 * @param server what the stream leads to. Both are made with `allowHalfOpen`
 * @param broken the server's was cut: what it had said may not be whole
 */
export function joinStream(connection: Socket, server: Socket, broken: () => void): void {
  let hasFailed = false;
  server.on('error', () => (hasFailed = true));
  server.once('close', () => {
    if (hasFailed && !connection.destroyed) broken();
  });
  connection.once('close', () => {
    if (!server.destroyed && !(connection.readableEnded && server.writableEnded && server.readableEnded))
      server.resetAndDestroy();
  });
  connection.pipe(server);
  server.pipe(connection);
  if (connection.destroyed) server.resetAndDestroy();
}
