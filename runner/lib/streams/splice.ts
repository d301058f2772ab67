import http2, { type Http2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { readToTheEnd } from './read-to-the-end.ts';

/**
 * Makes one connection of a unix socket and a stream: each is read no faster than the other takes it. The end of one
 * direction is passed on by itself. When one end is gone, what it had said still arrives at the other.
 *
 * @param socket made with `allowHalfOpen`
 */
export function splice(socket: Socket, stream: Http2Stream): void {
  /** Nobody reads what the stream brings any more, and nothing more is to come from the socket. */
  const socketGone = (): void => {
    stream.end();
    // A stream that is not read to its end never closes.
    stream.resume();
    // With any other code, the other end would lose what it has not read yet.
    onceFinished(stream, () => stream.close(http2.constants.NGHTTP2_NO_ERROR));
  };
  // The other process may be dead, and what it wrote not read yet: reading finds the end.
  let isDead = false;
  readToTheEnd(socket, () => {
    isDead = true;
    if (socket.readableEnded) socket.destroy();
  });
  socket.once('end', () => {
    if (isDead) socket.destroy();
  });
  // `close` follows an error, on either side. An end that is dead and was not read to the end by it breaks reading, too.
  socket.on('error', () => {});
  stream.on('error', () => {});
  socket.pipe(stream);
  stream.pipe(socket);
  socket.once('close', socketGone);
  stream.once('close', () => {
    // What ended was passed on by `pipe`; what was cut short goes down with the connection.
    if (stream.readableEnded) onceFinished(socket, () => socket.destroy());
    else socket.destroy();
  });
  if (socket.destroyed) socketGone();
  if (stream.destroyed) socket.destroy();
}

function onceFinished(writable: Writable, act: () => void): void {
  if (writable.writableFinished || writable.destroyed) act();
  else writable.once('finish', act);
}
