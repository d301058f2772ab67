import type { PorterArrival } from '../../protocol/link/porter.ts';
import type { PlacementKey } from '../../protocol/link/runner-control.ts';
import { placementName } from '../lib/placement-name.ts';
import { Semaphore } from '../lib/semaphore.ts';
import type { SessionFolders } from '../lib/session-folders.ts';
import type { SocketAliases } from '../link/socket-alias.ts';
import type { Admitted, PorterConnection } from './porter-connection.ts';
import { PorterFiles } from './porter-files.ts';
import {
  hashOfKey,
  isKeyOf,
  readPorterRecord,
  removePorterRecord,
  writePorterRecord,
  type PorterRecord,
} from './porter-record.ts';

/** What a porter said when it came. */
export interface PorterReport {
  /** Its IP address. */
  address: string;
  /** CC-Docker's version. */
  version: string;
}

interface Guest {
  key: PlacementKey;
  folders: SessionFolders;
  /** The run folder, by a path that is short enough for sockets; and the porter that has come before. */
  ready: Promise<{ run: { path: string; release(): Promise<void> } }>;
  /** The porter that has come. */
  record: PorterRecord | undefined;
  /** Where it comes from; undefined: the first who comes is the one. */
  address: string | undefined;
  connection: PorterConnection | undefined;
  files: PorterFiles;
  /** Resolved when it has come. */
  arrival: PromiseWithResolvers<PorterReport>;
  /** Arrivals are judged one after the other. */
  judging: Semaphore;
}

type Verdict = Admitted | 'unknown' | 'used' | 'address';

/** The porters that may come, each to its own session. */
export class Guests {
  readonly #aliases: SocketAliases;
  readonly #guests = new Map<string, Guest>();

  constructor(aliases: SocketAliases) {
    this.#aliases = aliases;
  }

  /** Expects a porter, which may have come to an earlier runner process. @throws when its record cannot be read */
  async add(key: PlacementKey, folders: SessionFolders): Promise<void> {
    const name = placementName(key);
    const guest: Guest = this.#guests.get(name) ?? newGuest(key, folders, () => this.#prepare(guest));
    this.#guests.set(name, guest);
    try {
      await guest.ready;
    } catch (error) {
      if (this.#guests.get(name) === guest) this.#guests.delete(name);
      throw error;
    }
  }

  async remove(key: PlacementKey): Promise<void> {
    const guest = this.#guests.get(placementName(key));
    if (guest === undefined) return;
    this.#guests.delete(placementName(key));
    guest.connection?.close();
    guest.arrival.reject(new Error('the porter is not expected any more'));
    // Whoever is being judged has been.
    await guest.judging.run(async () => {});
    await removePorterRecord(guest.folders);
    await (await guest.ready).run.release();
  }

  /** @returns false: a porter from another address has come */
  bind(key: PlacementKey, address: string): boolean {
    const guest = this.#guests.get(placementName(key));
    if (guest === undefined) throw new Error('this porter is not expected');
    guest.address = address;
    const isOther = guest.record !== undefined && guest.record.address !== address;
    if (isOther) guest.connection?.close();
    return !isOther;
  }

  async arrived(key: PlacementKey, signal: AbortSignal): Promise<PorterReport> {
    const guest = this.#guests.get(placementName(key));
    if (guest === undefined) throw new Error('this porter is not expected');
    signal.throwIfAborted();
    const { promise, reject } = Promise.withResolvers<never>();
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([guest.arrival.promise, promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** A porter that has shown its token is at the door. One that comes again takes the place of its connection before. */
  async admit(
    key: PlacementKey,
    arrival: PorterArrival,
    address: string,
    connection: PorterConnection,
  ): Promise<Verdict> {
    const guest = this.#guests.get(placementName(key));
    if (guest === undefined) return 'unknown';
    const verdict = await guest.judging.run(() => this.#judge(guest, arrival, address));
    if (typeof verdict === 'string') return verdict;
    if (this.#guests.get(placementName(key)) !== guest) return 'unknown';
    guest.connection?.close();
    guest.connection = connection;
    guest.arrival.resolve({ address, version: arrival.version });
    return verdict;
  }

  /** The porter is connected. */
  isHere(key: PlacementKey): boolean {
    return this.#guests.get(placementName(key))?.connection !== undefined;
  }

  /** Has the porter save its session's files. @throws when it cannot, or is not here */
  async saveFiles(key: PlacementKey, signal: AbortSignal): Promise<void> {
    const connection = this.#guests.get(placementName(key))?.connection;
    if (connection === undefined) throw new Error('the porter is not here');
    await connection.saveFiles(signal);
  }

  /** The files of a session whose porter is expected, or here; undefined: none is. */
  files(sessionId: string): PorterFiles | undefined {
    const guests = [...this.#guests.values()].filter(({ key }) => key.session_id === sessionId);
    return guests.toSorted((a, b) => b.key.epoch - a.key.epoch)[0]?.files;
  }

  /** A connection has ended. */
  gone(connection: PorterConnection): void {
    for (const guest of this.#guests.values()) if (guest.connection === connection) guest.connection = undefined;
  }

  /** Ends what is there, and leaves the records to the next runner process. */
  async close(): Promise<void> {
    const guests = [...this.#guests.values()];
    this.#guests.clear();
    for (const { connection } of guests) connection?.close();
    await Promise.all(guests.map(async ({ ready }) => (await ready).run.release()));
  }

  async #prepare(guest: Guest): Guest['ready'] {
    guest.record = await readPorterRecord(guest.folders, guest.key.epoch);
    return { run: await this.#aliases.for(guest.folders.run) };
  }

  async #judge(guest: Guest, { session_key }: PorterArrival, address: string): Promise<Verdict> {
    const { run } = await guest.ready;
    const { record } = guest;
    if (record !== undefined && !isKeyOf(record, session_key)) return 'used';
    if (address !== (guest.address ?? record?.address ?? address)) return 'address';
    if (record === undefined) {
      const made = { epoch: guest.key.epoch, key_hash: hashOfKey(session_key), address };
      // First on the disk: a runner that died after its answer must know the porter again.
      await writePorterRecord(guest.folders, made);
      guest.record = made;
    }
    return { run: run.path, root: guest.folders.root, files: guest.files };
  }
}

function newGuest(key: PlacementKey, folders: SessionFolders, prepare: () => Guest['ready']): Guest {
  const arrival = Promise.withResolvers<PorterReport>();
  // Nobody need be waiting when it is given up.
  arrival.promise.catch(() => undefined);
  const none = { record: undefined, address: undefined, connection: undefined };
  const ready = Promise.resolve().then(prepare);
  return { key, folders, ...none, files: new PorterFiles(), ready, arrival, judging: new Semaphore(1) };
}
