import type net from 'node:net';
import { once } from 'node:events';
import tls from 'node:tls';
import { callbackify } from 'node:util';
import { DOOR_NAME, type PorterArrival } from '../../protocol/link/porter.ts';
import type { PlacementKey } from '../../protocol/link/runner-control.ts';
import type { LiveFiles } from '../files/live-files.ts';
import type { Log } from '../lib/log.ts';
import { runnerMetrics } from '../lib/metrics.ts';
import type { SessionFolders } from '../lib/session-folders.ts';
import type { SocketAliases } from '../link/socket-alias.ts';
import { openCertificateAuthority, type CertificateAuthority } from '../secrets/certificate-authority.ts';
import { DOOR_BOUNDS, type DoorBounds } from './door-bounds.ts';
import { DoorSecret } from './door-secret.ts';
import { Guests, type PorterReport } from './guests.ts';
import { PorterConnection } from './porter-connection.ts';
import { UnknownCallers } from './unknown-callers.ts';

const REFUSALS = 'cc_docker_runner_porter_refusals_total';

export interface PorterDoorOptions {
  /** The door's own folder, for its authority and its secret. */
  folder: string;
  /** The address to listen on; port 0: one of the kernel's choice. */
  listen: { host: string; port: number };
  /** `host:port` that porters dial, where that is another one. */
  address?: string;
  aliases: SocketAliases;
  log: Log;
  bounds?: Partial<DoorBounds>;
}

/** Who has a connection to the door. */
interface Caller {
  address: string;
  close: () => void;
  /** It is known now who it is, or it is gone. */
  settle: () => void;
}

/** Why a connection was closed unanswered. */
type Refusal = 'too_many' | 'late' | 'broken' | 'unknown' | 'used' | 'address';

/**
 * The runner's one address for sessions on machines that are not its own. Beside each of them a porter dials it over TLS, and
 * reaches the sockets of its own session, and nothing else.
 */
export class PorterDoor {
  /** `host:port` that porters dial. */
  readonly address: string;
  /** The authority that porters trust, PEM. */
  readonly ca: string;
  readonly #options: PorterDoorOptions;
  readonly #secret: DoorSecret;
  readonly #guests: Guests;
  readonly #bounds: DoorBounds;
  readonly #unknown: UnknownCallers;
  readonly #server: tls.Server;
  /** All connections, by their names. */
  readonly #callers = new Map<string, Caller>();

