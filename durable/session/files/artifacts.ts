import * as z from 'zod';
import {
  sharedFile,
  type ArtifactView,
  type SharedFile,
  type ShareArtifactInput,
} from '../../../protocol/api/artifact.ts';
import type { FilesRequest } from '../../../protocol/api/files.ts';
import { problem, type Refusal } from '../../../protocol/api/problem.ts';
import type { ArtifactPage } from '../store/tables/artifact-table.ts';
import { artifactName } from '../core/artifact-name.ts';
import { describeFiles, present } from '../core/files.ts';
import type { Ordered } from '../../pool/pool.ts';
import type { SessionCore } from '../store/store.ts';
import type { SessionDraft } from '../store/transaction.ts';
import type { SessionOutreach } from '../container/launch.ts';
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
  readonly keep: (draft: SessionDraft) => void;
}

/**
 * Files that the session's agent has given to people. Their bytes are in the storage, put there by the runner that has the session's
 * files; the owner's directory knows that they are needed, and the session what they are.
 */
export class SessionArtifacts {
  readonly #core: SessionCore;
  readonly #outreach: SessionOutreach;
  readonly #transfers: Transfers;

  constructor(core: SessionCore, outreach: SessionOutreach, transfers: Transfers) {
    this.#core = core;
    this.#outreach = outreach;
    this.#transfers = transfers;
  }

  /** Has a copy of a file kept. May be called again with the same id: it is the same copy. */
  async share(call: ShareCall): Promise<Shared | Refusal> {
    const { artifact_id, deadline, isWanted } = call;
    for (;;) {
      const stored = await this.#store(call);
      if (!('refused' in stored)) return this.#told(call, stored);
      if (!PASSING.has(stored.refused) || Date.now() >= deadline || !isWanted()) return stored;
      console.warn(`session: the artifact ${artifact_id} could not be kept, trying again: ${stored.detail}`);
      await scheduler.wait(RETRY_MS);
      if (!isWanted()) return GONE;
    }
  }

  list(cursor: number, limit: number): ArtifactPage {
    return this.#core.artifacts.page(cursor, limit);
  }

  show(id: string): ArtifactView | Refusal {
    return this.#core.artifacts.get(id)?.view ?? UNKNOWN;
  }

  /** Its bytes, out of the storage; see `transfer-answer.ts` for the answer. */
  open(id: string, range: string | null): Promise<Response> | Response {
    if (this.#core.artifacts.get(id) === null) return refusalResponse(UNKNOWN);
    return this.#transfers.open({ op: 'artifact', artifact_id: id, range }, null);
  }

  async remove(id: string): Promise<{ deleted: true } | Refusal> {
    if (this.#core.artifacts.get(id) === null) return UNKNOWN;
    // First its bytes: who is cut off here deletes once more.
    await this.#outreach.directory.forgetArtifact(this.#core.current.identity.session_id, id);
    if (this.#core.record !== null) this.#core.change(() => this.#core.artifacts.remove(id));
    return { deleted: true };
  }

  async #store({ input, artifact_id }: ShareCall): Promise<SharedFile | Refusal> {
    const full = this.#core.artifacts.count() >= MAX_ARTIFACTS ? FULL : await this.#outreach.directory.quotaRefusal();
    if (full !== null) return full;
    const response = await this.#transfers.open({ op: 'share', artifact_id, path: input.path }, null);
    // A body that breaks off is none.
    const body: unknown = await response.json().catch(() => null);
    const answer = response.status < 400 ? sharedFile.safeParse(body) : refusal.safeParse(body);
    return answer.data ?? BROKEN;
  }

  /** The owner's directory is told that it is needed, unless nobody needs it any more. */
  async #told({ input, artifact_id, isWanted }: ShareCall, shared: SharedFile): Promise<Shared | Refusal> {
    if (this.#core.record === null) return GONE;
    const { pool, directory, owner } = this.#outreach;
    const { session_id } = this.#core.current.identity;
    const { storage, owner_bytes, ...file } = shared;
    if (!isWanted() || !(await directory.recordArtifact({ session_id, artifact_id, storage, owner_bytes }))) {
      // What gets lost of this, a sweep finds.
      await pool.drop(storage, owner, [{ snapshot_id: artifact_id, tree: 'artifact' }]);
      return GONE;
    }
    const name = artifactName(input.name, file.path);
    const created_at = new Date().toISOString();
    const description = input.description ?? null;
    const view: ArtifactView = { artifact_id, session_id, name, description, ...file, created_at };
    const keep = (draft: SessionDraft): void => {
      this.#core.artifacts.add({ view, storage });
      const { session_id: _session, created_at: _created, ...data } = view;
      draft.emit({ type: 'session.artifact', data });
    };
    return { view, keep };
  }
}

/** Has an artifact read by any runner that sees the storage which has it. */
export async function orderArtifact(
  core: SessionCore,
  outreach: SessionOutreach,
  transfer_id: string,
  request: Extract<FilesRequest, { op: 'artifact' }>,
): Promise<Ordered | Refusal> {
  const stored = core.record === null ? null : core.artifacts.get(request.artifact_id);
  if (stored === null) return UNKNOWN;
  const { identity, files: state } = core.current;
  const { base, version } = present(state);
  const files = describeFiles(state, base, version, outreach.owner, outreach.quotaBytes);
  const { session_id } = identity;
  return outreach.pool.orderStored(stored.storage, { kind: 'transfer', session_id, transfer_id, files, request });
}
