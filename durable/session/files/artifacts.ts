import * as z from 'zod';
import {
  sharedFile,
  type ArtifactView,
  type SharedFile,
  type ShareArtifactInput,
} from '../../../protocol/api/artifact.ts';
import type { FilesRequest } from '../../../protocol/api/files.ts';
import { problem, type Refusal } from '../../../protocol/api/problem.ts';
import type { Ordered } from '../../rpc/pool-rpc.ts';
import type { ArtifactPage } from '../../rpc/views.ts';
import { artifactName } from '../core/artifact-name.ts';
import { present } from '../core/files.ts';
import type { SessionStore } from '../store/store.ts';
import type { Transaction } from '../store/transaction.ts';
import { filesFor } from '../container/launch.ts';
import type { Peers } from '../store/peers.ts';
import { refusalResponse } from './transfer-answer.ts';
import type { Transfers } from './transfers.ts';

/** Artifacts of one session: an agent that gives a file in a loop is told so. */
export const MAX_ARTIFACTS = 1000;
/** Between two tries of a file that its runner could not keep, milliseconds. */
const RETRY_MS = 1000;
/** Refusals after which another try may help: of a runner that comes back, of a storage that does. */
const PASSING: ReadonlySet<string> = new Set(['files_unavailable', 'storage_unavailable']);

const UNKNOWN: Refusal = {
  refused: 'artifact_not_found',
  detail: 'This session has shared nothing with this id, or it was deleted. `GET …/artifacts` lists what there is.',
};

const FULL: Refusal = {
  refused: 'quota_exceeded',
  detail: `You have shared ${MAX_ARTIFACTS} files, as many as one session may. Pack what belongs together into an archive, or have the person for whom you work delete some.`,
};

const BROKEN: Refusal = { refused: 'files_unavailable', detail: 'The runner broke off. Its log says more.' };

const refusal = z.object({ refused: problem.shape.code, detail: z.string() });

const GONE: Refusal = { refused: 'session_not_found', detail: 'The session was deleted.' };

/** One call of `share_artifact`. */
export interface ShareCall {
  readonly input: ShareArtifactInput;
  /** The artifact's, and the same each time that the call is taken up. */
  readonly artifact_id: string;
  /** Until when it is tried, epoch milliseconds. */
  readonly deadline: number;
  /** Whether the agent still waits for the answer. */
  readonly isWanted: () => boolean;
}

export interface Shared {
  readonly view: ArtifactView;
  /** Makes it the session's, inside the change that answers the call. */
  readonly keep: (tx: Transaction) => void;
}

/**
 * Files that the session's agent has given to people. Their bytes are in the storage, put there by the runner that has the session's
 * files; the owner's directory knows that they are needed, and the session what they are.
 */
export class Artifacts {
  readonly #store: SessionStore;
  readonly #peers: Peers;
  readonly #transfers: Transfers;

  constructor(store: SessionStore, peers: Peers, transfers: Transfers) {
    this.#store = store;
    this.#peers = peers;
    this.#transfers = transfers;
  }

  /** Has a copy of a file kept. May be called again with the same id: it is the same copy. */
  async share(call: ShareCall): Promise<Shared | Refusal> {
    const { artifact_id, deadline, isWanted } = call;
    for (;;) {
      const stored = await this.#save(call);
      if (!('refused' in stored)) return this.#record(call, stored);
      if (!PASSING.has(stored.refused) || Date.now() >= deadline || !isWanted()) return stored;
      console.warn(`session: the artifact ${artifact_id} could not be kept, trying again: ${stored.detail}`);
      await scheduler.wait(RETRY_MS);
      if (!isWanted()) return GONE;
    }
  }

  list(cursor: number, limit: number): ArtifactPage {
    return this.#store.artifacts.page(cursor, limit);
  }

  show(id: string): ArtifactView | Refusal {
    return this.#store.artifacts.get(id)?.view ?? UNKNOWN;
  }

  /** Its bytes, out of the storage; see `transfer-answer.ts` for the answer. */
  open(id: string, range: string | null): Promise<Response> | Response {
    if (this.#store.artifacts.get(id) === null) return refusalResponse(UNKNOWN);
    return this.#transfers.open({ op: 'artifact', artifact_id: id, range }, null);
  }

  async remove(id: string): Promise<{ deleted: true } | Refusal> {
    if (this.#store.artifacts.get(id) === null) return UNKNOWN;
    // First its bytes: who is cut off here deletes once more.
    await this.#peers.directory.forgetArtifact(this.#store.current.identity.session_id, id);
    this.#store.changeIfPresent(() => this.#store.artifacts.remove(id));
    return { deleted: true };
  }

  async #save({ input, artifact_id }: ShareCall): Promise<SharedFile | Refusal> {
    const full = this.#store.artifacts.count() >= MAX_ARTIFACTS ? FULL : await this.#peers.directory.quotaRefusal();
    if (full !== null) return full;
    const response = await this.#transfers.open({ op: 'share', artifact_id, path: input.path }, null);
    // A body that breaks off is none.
    const body: unknown = await response.json().catch(() => null);
    const answer = response.status < 400 ? sharedFile.safeParse(body) : refusal.safeParse(body);
    return answer.data ?? BROKEN;
  }

  /** Records at the owner's directory that the copy is needed, unless the agent no longer waits for it. */
  async #record({ input, artifact_id, isWanted }: ShareCall, shared: SharedFile): Promise<Shared | Refusal> {
    if (this.#store.record === null) return GONE;
    const { pool, directory, storageOwner } = this.#peers;
    const { session_id } = this.#store.current.identity;
    const { storage, owner_bytes, ...file } = shared;
    if (!isWanted() || !(await directory.recordArtifact({ session_id, artifact_id, storage, owner_bytes }))) {
      // If this call is lost, a sweep finds the copy.
      await pool.dropTrees(storage, storageOwner, [{ snapshot_id: artifact_id, tree: 'artifact' }]);
      return GONE;
    }
    const name = artifactName(input.name, file.path);
    const created_at = new Date().toISOString();
    const description = input.description ?? null;
    const view: ArtifactView = { artifact_id, session_id, name, description, ...file, created_at };
    const keep = (tx: Transaction): void => {
      this.#store.artifacts.add({ view, storage });
      const { session_id: _session, created_at: _created, ...data } = view;
      tx.emit({ type: 'session.artifact', data });
    };
    return { view, keep };
  }
}

/** Has an artifact read by any runner that sees the storage which has it. */
export async function orderArtifact(
  store: SessionStore,
  peers: Peers,
  transfer_id: string,
  request: Extract<FilesRequest, { op: 'artifact' }>,
): Promise<Ordered | Refusal> {
  const stored = store.record === null ? null : store.artifacts.get(request.artifact_id);
  if (stored === null) return UNKNOWN;
  const { identity, files: state } = store.current;
  const { base, version } = present(state);
  const files = filesFor(store, peers, base, version);
  const { session_id } = identity;
  return peers.pool.orderStored(stored.storage, { kind: 'transfer', session_id, transfer_id, files, request });
}
