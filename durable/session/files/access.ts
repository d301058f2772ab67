import { WRITES, type FilesRequest, type SessionFiles } from '../../../protocol/api/files.ts';
import type { Refusal } from '../../../protocol/api/problem.ts';
import type { Needs, Ordered } from '../../rpc/pool-rpc.ts';
import { baseOf, localOn, present } from '../core/files.ts';
import { workspaceIdOf } from '../core/identity.ts';
import type { Peers } from '../store/peers.ts';
import type { WorkspaceLease } from '../container/workspace-lease.ts';
import { orderArtifact } from './artifacts.ts';
import type { SessionStore } from '../store/store.ts';
import { filesFor, needsOf } from '../container/launch.ts';
import type { TransferOrders } from './transfers.ts';

/** Which runner may touch the files, and what it is told about them. */
export interface FilesAccess {
  readonly files: SessionFiles;
  readonly needs: Needs;
  /** A write to parked files. It counts once its runner dials in for it (`reached`). */
  readonly write: boolean;
}

const QUEUED: Refusal = {
  refused: 'files_unavailable',
  detail:
    'The session waits for a place, so its files cannot be written just now. Try again once it runs, or is stopped.',
};

const GONE: Refusal = { refused: 'session_not_found', detail: 'The session was deleted.' };

/**
 * How a session's files are reached from outside. A write to parked files becomes their newest version, on the runner that it
 * was sent to, the moment that this runner dials in for it. Before that nothing can have happened; after it, anything may have.
 */
export class SessionFilesAccess implements TransferOrders {
  readonly #store: SessionStore;
  readonly #peers: Peers;
  readonly #lease: WorkspaceLease;
  /** Writes by the id of their transfer. At most one waits for its runner; others wait for that one. */
  readonly #writes = new Map<string, number>();
  #waiting: (() => void)[] = [];
  #turn: Promise<unknown> = Promise.resolve();

  constructor(store: SessionStore, peers: Peers, lease: WorkspaceLease) {
    this.#store = store;
    this.#peers = peers;
    this.#lease = lease;
  }

  /** The object has started anew: no runner can dial in for what was ordered before. */
  recover(): void {
    const write = this.#store.record?.files.write ?? null;
    if (write !== null) this.#store.change((tx) => tx.files({ on: 'unreached', version: write.version }));
  }

  order(transferId: string, request: FilesRequest): Promise<Ordered | Refusal> {
    if (request.op === 'artifact') return orderArtifact(this.#store, this.#peers, transferId, request);
    // One after the other: what is ordered after a write finds that write done or given up.
    const ordered = this.#turn.then(() => this.#order(transferId, request));
    this.#turn = ordered.catch(() => undefined);
    return ordered;
  }

  reached(transferId: string): boolean {
    const version = this.#writes.get(transferId);
    if (version === undefined) return true;
    const { record } = this.#store;
    // False when a message came meanwhile: the session is waking with the files as they were.
    const stands = record?.files.write?.version === version;
    if (stands) this.#store.change((tx) => tx.files({ on: 'reached', version }));
    this.#over(transferId);
    return stands;
  }

  unreached(transferId: string): void {
    const version = this.#writes.get(transferId);
    if (version === undefined) return;
    this.#store.changeIfPresent((tx) => tx.files({ on: 'unreached', version }));
    this.#over(transferId);
  }

  /** Finds who can get at the files. A write is the newest version once it is `reached`. */
  async forTransfer(write: boolean): Promise<FilesAccess | Refusal> {
    const refused = await this.#lookUp(write);
    if (refused !== null) return refused;
    if (this.#store.record === null) return GONE;
    const found = this.#now(write);
    if ('refused' in found || !found.write) return found;
    const { session_id } = this.#store.current.identity;
    const chosen = await this.#peers.pool.chooseRunner(session_id, found.needs);
    if (this.#store.record === null) return GONE;
    if ('detail' in chosen) return { refused: 'files_unavailable', detail: chosen.detail };
    // The session may have woken while the pool answered.
    const still = this.#now(write);
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

  async #order(transferId: string, request: FilesRequest): Promise<Ordered | Refusal> {
    while (this.#writes.size > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.#store.record === null) return { sent: false, detail: GONE.detail };
    const write = WRITES.has(request.op);
    const work = () => this.#send(transferId, request, write);
    return write ? this.#lease.keepFor(work) : work();
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

  /** Another session may have changed or leased the persistent workspace. Null: all is well. */
  async #lookUp(write: boolean): Promise<Refusal | null> {
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

  /** Access as of this moment. */
  #now(write: boolean): FilesAccess | Refusal {
    const { files } = this.#store.current;
    const { launch } = files;
    const { base, version } = present(files);
    if (write && launch !== null) {
      if (launch.runner === null) return QUEUED;
      this.#store.change((tx) => tx.files({ on: 'touched' }));
    }
    // A running container's own version covers what is written beside it.
    return {
      files: filesFor(this.#store, this.#peers, base, version),
      needs: needsOf(base),
      write: write && launch === null,
    };
  }

  #over(transferId: string): void {
    this.#writes.delete(transferId);
    for (const go of this.#waiting.splice(0)) go();
  }
}
