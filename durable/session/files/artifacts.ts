import * as z from 'zod';
import {
  sharedFile,
  type ArtifactView,
  type SharedFile,
  type ShareArtifactInput,
} from '../../../protocol/api/files/artifact.ts';
import type { FilesRequest } from '../../../protocol/api/files/files.ts';
import { problem, type Refusal } from '../../../protocol/api/problem.ts';
import type { Ordered } from '../../rpc/pool-rpc.ts';
import type { ArtifactPage } from '../../rpc/session/views.ts';
import { artifactName } from '../core/artifact-name.ts';
import { present } from '../core/files.ts';
import type { SessionStore } from '../store/store.ts';
import type { Transaction } from '../store/changes/transaction.ts';
import { filesFor } from '../container/launch.ts';
import type { Peers } from '../store/peers.ts';
import { refusalResponse } from '../../shared/refusal-response.ts';
import type { Transfers } from './transfers.ts';

/** Most artifacts of one session. The refusal stops an agent that shares files in a loop. */
export const MAX_ARTIFACTS = 1000;
/** Between two tries to store a file, milliseconds. */
const RETRY_MS = 1000;
/** Refusals after which another try may succeed: the runner or the storage may come back. */
const TEMPORARY: ReadonlySet<string> = new Set(['files_unavailable', 'storage_unavailable']);

const UNKNOWN: Refusal = {
  refused: 'artifact_not_found',
  detail: 'This session has shared nothing with this id, or it was deleted. `GET …/artifacts` lists what there is.',
};

const TOO_MANY: Refusal = {
  refused: 'quota_exceeded',
  detail: `You have shared ${MAX_ARTIFACTS} files, as many as one session may. Pack what belongs together into an archive, or have the person for whom you work delete some.`,
};

const CONNECTION_LOST: Refusal = { refused: 'files_unavailable', detail: 'The runner broke off. Its log says more.' };

const refusal = z.object({ refused: problem.shape.code, detail: z.string() });

const SESSION_DELETED: Refusal = { refused: 'session_not_found', detail: 'The session was deleted.' };

/** One call of `share_artifact`. */
export interface ShareCall {
  readonly input: ShareArtifactInput;
  /** The id of the artifact. It stays the same when the call is processed again after a crash. */
  readonly artifact_id: string;
  /** When to stop trying, epoch milliseconds. */
  readonly deadline: number;
  /** Whether the agent still waits for the answer. */
  readonly isWanted: () => boolean;
}

export interface Shared {
  readonly view: ArtifactView;
  /** Adds the artifact to the session. To be called in the transaction that answers the tool call. */
  readonly keep: (tx: Transaction) => void;
}

/**
 * Files that the session's agent has shared with people. The runner that has the session's files copies their bytes to
 * the storage. The owner's directory records that the copies are needed. The session keeps their metadata.
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

  /** Has the runner store a copy of a file. Idempotent: the same id is the same copy. */
  async share(call: ShareCall): Promise<Shared | Refusal> {
    const { artifact_id, deadline, isWanted } = call;
    for (;;) {
      const stored = await this.#save(call);
      if (!('refused' in stored)) return this.#record(call, stored);
      if (!TEMPORARY.has(stored.refused) || Date.now() >= deadline || !isWanted()) return stored;
      console.warn(`session: could not store the artifact ${artifact_id}, trying again: ${stored.detail}`);
      await scheduler.wait(RETRY_MS);
      if (!isWanted()) return SESSION_DELETED;
    }
  }

  list(cursor: number, limit: number): ArtifactPage {
    return this.#store.artifacts.page(cursor, limit);
  }

  show(id: string): ArtifactView | Refusal {
    return this.#store.artifacts.get(id)?.view ?? UNKNOWN;
  }

  /** Sends the artifact's bytes from the storage. `transfer-answer.ts` describes the response. */
  open(id: string, range: string | null): Promise<Response> | Response {
    if (this.#store.artifacts.get(id) === null) return refusalResponse(UNKNOWN);
    return this.#transfers.open({ op: 'artifact', artifact_id: id, range }, null);
  }

  async remove(id: string): Promise<{ deleted: true } | Refusal> {
    if (this.#store.artifacts.get(id) === null) return UNKNOWN;
    // The bytes go first. If this call is cut off after that, the artifact is still listed and can be deleted again.
    await this.#peers.directory.forgetArtifact(this.#store.current.identity.session_id, id);
    this.#store.changeIfPresent(() => this.#store.artifacts.remove(id));
    return { deleted: true };
  }

  async #save({ input, artifact_id }: ShareCall): Promise<SharedFile | Refusal> {
    const refused =
      this.#store.artifacts.count() >= MAX_ARTIFACTS ? TOO_MANY : await this.#peers.directory.quotaRefusal();
    if (refused !== null) return refused;
    const response = await this.#transfers.open({ op: 'share', artifact_id, path: input.path }, null);
    // An incomplete body is not JSON.
    const body: unknown = await response.json().catch(() => null);
    const answer = response.status < 400 ? sharedFile.safeParse(body) : refusal.safeParse(body);
    return answer.data ?? CONNECTION_LOST;
  }

  /** Records in the owner's directory that the copy is needed. If the agent no longer waits, drops the copy instead. */
  async #record({ input, artifact_id, isWanted }: ShareCall, shared: SharedFile): Promise<Shared | Refusal> {
    if (this.#store.record === null) return SESSION_DELETED;
    const { pool, directory, storageOwner } = this.#peers;
    const { session_id } = this.#store.current.identity;
    const { storage, owner_bytes, ...file } = shared;
    if (!isWanted() || !(await directory.recordArtifact({ session_id, artifact_id, storage, owner_bytes }))) {
      // If this call is lost, the storage sweep removes the copy.
      await pool.dropTrees(storage, storageOwner, [{ snapshot_id: artifact_id, tree: 'artifact' }]);
      return SESSION_DELETED;
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

/** Orders the bytes of an artifact from any runner that can read its storage. */
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
