import type { EdgeSettings } from '../../protocol/settings/edge-settings.ts';
import type { Refusal } from '../../protocol/api/problem.ts';
import type { TreeName } from '../../protocol/link/runner-control.ts';
import type { CreateSessionRequest } from '../../protocol/api/session.ts';
import type { SnapshotView, StorageView, Workspace, WorkspaceView } from '../../protocol/api/workspace.ts';
import type { Beginning, Head } from '../shared/trees.ts';
import { quotaBytes } from '../shared/quota.ts';
import type { ArtifactInput, ForkOrigin, LeaseAnswer, LeaseInput, SnapshotInput } from '../rpc/directory-rpc.ts';
import { poolStub, type EdgeEnv } from '../rpc/edge-env.ts';
import { StorageTable, type TreeUse } from './storage-table.ts';

const unknownSnapshot = (id: string): Refusal => ({
  refused: 'snapshot_not_found',
  detail: `There is no stored snapshot ${id}, or it is not yours. \`GET /api/v1/sessions/{id}/snapshots\` lists a session’s.`,
});

const unknownWorkspace = (id: string): Refusal => ({
  refused: 'workspace_not_found',
  detail: `You have no workspace "${id}". \`GET /api/v1/workspaces\` lists yours.`,
});

/** What to do about a workspace that another session holds. */
function heldDetail(workspaceId: string, holder: string): string {
  return (
    `The workspace "${workspaceId}" is held by the session ${holder}. Stop that session (it lets go once its files are ` +
    `saved) or delete it, wait until it is parked, or begin a session with {"type":"clone","id":"${workspaceId}"} for a copy.`
  );
}

/** One owner's part of the storage: which workspaces and snapshots there are, and what nothing needs any more. */
export class OwnerStorage {
  readonly #table: StorageTable;
  readonly #settings: EdgeSettings;
  readonly #env: EdgeEnv;
  /** The owner's part of the storage, as runners know it. */
  readonly #owner: string;

  constructor(sql: SqlStorage, settings: EdgeSettings, env: EdgeEnv, owner: string) {
    this.#table = new StorageTable(sql);
    this.#settings = settings;
    this.#env = env;
    this.#owner = owner;
  }

  /** What a new session's files begin with; `request` with its workspace named. */
  begin(
    sessionId: string,
    request: CreateSessionRequest,
    fork: ForkOrigin | null,
  ): { readonly request: CreateSessionRequest; readonly beginning: Beginning } | Refusal {
    const workspace = named(request.workspace, sessionId);
    if (workspace.type === 'persistent') {
      const known = this.#table.workspace(workspace.id);
      if (known !== null && known.held_by !== null) {
        return { refused: 'workspace_held', detail: heldDetail(workspace.id, known.held_by) };
      }
    }
    const start = this.#start(workspace);
    if (start !== null && 'refused' in start) return start;
    const beginning: Beginning = {
      workspace: start?.snapshot_id ?? null,
      conversation: fork?.snapshot_id ?? null,
      storage: start?.storage ?? null,
      fork_of: fork?.session_id ?? null,
      pinned: workspace.type === 'persistent' && start !== null,
    };
    return { request: { ...request, workspace }, beginning };
  }

  /** The session is there: what it begins with is kept. */
  begun(sessionId: string, { workspace, conversation, storage }: Beginning): void {
    if (storage === null) return;
    if (workspace !== null) this.#table.addUse(sessionId, { snapshot_id: workspace, tree: 'workspace', storage });
    if (conversation !== null) {
      this.#table.addUse(sessionId, { snapshot_id: conversation, tree: 'conversation', storage });
    }
  }

  /** Takes a workspace for a session's launch or write. The same session may ask again. */
  lease({ session_id, workspace_id, version }: LeaseInput, now: number): LeaseAnswer {
    const known = this.#table.workspace(workspace_id);
    if (known !== null && known.held_by !== null && known.held_by !== session_id) {
      return { leased: false, detail: heldDetail(workspace_id, known.held_by) };
    }
    this.#table.hold(workspace_id, session_id, version, now);
    const head = headOf(known);
    if (head !== null) {
      this.#table.addUse(session_id, { snapshot_id: head.snapshot_id, tree: 'workspace', storage: head.storage });
    }
    return { leased: true, head };
  }

  /** Lets a workspace go, with what its holder left in it. */
  release({ session_id, workspace_id, version }: LeaseInput, head: Head | null, now: number): void {
    const known = this.#table.workspace(workspace_id);
    if (known === null || known.held_by !== session_id || version < known.held_version) return;
    if (head !== null && head.snapshot_id !== known.snapshot_id) {
      this.#table.setHead(workspace_id, session_id, head, null, now);
    }
    this.#table.release(workspace_id, session_id);
  }

