import { connect, type OnReadOpts, type Socket } from 'node:net';
import type { UpstreamProxy } from './proxies.ts';

/** The proxy could not be reached, or does not let a connection through. The message is for people, and holds no credential. */
export class UpstreamProxyError extends Error {
  readonly code = 'UPSTREAM_PROXY';
}

export interface ConnectOptions {
  /** Limit for the proxy's answer, milliseconds. */
  timeoutMs: number;
  signal?: AbortSignal;
  allowHalfOpen?: boolean;
  /** For what the target sends; the proxy's answer is taken off before. */
  onread?: OnReadOpts;
}

/** Largest answer of a proxy to a CONNECT, bytes. */
const ANSWER_BYTES = 16 * 1024;
const HEAD_END = '\r\n\r\n';

/**
 * A connection to a target through a proxy (CONNECT, RFC 9110, 9.3.6). After it is made, an error is the socket's own event; a
 * listener is set, so that it is never thrown.
 *
 * @param authority `host:port` of the target, as the proxy is told it
 * @throws UpstreamProxyError
 */
export function connectThrough(proxy: UpstreamProxy, authority: string, options: ConnectOptions): Promise<Socket> {
  const { allowHalfOpen = false, onread } = options;
  return new Promise((resolve, reject) => {
    let answer = Buffer.alloc(0);
    /** @returns what came behind the proxy's answer; undefined: the answer is not whole, or was no */
    const take = (chunk: Buffer): Buffer | undefined => {
      answer = Buffer.concat([answer, chunk]);
      const end = answer.indexOf(HEAD_END);
      if (end === -1) {
        if (answer.length > ANSWER_BYTES) attempt.fail('answers with too much');
        return undefined;
      }
      const [, status, phrase = ''] =
        /^HTTP\/1\.[01] (\d{3}) ?([^\r\n]*)/.exec(answer.toString('latin1', 0, end)) ?? [];
      if (status?.startsWith('2') !== true) {
        attempt.fail(refusal(proxy, authority, status, phrase));
        return undefined;
      }
      return answer.subarray(end + HEAD_END.length);
    };
    const socket = connect({
      host: proxy.host,
      port: proxy.port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: 60_000,
      allowHalfOpen,
      ...(onread && {
        onread: {
          buffer: onread.buffer,
          callback: (length, buffer) => {
            if (attempt.isOpen) return onread.callback(length, buffer);
            const rest = take(Buffer.from(buffer.subarray(0, length)));
            if (rest === undefined) return true;
            attempt.open();
            // The target spoke first, and its words came with the answer.
            if (rest.length === 0) return true;
            buffer.set(rest);
            return onread.callback(rest.length, buffer);
          },
        },
      }),
    });
    const attempt = new Attempt(socket, proxy, options, { resolve, reject });
    if (onread === undefined) {
      // Not `data`: after that the stream would have to be resumed by whoever gets it.
      const read = (): void => {
        const chunk: Buffer | null = socket.read();
        const rest = chunk === null ? undefined : take(chunk);
        if (rest === undefined) return;
        socket.off('readable', read);
        if (rest.length > 0) socket.unshift(rest);
        attempt.open();
      };
      socket.on('readable', read);
    }
    const ended = (): void => attempt.fail(`ended the connection instead of opening one to ${authority}`);
    socket.on('close', ended).on('end', ended);
    const credentials = proxy.authorization === undefined ? '' : `Proxy-Authorization: ${proxy.authorization}\r\n`;
    socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${credentials}\r\n`);
  });
}

/**
 * A connection to the proxy itself, for requests of `http://` URLs in absolute form (RFC 9112, 3.2.2). Errors as above.
 *
 * @throws UpstreamProxyError
 */
export function connectToProxy(proxy: UpstreamProxy, options: ConnectOptions): Promise<Socket> {
  const { onread } = options;
  return new Promise((resolve, reject) => {
    const socket = connect({ host: proxy.host, port: proxy.port, noDelay: true, ...(onread && { onread }) });
    const attempt = new Attempt(socket, proxy, options, { resolve, reject });
    socket.once('connect', () => attempt.open());
  });
}

/** A connection that is being made. The first of `open` and `fail` counts, and so do its time limit, its signal, an error. */
class Attempt {
  readonly #socket: Socket;
  readonly #proxy: UpstreamProxy;
  readonly #result: { resolve: (socket: Socket) => void; reject: (error: UpstreamProxyError) => void };
  readonly #signal: AbortSignal | undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #abort = (): void => this.fail('is not waited for any more');
  #state: 'waiting' | 'open' | 'failed' = 'waiting';

  constructor(
    socket: Socket,
    proxy: UpstreamProxy,
    { timeoutMs, signal }: ConnectOptions,
    result: { resolve: (socket: Socket) => void; reject: (error: UpstreamProxyError) => void },
  ) {
    this.#socket = socket;
    this.#proxy = proxy;
    this.#result = result;
    this.#signal = signal;
    this.#timer = setTimeout(() => this.fail(`did not answer within ${timeoutMs / 1000} s`), timeoutMs);
    socket.on('error', (error) =>
      this.fail(`cannot be reached: ${'code' in error ? String(error.code) : error.message}`),
    );
    signal?.addEventListener('abort', this.#abort);
    if (signal?.aborted === true) this.#abort();
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  open(): void {
    if (!this.#settle('open')) return;
    this.#result.resolve(this.#socket);
  }

  /** Does nothing once it is open: an error is the socket's own then. */
  fail(why: string): void {
    if (!this.#settle('failed')) return;
    this.#socket.destroy();
    this.#result.reject(new UpstreamProxyError(`the proxy of ${this.#proxy.name} ${why}`));
  }

  #settle(state: 'open' | 'failed'): boolean {
    if (this.#state !== 'waiting') return false;
    this.#state = state;
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#abort);
    return true;
  }
}

function refusal(proxy: UpstreamProxy, authority: string, status: string | undefined, phrase: string): string {
  if (status === undefined) return 'does not speak HTTP';
  if (status !== '407') return `refuses ${authority}: ${status} ${phrase.replace(/[^\x20-\x7e]/g, '').slice(0, 200)}`;
  return proxy.authorization === undefined
    ? 'asks for a user and a password: write them into its URL, http://user:password@host:port'
    : 'does not take the user and password in its URL';
}
