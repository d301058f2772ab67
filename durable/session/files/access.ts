import { WRITES, type FilesRequest, type SessionFiles } from '../../../protocol/api/files/files.ts';
import type { Refusal } from '../../../protocol/api/problem.ts';
import type { Needs, Ordered } from '../../rpc/pool-rpc.ts';
import { areNew, baseOf, localOn, present, waitsForPlace } from '../core/files.ts';
import { workspaceIdOf } from '../core/identity.ts';
import type { Peers } from '../store/peers.ts';
import type { WorkspaceLease } from '../container/workspace-lease.ts';
import { orderArtifact } from './artifacts.ts';
import type { SessionStore } from '../store/store.ts';
import { filesFor, needsOf } from '../container/launch.ts';
import { NO_PLACE, type PlaceWait } from './place-wait.ts';
import type { TransferOrders } from './transfers.ts';

/** Which runner may access the files, and the description of the files that it gets. */
export interface FilesAccess {
  readonly files: SessionFiles;
  readonly needs: Needs;
  /** A write to parked files. It becomes their newest version once its runner dials in for it (`reached`). */
  readonly write: boolean;
}

const SESSION_DELETED: Refusal = { refused: 'session_not_found', detail: 'The session was deleted.' };

/**
 * Access to a session's files from outside its container. A write to parked files is sent to one runner. It becomes their
 * newest version, on that runner, at the moment when the runner dials in for it: before, it cannot have changed anything;
 * afterwards, it may have.
 */
export class SessionFilesAccess implements TransferOrders {
  readonly #store: SessionStore;
  readonly #peers: Peers;
  readonly #lease: WorkspaceLease;
  readonly #place: PlaceWait;
  /**
   * The versions of writes whose runner has not dialled in yet, by transfer id. At most one: later orders wait for it.
   */
  readonly #writes = new Map<string, number>();
  #waiting: (() => void)[] = [];
  #lastOrder: Promise<unknown> = Promise.resolve();

  constructor(store: SessionStore, peers: Peers, lease: WorkspaceLease, place: PlaceWait) {
    this.#store = store;
    this.#peers = peers;
    this.#lease = lease;
    this.#place = place;
  }

  /** The object has restarted: a runner can no longer dial in for transfers that were ordered before. */
  recover(): void {
    const write = this.#store.record?.files.write ?? null;
    if (write !== null) this.#store.change((tx) => tx.files({ on: 'unreached', version: write.version }));
  }

  async order(transferId: string, request: FilesRequest): Promise<Ordered | Refusal> {
    if (request.op === 'artifact') return await orderArtifact(this.#store, this.#peers, transferId, request);
    const write = WRITES.has(request.op);
    // In front of the orders below, which would all wait too.
    if (this.#mustBePlaced(write) && !(await this.#place.placed()) && write) return NO_PLACE;
    // Orders run one after the other, so an order after a write finds that write done or given up.
    const ordered = this.#lastOrder.then(() => this.#order(transferId, request));
    this.#lastOrder = ordered.catch(() => undefined);
    return await ordered;
  }

  reached(transferId: string): boolean {
    const version = this.#writes.get(transferId);
    if (version === undefined) return true;
    const { record } = this.#store;
    // False if a message came meanwhile: the session is waking with the files as they were before the write.
    const isValid = record?.files.write?.version === version;
    if (isValid) this.#store.change((tx) => tx.files({ on: 'reached', version }));
    this.#finishWrite(transferId);
    return isValid;
  }

  unreached(transferId: string): void {
    const version = this.#writes.get(transferId);
    if (version === undefined) return;
    this.#store.changeIfPresent((tx) => tx.files({ on: 'unreached', version }));
    this.#finishWrite(transferId);
  }

  /** Finds the runner that can access the files. A write becomes the newest version once it is `reached`. */
  async forTransfer(write: boolean): Promise<FilesAccess | Refusal> {
    const refused = await this.#checkWorkspace(write);
    if (refused !== null) return refused;
    if (this.#store.record === null) return SESSION_DELETED;
    const found = this.#presentAccess(write);
    if ('refused' in found || !found.write) return found;
    const { session_id } = this.#store.current.identity;
    const chosen = await this.#peers.pool.chooseRunner(session_id, found.needs);
    if (this.#store.record === null) return SESSION_DELETED;
    if ('detail' in chosen) return { refused: 'files_unavailable', detail: chosen.detail };
    // The session may have woken while the pool answered.
    const still = this.#presentAccess(write);
    if ('refused' in still || !still.write) return still;
    const base = baseOf(this.#store.current.files);
    const { runner } = chosen;
    this.#store.change((tx) => tx.files({ on: 'writing', runner }));
    return {
      files: {
        ...filesFor(this.#store, this.#peers, base, this.#store.current.files.version),
        local: localOn(base, runner),
      },
      needs: { on: 'runner', runner },
      write,
    };
  }

  /** A write needs the place that the session waits for. A read needs it where there is nothing to read before. */
  #mustBePlaced(write: boolean): boolean {
    const { record } = this.#store;
    return record !== null && waitsForPlace(record.files) && (write || areNew(record.files));
  }

  async #order(transferId: string, request: FilesRequest): Promise<Ordered | Refusal> {
    while (this.#writes.size > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.#store.record === null) return { sent: false, detail: SESSION_DELETED.detail };
    const write = WRITES.has(request.op);
    const send = () => this.#send(transferId, request, write);
    return write ? this.#lease.keepFor(send) : send();
  }

  async #send(transferId: string, request: FilesRequest, write: boolean): Promise<Ordered | Refusal> {
    const access = await this.forTransfer(write);
    if ('refused' in access) return access;
    const { files, needs } = access;
    if (access.write) this.#writes.set(transferId, files.version);
    const { session_id } = this.#store.current.identity;
    const order = { kind: 'transfer', session_id, transfer_id: transferId, files, request } as const;
    const ordered = await this.#peers.pool.order(needs, order).catch((error: unknown) => {
      this.unreached(transferId);
      throw error;
    });
    if (!ordered.sent) this.unreached(transferId);
    return ordered;
  }

  /**
   * Leases the persistent workspace for a write, or adopts its head for a read: another session may have changed or
   * leased it. Null: the files can be accessed.
   */
  async #checkWorkspace(write: boolean): Promise<Refusal | null> {
    const { identity, files, leased } = this.#store.current;
    const workspaceId = workspaceIdOf(identity);
    if (workspaceId === null || files.launch !== null) return null;
    if (write) {
      const refused = await this.#lease.acquire();
      if (refused === null) return null;
      const code = refused.code === 'workspace_held' ? refused.code : 'files_unavailable';
      return { refused: code, detail: refused.detail };
    }
    if (!leased) await this.#lease.adoptHead();
    return null;
  }

  /** The access that the present state of the files gives. */
  #presentAccess(write: boolean): FilesAccess | Refusal {
    const { files } = this.#store.current;
    const { launch } = files;
    const { base, version } = present(files);
    if (write && launch !== null) {
      if (launch.runner === null) return NO_PLACE;
      this.#store.change((tx) => tx.files({ on: 'touched' }));
    }
    // Writes beside a running container need no version of their own: the launch's version covers them.
    return {
      files: filesFor(this.#store, this.#peers, base, version),
      needs: needsOf(base),
      write: write && launch === null,
    };
  }

  #finishWrite(transferId: string): void {
    this.#writes.delete(transferId);
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
