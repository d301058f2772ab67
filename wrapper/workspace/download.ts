import { createConnection, type Socket } from 'node:net';

/** Bytes of one read: a connection's memory, besides what waits in the kernel. */
const BUFFER_BYTES = 128 * 1024;

/**
 * Dials a unix socket and copies what comes from it to `client`, through one buffer. A stream would allocate a buffer for
 * each read, which makes downloads half as fast. It reads only as fast as the client takes. The caller copies the other
 * direction.
 */
export function dialForDownload(path: string, client: Socket): Socket {
  const buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  const proxy = createConnection({
    path,
    allowHalfOpen: true,
    onread: {
      buffer,
      callback: (length) => {
        if (client.destroyed) return true;
        let waiting = false;
        client.write(buffer.subarray(0, length), () => {
          if (waiting) proxy.resume();
        });
        // When the kernel took everything at once, the buffer is free again.
        waiting = client.writableLength > 0;
        return !waiting;
      },
    },
  });
  proxy.once('end', () => client.end());
  return proxy;
}
