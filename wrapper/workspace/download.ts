import { createConnection, type Socket } from 'node:net';

/** Read at once, bytes: what one connection holds in memory beside what waits in the kernel. */
const BUFFER_BYTES = 128 * 1024;

/**
 * Dials a unix socket and carries all that comes from it to `client` through one buffer: as a stream each read would allocate its
 * own, which makes downloads half as fast. A client that does not take them holds the reading back. The other way is the caller's.
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
        let waits = false;
        client.write(buffer.subarray(0, length), () => {
          if (waits) proxy.resume();
        });
        // What the kernel took at once is nobody's any more.
        waits = client.writableLength > 0;
        return !waits;
      },
    },
  });
  proxy.once('end', () => client.end());
  return proxy;
}
