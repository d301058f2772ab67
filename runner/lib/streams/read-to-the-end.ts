import type { Socket } from 'node:net';

/**
 * Has a unix socket read to its end when the process at the other end was killed. Node destroys a socket when a call on it fails, and
 * loses the bytes that were not given out yet. Two calls fail then: a write of an acknowledgement to who is dead (EPIPE), and, when the
 * dead one had not read all that it was sent, the read after its last byte (ECONNRESET). Here, both mean no more than the end of the
 * connection: what was sent comes first, and then `end`.
 *
 * @param onFailure the other end is dead; it may come more than once
 */
export function readToTheEnd(socket: Socket, onFailure: () => void = () => {}): void {
  const write = socket._write.bind(socket);
  const writev = socket._writev?.bind(socket);
  const past = (done: () => void) => (error?: Error | null) => {
    if (error) onFailure();
    done();
  };
  socket._write = (chunk, encoding, done) => write(chunk, encoding, past(done));
  if (writev !== undefined) socket._writev = (chunks, done) => writev(chunks, past(done));

  const destroy = socket.destroy.bind(socket);
  socket.destroy = (error) => {
    if (!isReadReset(error) || socket.destroyed || socket.readableEnded) return destroy(error);
    onFailure();
    socket.push(null);
    return socket;
  };
}

function isReadReset(error: Error | undefined): boolean {
  return (
    error !== undefined &&
    'code' in error &&
    error.code === 'ECONNRESET' &&
    'syscall' in error &&
    error.syscall === 'read'
  );
}