  /** How the workspace was left; null: nothing of it is saved. */
  head(workspaceId: string): Head | null {
    return headOf(this.#table.workspace(workspaceId));
  }

  /** Remembers a stored snapshot of a session that is there, and lets older ones go. The same one twice is one. */
  async record({ view, storage, newest, owner_bytes, uses }: SnapshotInput, now: number): Promise<void> {
    const { session_id, workspace_id, snapshot_id, bytes } = view;
    this.#table.measured(storage, owner_bytes);
    const listed = workspace_id !== null && this.#table.workspace(workspace_id) === null ? null : workspace_id;
    this.#table.add({ view: { ...view, workspace_id: listed }, storage });
    this.#table.setUses(
      session_id,
      uses.map((use) => ({ ...use, storage: this.#table.storageOf(use.snapshot_id) ?? storage })),
    );
    if (listed !== null && newest) this.#table.setHead(listed, session_id, { snapshot_id, storage }, bytes, now);
    await this.#drop(this.#table.prune(session_id, listed, this.#settings.SNAPSHOTS_KEPT));
  }

  /** Remembers that a session needs an artifact. The same one twice is one. */
  recordArtifact({ session_id, artifact_id, storage, owner_bytes }: ArtifactInput): void {
    this.#table.measured(storage, owner_bytes);
    this.#table.addUse(session_id, { snapshot_id: artifact_id, tree: 'artifact', storage });
  }

  /** A session needs it no longer. */
  async forgetArtifact(sessionId: string, artifactId: string): Promise<void> {
    await this.#drop(this.#table.removeUse(sessionId, { snapshot_id: artifactId, tree: 'artifact' }));
  }

  /** The session is gone from the list. */
  async forget(sessionId: string): Promise<void> {
    await this.#drop(this.#table.forget(sessionId));
  }

  /** Of these trees those that nothing needs. */
  unreferenced(trees: readonly TreeName[]): TreeName[] {
    // Who knows of nothing at all has lost its memory, rather than everything that is stored its worth.
    if (this.#table.isEmpty()) return [];
    return trees.filter((tree) => !this.#table.isUsed(tree));
  }

  known(ids: readonly string[]): string[] {
    return this.#table.known(ids);
  }

  /** Refuses new snapshots once the quota is used up; null: there is room. */
  quotaRefusal(): Refusal | null {
    const quota = quotaBytes(this.#settings);
    const { bytes } = this.#table.usage();
    if (quota === null || bytes < quota) return null;
    const detail =
      `Your snapshots and artifacts take ${bytes} bytes of the ${quota} that are yours (STORAGE_QUOTA_MB). Delete sessions or workspaces ` +
      'that you no longer need; your sessions work on meanwhile, but what they write is not saved, and nothing can be shared.';
    return { refused: 'quota_exceeded', detail };
  }

  usage(): StorageView {
    return { ...this.#table.usage(), quota_bytes: quotaBytes(this.#settings) };
  }

  workspace(id: string): WorkspaceView | Refusal {
    const known = this.#table.workspace(id);
    return known === null ? unknownWorkspace(id) : viewOf(known);
  }

  workspaces(cursor: string | undefined, limit: number): { data: WorkspaceView[]; next_cursor: string | null } {
    const rows = this.#table.workspaces(cursor ?? '', limit + 1);
    return page(rows, limit, ({ id }) => id);
  }

  snapshotsOf(
    workspaceId: string,
    cursor: string | undefined,
    limit: number,
  ): { data: SnapshotView[]; next_cursor: string | null } | Refusal {
    if (this.#table.workspace(workspaceId) === null) return unknownWorkspace(workspaceId);
    const rows = this.#table.snapshotsOf(workspaceId, cursor ?? null, limit + 1);
    return page(rows, limit, ({ snapshot_id }) => snapshot_id);
  }

  async removeWorkspace(id: string): Promise<{ deleted: true } | Refusal> {
    const known = this.#table.workspace(id);
    if (known === null) return unknownWorkspace(id);
    if (known.held_by !== null) return { refused: 'workspace_held', detail: heldDetail(id, known.held_by) };
    await this.#drop(this.#table.removeWorkspace(id));
    return { deleted: true };
  }

  #start(workspace: NamedWorkspace): Head | Refusal | null {
    if (workspace.type === 'clone' && workspace.snapshot === undefined) {
      const known = this.#table.workspace(workspace.id);
      if (known === null) return unknownWorkspace(workspace.id);
      const detail = `Nothing of the workspace "${workspace.id}" has been saved yet, so there is nothing to clone.`;
      return headOf(known) ?? { refused: 'workspace_not_found', detail };
    }
    if (workspace.snapshot === undefined) return null;
    const snapshot_id = workspace.snapshot.toLowerCase();
    const found = this.#table.snapshot(snapshot_id);
    if (workspace.type === 'clone' && this.#table.workspace(workspace.id) === null) {
      return unknownWorkspace(workspace.id);
    }
    const strange = workspace.type === 'clone' && found?.workspace_id !== workspace.id;
    return found === null || strange ? unknownSnapshot(snapshot_id) : { snapshot_id, storage: found.storage };
  }

  /** Has trees removed from their storages. What cannot be told now, a sweep finds. */
  async #drop(trees: readonly TreeUse[]): Promise<void> {
    for (const [storage, named] of Map.groupBy(trees, (tree) => tree.storage)) {
      const names = named.map(({ snapshot_id, tree }) => ({ snapshot_id, tree }));
      try {
        await poolStub(this.#env).dropTrees(storage, this.#owner, names);
      } catch (error) {
        console.warn(`directory: ${names.length} trees are left to the next sweep: ${String(error)}`);
      }
    }
  }
}

type NamedWorkspace = Exclude<Workspace, { type: 'persistent' }> | (Workspace & { type: 'persistent'; id: string });

function named(workspace: Workspace, sessionId: string): NamedWorkspace {
  return workspace.type === 'persistent' ? { ...workspace, id: workspace.id ?? sessionId } : workspace;
}

function headOf(row: { snapshot_id: string | null; storage: string | null } | null): Head | null {
  if (row === null || row.snapshot_id === null || row.storage === null) return null;
  return { snapshot_id: row.snapshot_id, storage: row.storage };
}

function viewOf({ id, created_at, updated_at, held_by, snapshot_id, bytes }: WorkspaceView): WorkspaceView {
  return { id, created_at, updated_at, held_by, snapshot_id, bytes };
}

function page<T>(rows: readonly T[], limit: number, key: (row: T) => string) {
  const data = rows.slice(0, limit);
  const last = data.at(-1);
  return { data, next_cursor: rows.length > limit && last !== undefined ? key(last) : null };
}
