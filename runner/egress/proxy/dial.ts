import { connect, isIPv6, type LookupFunction, type OnReadOpts, type Socket } from 'node:net';

import { connectThrough, connectToProxy, UpstreamProxyError } from '../../lib/upstream-proxy/connect-through.ts';
import type { EgressTarget } from './interceptor.ts';

export type Dialled = { ok: true; socket: Socket } | { ok: false; why: string };

interface DialOptions {
  timeoutMs: number;
  signal?: AbortSignal;
  allowHalfOpen?: boolean;
  onread?: OnReadOpts;
}

/** Connects to a target that was admitted: at its judged addresses, or through the proxy that the runner has to use. */
export async function dialTarget(target: EgressTarget, options: DialOptions): Promise<Dialled> {
  const { addresses, port, through } = target;
  if (through === undefined) return await dialPinned(addresses, port, options);
  try {
    const { proxy, authority, absolute } = through;
    const socket = absolute ? await connectToProxy(proxy, options) : await connectThrough(proxy, authority, options);
    return { ok: true, socket };
  } catch (error) {
    if (error instanceof UpstreamProxyError) return { ok: false, why: error.message };
    throw error;
  }
}

/**
 * Connects to the first of these addresses that answers (RFC 8305). It resolves no name, so it connects to nothing else.
 * After the connection is made, an error is the socket's own event; a listener is set, so that it is never thrown.
 *
 * @param options.timeoutMs limit for all addresses together
 * @param options.signal stops dialling; it does not close a connection that was made
 */
function dialPinned(addresses: readonly string[], port: number, options: DialOptions): Promise<Dialled> {
  const pinned = addresses.map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));
  const [first] = pinned;
  if (first === undefined) return Promise.resolve({ ok: false, why: 'there is no address' });
  const lookup: LookupFunction = (_host, { all }, answer) => {
    if (all === true) answer(null, pinned);
    else answer(null, first.address, first.family);
  };
  return new Promise((resolve) => {
    const socket = connect({
      host: 'pinned.invalid',
      port,
      lookup,
      autoSelectFamily: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: 60_000,
      allowHalfOpen: options.allowHalfOpen ?? false,
      ...(options.onread && { onread: options.onread }),
    });
    const settle = (dialled: Dialled): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', abort);
      resolve(dialled);
      if (!dialled.ok) socket.destroy();
    };
    const abort = (): void => settle({ ok: false, why: 'nobody waits for it any more' });
    const timer = setTimeout(
      () => settle({ ok: false, why: `no connection within ${options.timeoutMs / 1000} s` }),
      options.timeoutMs,
    );
    socket.on('error', (error) => settle({ ok: false, why: whyOf(error) }));
    socket.once('connect', () => settle({ ok: true, socket }));
    options.signal?.addEventListener('abort', abort);
    if (options.signal?.aborted === true) abort();
  });
}

function whyOf(error: Error): string {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  const code = first instanceof Error && 'code' in first ? String(first.code) : error.message;
  return `the connection failed: ${code}`;
}
