import http2, { type Http2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { readPastFailedWrites } from './past-failed-writes.ts';

/**
 * Makes one connection of a unix socket and a stream: each is read no faster than the other takes it. The end of one
 * direction is passed on by itself. What one end had said before it broke still arrives.
 *
 * @param socket made with `allowHalfOpen`
 */
export function splice(socket: Socket, stream: Http2Stream): void {
  // Nobody reads any more what the stream brings. What the socket had said is passed on first.
  const cancel = (): void => stream.close(http2.constants.NGHTTP2_CANCEL);
  const onGone = (): void => {
    if (stream.writableFinished) cancel();
    else stream.once('finish', cancel);
  };
  readPastFailedWrites(socket, onGone);
  // `close` follows an error, on either side.
  socket.on('error', () => {});
  stream.on('error', () => {});
  socket.pipe(stream);
  stream.pipe(socket);
  socket.once('close', () => {
    if (!socket.readableEnded) cancel();
  });
  stream.once('close', () => {
    // A stream that was cut short. One that has ended is passed on by `pipe`.
    if (!stream.readableEnded || stream.rstCode !== http2.constants.NGHTTP2_NO_ERROR) socket.destroy();
  });
  if (socket.destroyed) cancel();
  if (stream.destroyed) socket.destroy();
}
