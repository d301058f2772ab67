import type { Http2Session } from 'node:http2';
import { PORTER_PING_MS } from '../../../protocol/link/porter.ts';

/** Pings the other end. One that does not answer in time calls `onDead`. */
export function keepAlive(session: Http2Session, onDead: () => void): NodeJS.Timeout {
  let isAnswered = true;
  return setInterval(() => {
    if (!isAnswered || session.destroyed) return onDead();
    isAnswered = false;
    session.ping((error) => {
      isAnswered = error === null;
    });
  }, PORTER_PING_MS);
}
