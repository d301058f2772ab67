import { WRITES, type FilesRequest, type SessionFiles } from '../../../protocol/api/files.ts';
import type { Refusal } from '../../../protocol/api/problem.ts';
import type { Needs } from '../../pool/core/placement.ts';
import { baseOf, describeFiles, localOn, present, type Base } from '../core/files.ts';
import type { Ordered } from '../../pool/pool.ts';
import { orderArtifact } from './artifacts.ts';
import type { SessionCore } from '../store/store.ts';
import { needsOf, type SessionOutreach } from '../container/launch.ts';
import { workspaceIdOf } from '../store/record.ts';
import type { TransferOrders } from './transfers.ts';

/** Who may touch the files, and what they are told about them. */
export interface FilesAccess {
  readonly files: SessionFiles;
  readonly needs: Needs;
  /** A write to parked files, which its runner has to come for (`reached`). */
  readonly write: boolean;
}

const QUEUED: Refusal = {
  refused: 'files_unavailable',
  detail:
    'The session waits for a place, so its files cannot be written just now. Try again once it runs, or is stopped.',
};

const GONE: Refusal = { refused: 'session_not_found', detail: 'The session was deleted.' };

/**
 * How a session's files are reached from outside. A write to parked files becomes their newest version, on the runner that it is
 * ordered of, the moment that this runner comes for it: until then nothing can have happened, and from then on anything may have.
 */
export class SessionFilesDesk implements TransferOrders {
  readonly #core: SessionCore;
  readonly #outreach: SessionOutreach;
  /** Writes by the id of their transfer; at most one has not been come for, and others wait for it. */
  readonly #writes = new Map<string, number>();
  #waiting: (() => void)[] = [];
  #turn: Promise<unknown> = Promise.resolve();

  constructor(core: SessionCore, outreach: SessionOutreach) {
    this.#core = core;
    this.#outreach = outreach;
  }

  /** The object has begun anew: no runner can come for what was ordered before. */
  recover(): void {
    const write = this.#core.record?.files.write ?? null;
    if (write !== null) this.#core.change((draft) => draft.files({ on: 'unreached', version: write.version }));
  }

  order(transferId: string, request: FilesRequest): Promise<Ordered | Refusal> {
    if (request.op === 'artifact') return orderArtifact(this.#core, this.#outreach, transferId, request);
    // In turn: what is ordered after a write finds it done, or not to come.
    const ordered = this.#turn.then(() => this.#order(transferId, request));
    this.#turn = ordered.catch(() => undefined);
    return ordered;
  }

  reached(transferId: string): boolean {
    const version = this.#writes.get(transferId);
    if (version === undefined) return true;
    const { record } = this.#core;
    // A message has come meanwhile, and the session is being woken from how it was.
    const stands = record?.files.write?.version === version;
    if (stands) this.#core.change((draft) => draft.files({ on: 'reached', version }));
    this.#over(transferId);
    return stands;
  }

  unreached(transferId: string): void {
    const version = this.#writes.get(transferId);
    if (version === undefined) return;
    if (this.#core.record !== null) this.#core.change((draft) => draft.files({ on: 'unreached', version }));
    this.#over(transferId);
  }

  /** Finds who can get at the files. A write is the newest version once it is `reached`. */
  async forTransfer(write: boolean): Promise<FilesAccess | Refusal> {
    const refused = await this.#lookUp(write);
    if (refused !== null) return refused;
    if (this.#core.record === null) return GONE;
    const found = this.#now(write);
    if ('refused' in found || !found.write) return found;
    const { session_id } = this.#core.current.identity;
    const chosen = await this.#outreach.pool.choose(session_id, found.needs);
    if (this.#core.record === null) return GONE;
    if ('detail' in chosen) return { refused: 'files_unavailable', detail: chosen.detail };
    // It may have been woken while the pool was asked.
    const still = this.#now(write);
    if ('refused' in still || !still.write) return still;
    const base = baseOf(this.#core.current.files);
    const { runner } = chosen;
    this.#core.change((draft) => draft.files({ on: 'writing', runner }));
    return {
      files: { ...this.#describe(base, this.#core.current.files.version), local: localOn(base, runner) },
      needs: { on: 'runner', runner },
      write,
    };
  }

  async #order(transferId: string, request: FilesRequest): Promise<Ordered | Refusal> {
    while (this.#writes.size > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.#core.record === null) return { sent: false, detail: GONE.detail };
    const write = WRITES.has(request.op);
    const work = () => this.#send(transferId, request, write);
    return write ? this.#outreach.keeping(work) : work();
  }

  async #send(transferId: string, request: FilesRequest, write: boolean): Promise<Ordered | Refusal> {
    const access = await this.forTransfer(write);
    if ('refused' in access) return access;
    const { files, needs } = access;
    if (access.write) this.#writes.set(transferId, files.version);
    const { session_id } = this.#core.current.identity;
    const order = { kind: 'transfer', session_id, transfer_id: transferId, files, request } as const;
    const ordered = await this.#outreach.pool.order(needs, order).catch((error: unknown) => {
      this.unreached(transferId);
      throw error;
    });
    if (!ordered.sent) this.unreached(transferId);
    return ordered;
  }

  /** A persistent workspace may have been changed, or be held, by others; null: all is well. */
  async #lookUp(write: boolean): Promise<Refusal | null> {
    const { identity, files, holding } = this.#core.current;
    const workspaceId = workspaceIdOf(identity);
    if (workspaceId === null || files.launch !== null) return null;
    if (write) {
      const held = await this.#outreach.hold();
      if (held === null) return null;
      return { refused: held.code === 'workspace_held' ? held.code : 'files_unavailable', detail: held.detail };
    }
    if (!holding) await this.#outreach.look();
    return null;
  }

  /** As it is at this moment. */
  #now(write: boolean): FilesAccess | Refusal {
    const { files } = this.#core.current;
    const { launch } = files;
    const { base, version } = present(files);
    if (write && launch !== null) {
      if (launch.runner === null) return QUEUED;
      this.#core.change((draft) => draft.files({ on: 'touched' }));
    }
    // A running container's own version covers what is written beside it.
    return { files: this.#describe(base, version), needs: needsOf(base), write: write && launch === null };
  }

  #describe(base: Base, version: number): SessionFiles {
    return describeFiles(this.#core.current.files, base, version, this.#outreach.owner, this.#outreach.quotaBytes);
  }

  #over(transferId: string): void {
    this.#writes.delete(transferId);
    for (const go of this.#waiting.splice(0)) go();
  }
}
