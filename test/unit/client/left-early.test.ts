import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CcDocker, type Session } from '../../../client/main.ts';

const STOP = new Error('enough');

/** It never opens. */
class SilentSocket {
  readonly readyState = 0;
  binaryType = 'blob';
  addEventListener(): void {}
  send(): void {}
  close(): void {}
}

// What would give a connection up that does not open.
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test.each<[string, (session: Session, signal: AbortSignal) => Promise<unknown>]>([
  ['a stream', (session, signal) => session.events({ transport: 'websocket', signal }).next()],
  ['a terminal', (session, signal) => session.terminal({ signal }).exited],
])('%s that is left while its token is asked for ends at once', async (_, open) => {
  const leave = new AbortController();
  const asked = Promise.withResolvers<void>();
  const given = Promise.withResolvers<string>();
  const token = () => (asked.resolve(), given.promise);
  const cc = new CcDocker({ url: 'http://127.0.0.1:9', token, WebSocket: SilentSocket });
  const left = open(cc.session('s'), leave.signal);
  await asked.promise;
  leave.abort(STOP);
  given.resolve('a token');
  await expect(left).rejects.toBe(STOP);
});
