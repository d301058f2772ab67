import https from 'node:https';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { dialTarget } from '../../egress/proxy/dial.ts';
import type { EgressTarget } from '../../egress/proxy/interceptor.ts';

/** The connection to a server failed before a request could be sent on it. */
export class UpstreamFailure extends Error {
  readonly kind: 'unreachable' | 'untrusted';

  /** @param message why, for people */
  constructor(kind: 'unreachable' | 'untrusted', message: string) {
    super(message);
    this.kind = kind;
  }
}

/** Limit for connecting, and again for the TLS handshake, milliseconds. */
const TIMEOUT_MS = 15_000;

/**
 * TLS connections to one target, one at a time. It connects only to the addresses that the policy judged, and only to a
 * server with a certificate for the target's name. It resolves no name.
 */
export class UpstreamAgent extends https.Agent {
  readonly #target: EgressTarget;
  readonly #trust: tls.SecureContext;
  #destroyed = false;

  constructor(target: EgressTarget, trust: tls.SecureContext) {
    super({ keepAlive: true, maxSockets: 1 });
    this.#target = target;
    this.#trust = trust;
  }

  override createConnection(
    _options: https.RequestOptions,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    if (callback !== undefined) void this.#deliver(callback);
  }

  override destroy(): void {
    this.#destroyed = true;
    super.destroy();
  }

  /** Never rejects. */
  async #deliver(callback: (error: Error | null, stream: Duplex) => void): Promise<void> {
    let socket: tls.TLSSocket;
    try {
      socket = await this.#connect();
    } catch (error) {
      // With an error, Node ignores the socket.
      callback(error instanceof Error ? error : new Error(String(error)), new net.Socket());
      return;
    }
    callback(null, socket);
  }

  async #connect(): Promise<tls.TLSSocket> {
    const { host } = this.#target;
    const dialled = await dialTarget(this.#target, { timeoutMs: TIMEOUT_MS });
    if (!dialled.ok) throw new UpstreamFailure('unreachable', dialled.why);
    const socket = await handshake(dialled.socket, host, this.#trust);
    // The client has gone meanwhile.
    if (this.#destroyed) {
      socket.destroy();
      throw new UpstreamFailure('unreachable', 'the client has gone');
    }
    return socket;
  }
}

function handshake(raw: net.Socket, host: string, trust: tls.SecureContext): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({
      socket: raw,
      // The certificate must be for this name.
      host,
      // An address is not a valid server name (RFC 6066, 3).
      servername: net.isIP(host) === 0 ? host : '',
      secureContext: trust,
      rejectUnauthorized: true,
      ALPNProtocols: ['http/1.1'],
    });
    const timer = setTimeout(() => {
      reject(new UpstreamFailure('unreachable', `no TLS handshake within ${TIMEOUT_MS / 1000} s`));
      socket.destroy();
    }, TIMEOUT_MS);
    socket.once('secureConnect', () => {
      clearTimeout(timer);
      socket.off('error', fail);
      socket.off('close', close);
      resolve(socket);
    });
    const fail = (error: Error): void => {
      clearTimeout(timer);
      const code = 'code' in error ? String(error.code) : error.message;
      // Node sets this if the certificate is for another name or from an unknown authority. Its type says Error, but it is a code.
      const untrusted = Boolean(socket.authorizationError);
      reject(new UpstreamFailure(untrusted ? 'untrusted' : 'unreachable', code));
    };
    const close = (): void => fail(new Error('the server closed the connection within the TLS handshake'));
    socket.once('error', fail);
    socket.once('close', close);
  });
}