  private constructor(options: PorterDoorOptions, server: tls.Server, secret: DoorSecret, ca: string) {
    this.#options = options;
    this.#bounds = { ...DOOR_BOUNDS, ...options.bounds };
    this.#unknown = new UnknownCallers(this.#bounds);
    this.#secret = secret;
    this.#server = server;
    this.#guests = new Guests(options.aliases);
    this.ca = ca;
    this.address = options.address ?? `${options.listen.host}:${portOf(server)}`;
    server.on('connection', (socket) => this.#onConnection(socket));
    server.on('secureConnection', (socket) => this.#onSecure(socket));
    // A caller that speaks no TLS. It is closed already.
    server.on('tlsClientError', () => runnerMetrics.count(REFUSALS, { why: 'broken' }));
  }

  /** Listens. @throws when it cannot, or when a file of its folder is damaged */
  static async open(options: PorterDoorOptions): Promise<PorterDoor> {
    const secret = DoorSecret.open(options.folder);
    const opened = await openCertificateAuthority(options.folder, 'porter-ca.pem');
    if (!opened.ok) throw new Error(opened.problem);
    const { authority } = opened;
    const server = tls.createServer({
      minVersion: 'TLSv1.3',
      ALPNProtocols: ['h2'],
      SNICallback: callbackify((name: string) => certify(authority, name)),
    });
    server.listen(options.listen.port, options.listen.host);
    await once(server, 'listening');
    return new PorterDoor(options, server, secret, authority.certificate);
  }

  /**
   * From now on the porter of this key may come: with the token once, and again if it had come before. The token of a key is
   * always the same.
   *
   * @throws when the record of a porter that has come before cannot be read
   */
  async expect(key: PlacementKey, folders: SessionFolders): Promise<{ token: string }> {
    await this.#guests.add(key, folders);
    return { token: this.#secret.tokenOf(key) };
  }

  /** The key's porter comes from this IP address. @returns false: another one has come already, and is out now */
  bind(key: PlacementKey, address: string): boolean {
    return this.#guests.bind(key, plainAddress(address));
  }

  /** Resolves when the porter of the key, which is expected, has come. @throws the signal's reason */
  async arrived(key: PlacementKey, signal: AbortSignal): Promise<PorterReport> {
    return await this.#guests.arrived(key, signal);
  }

  /** The porter of the key is connected. */
  isHere(key: PlacementKey): boolean {
    return this.#guests.isHere(key);
  }

  /** Has the porter of the key save its session's files, into the session's folder. @throws when it cannot, or is not here */
  async saveFiles(key: PlacementKey, signal: AbortSignal): Promise<void> {
    await this.#guests.saveFiles(key, signal);
  }

  /**
   * The files of a session from when its porter is expected until it is forgotten. While no porter is connected, all that is asked
   * of them is refused: what this machine has is older. Undefined: no porter has them.
   */
  files(sessionId: string): LiveFiles | undefined {
    return this.#guests.files(sessionId);
  }

  /** Ends all connections of the key. Its token is void. */
  async forget(key: PlacementKey): Promise<void> {
    await this.#guests.remove(key);
  }

  /** Ends all connections, and listens no more. The porters that have come know no difference to a runner that died. */
  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const { close } of this.#callers.values()) close();
    await Promise.all([closed, this.#guests.close()]);
  }

  /** Somebody has connected, and has said nothing yet. */
  #onConnection(raw: net.Socket): void {
    const address = plainAddress(raw.remoteAddress ?? '');
    // Of a connection that breaks, `close` follows.
    raw.on('error', () => {});
    const known = this.#unknown.admit(address);
    const name = connectionName(raw);
    const late = setTimeout(() => this.#refuse(caller, 'late'), this.#bounds.arrivalMs);
    const caller: Caller = {
      address,
      close: () => raw.destroy(),
      settle: () => {
        clearTimeout(late);
        known?.();
      },
    };
    if (known === undefined) return this.#refuse(caller, 'too_many');
    this.#callers.set(name, caller);
    raw.once('close', () => {
      this.#callers.delete(name);
      caller.settle();
    });
  }

  /** And has agreed on a key with the door. */
  #onSecure(socket: tls.TLSSocket): void {
    // Of a connection that breaks, `close` follows.
    socket.on('error', () => {});
    const caller = this.#callers.get(connectionName(socket));
    if (caller === undefined) return void socket.destroy();
    if (socket.alpnProtocol !== 'h2') return this.#refuse(caller, 'broken');
    socket.setNoDelay(true);
    const connection: PorterConnection = new PorterConnection({
      socket,
      streams: this.#bounds.streams,
      onRefused: () => runnerMetrics.count(REFUSALS, { why: 'too_many_streams' }),
      admit: async (arrival) => {
        const admitted = await this.#admit(arrival, caller.address, connection);
        if (typeof admitted === 'string') return this.#refuse(caller, admitted);
        caller.settle();
        return admitted;
      },
      onClose: () => this.#guests.gone(connection),
    });
    // From the top: HTTP/2 writes to what is below it until it is closed itself.
    caller.close = () => connection.close();
  }

  async #admit(arrival: PorterArrival, address: string, connection: PorterConnection) {
    const key = this.#secret.keyOf(arrival.token);
    return key === undefined ? 'unknown' : await this.#guests.admit(key, arrival, address, connection);
  }

  /** Closes a connection. Whoever it is learns nothing: all refusals look alike from outside. */
  #refuse(caller: Caller, why: Refusal): undefined {
    runnerMetrics.count(REFUSALS, { why });
    this.#options.log.warn('porter refused', { address: caller.address, why });
    caller.settle();
    caller.close();
  }
}

/** There is one name, whatever the caller was told of the address. */
async function certify(authority: CertificateAuthority, name: string): Promise<tls.SecureContext> {
  if (name !== DOOR_NAME) throw new Error('another name');
  return await authority.leaf(DOOR_NAME);
}

/** Of two ends at most one connection is open. */
function connectionName({ remoteAddress, remotePort, localAddress }: net.Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`;
}

function portOf(server: net.Server): number {
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('a TCP server has a port');
  return bound.port;
}

/** An IPv4 address that a socket for both kinds writes as IPv6, as it is written elsewhere. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/, '');
}
