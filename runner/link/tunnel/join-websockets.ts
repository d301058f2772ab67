import type { WebSocket } from 'ws';
import { MAX_SOCKET_MESSAGE } from '../../../protocol/link/tunnel/frames.ts';

/** Bytes that one end has not taken yet. Above this the other end is not read. */
const MAX_WAITING = 1024 * 1024;
const TOO_LARGE = 1009;
const FAILED = 1011;

/**
 * Passes messages and close codes between two WebSockets that are open, each of which is read as fast as the other takes it.
 *
 * @param over both have ended
 */
export function joinWebSockets(server: WebSocket, client: WebSocket, over: () => void): void {
  let open = 2;
  for (const [from, to] of [
    [server, client],
    [client, server],
  ] as const) {
    from.on('message', (data: Buffer, isBinary) => {
      if (data.length > MAX_SOCKET_MESSAGE) {
        for (const end of [from, to]) end.close(TOO_LARGE, 'a message is too large');
        return;
      }
      to.send(data, { binary: isBinary }, () => {
        if (from.isPaused && to.bufferedAmount < MAX_WAITING / 2) from.resume();
      });
      if (to.bufferedAmount > MAX_WAITING) from.pause();
    });
    // `close` follows.
    from.on('error', () => {});
    from.once('close', (code, reason) => {
      if (to.isPaused) to.resume();
      // 1005: without a code. 1006: without a close frame, which a server does not learn of in any other way either.
      if (code === 1005) to.close();
      else if (code !== 1006) to.close(code, reason);
      else if (to === server) to.terminate();
      else to.close(FAILED, 'the server broke off');
      open -= 1;
      if (open === 0) over();
    });
  }
}
