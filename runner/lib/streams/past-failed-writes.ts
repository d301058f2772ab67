import type { Socket } from 'node:net';

/**
 * Node destroys a socket when a write fails, and loses the bytes that were not read yet. When an acknowledgement is written
 * to a wrapper that was just killed, its last frames are still to be read. So a failed write counts as done here, and
 * reading finds the end of the connection.
 */
export function readPastFailedWrites(socket: Socket, onFailure: () => void = () => {}): void {
  const write = socket._write.bind(socket);
  const writev = socket._writev?.bind(socket);
  const past = (done: () => void) => (error?: Error | null) => {
    if (error) onFailure();
    done();
  };
  socket._write = (chunk, encoding, done) => write(chunk, encoding, past(done));
  if (writev !== undefined) socket._writev = (chunks, done) => writev(chunks, past(done));
}
