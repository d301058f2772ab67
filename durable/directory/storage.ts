import type { EdgeSettings } from '../../protocol/settings/edge-settings.ts';
import type { Refusal } from '../../protocol/api/problem.ts';
import { poolNames } from '../../protocol/settings/pools-setting.ts';
import type { TreeName } from '../../protocol/link/runner-control.ts';
import type { CreateSessionRequest } from '../../protocol/api/session/session.ts';
import type { SnapshotView, Workspace, WorkspaceView } from '../../protocol/api/files/workspace.ts';
import type { Beginning, Head } from '../shared/trees.ts';
import type { ForkOrigin } from '../rpc/directory/creation-input.ts';
import type { ArtifactInput, LeaseAnswer, LeaseInput, SnapshotInput } from '../rpc/directory/reports.ts';
import { poolStub, type EdgeEnv } from '../rpc/edge-env.ts';
import { OwnerQuota } from './quota.ts';
import { SnapshotTable, type TreeUse } from './tables/snapshot-table.ts';
import { StorageUsageTable } from './tables/storage-usage-table.ts';
import { WorkspaceTable } from './tables/workspace-table.ts';

const unknownSnapshot = (id: string): Refusal => ({
  refused: 'snapshot_not_found',
  detail: `There is no stored snapshot ${id}, or it is not yours. \`GET /api/v1/sessions/{id}/snapshots\` lists a session’s.`,
});

const unknownWorkspace = (id: string): Refusal => ({
  refused: 'workspace_not_found',
  detail: `You have no workspace "${id}". \`GET /api/v1/workspaces\` lists yours.`,
});

/** What to do about a workspace that another session leases. */
function leasedDetail(workspaceId: string, holder: string): string {
  return (
    `The workspace "${workspaceId}" is held by the session ${holder}. Stop that session (it lets go once its files are ` +
    `saved) or delete it, wait until it is parked, or begin a session with {"type":"clone","id":"${workspaceId}"} for a copy.`
  );
}

/** One owner's part of the storage: which workspaces and snapshots exist, and which stored trees nobody needs any more. */
export class OwnerStorage {
  readonly #workspaces: WorkspaceTable;
  readonly #snapshots: SnapshotTable;
  readonly #usage: StorageUsageTable;
  readonly quota: OwnerQuota;
  readonly #settings: EdgeSettings;
  readonly #env: EdgeEnv;
  /** The name of the owner's part of the storage, as runners know it. */
  readonly #owner: string;

  constructor(sql: SqlStorage, settings: EdgeSettings, env: EdgeEnv, owner: string) {
    this.#workspaces = new WorkspaceTable(sql);
    this.#snapshots = new SnapshotTable(sql);
    this.#usage = new StorageUsageTable(sql);
    this.quota = new OwnerQuota(sql, this.#usage, settings);
    this.#settings = settings;
    this.#env = env;
    this.#owner = owner;
  }

  /** What a new session's files begin with. The `request` in the answer names its workspace. */
  begin(
    sessionId: string,
    request: CreateSessionRequest,
    fork: ForkOrigin | null,
  ): { readonly request: CreateSessionRequest; readonly beginning: Beginning } | Refusal {
    const workspace = named(request.workspace, sessionId);
    if (workspace.type === 'persistent') {
      const holder = this.#workspaces.get(workspace.id)?.view.held_by ?? null;
      if (holder !== null) return { refused: 'workspace_held', detail: leasedDetail(workspace.id, holder) };
    }
    const start = this.#start(workspace);
    if (start !== null && 'refused' in start) return start;
    const beginning: Beginning = {
      workspace: start?.snapshot_id ?? null,
      conversation: fork?.snapshot_id ?? null,
      storage: start?.storage ?? null,
      fork_of: fork?.session_id ?? null,
      conversation_id: fork?.conversation_id ?? null,
      pinned: workspace.type === 'persistent' && start !== null,
    };
    return { request: { ...request, workspace }, beginning };
  }

  /** Keeps the trees that a session begins with, from the moment the session has its place. */
  keepBeginning(sessionId: string, { workspace, conversation, storage }: Beginning): void {
    if (storage === null) return;
    if (workspace !== null) this.#snapshots.addUse(sessionId, { snapshot_id: workspace, tree: 'workspace', storage });
    if (conversation !== null) {
      this.#snapshots.addUse(sessionId, { snapshot_id: conversation, tree: 'conversation', storage });
    }
  }

  /** Leases a workspace to a session, for a launch or a write. The same session may ask again. */
  lease({ session_id, workspace_id, version }: LeaseInput, now: number): LeaseAnswer {
    const known = this.#workspaces.get(workspace_id);
    const holder = known?.view.held_by ?? null;
    if (holder !== null && holder !== session_id) return { leased: false, detail: leasedDetail(workspace_id, holder) };
    this.#workspaces.lease(workspace_id, session_id, version, now);
    const head = known?.head ?? null;
    if (head !== null) this.#snapshots.addUse(session_id, { ...head, tree: 'workspace' });
    return { leased: true, head };
  }

  /** Releases a workspace; `head` is what the session left in it. */
  release({ session_id, workspace_id, version }: LeaseInput, head: Head | null, now: number): void {
    const known = this.#workspaces.get(workspace_id);
    if (known === null || known.view.held_by !== session_id || version < known.lease_version) return;
    if (head !== null && head.snapshot_id !== known.view.snapshot_id) {
      this.#workspaces.setHead(workspace_id, session_id, head, null, now);
    }
    this.#workspaces.release(workspace_id, session_id);
  }

  /** The newest snapshot of a workspace; null: nothing of it is saved. */
  head(workspaceId: string): Head | null {
    return this.#workspaces.get(workspaceId)?.head ?? null;
  }

  /** Records a stored snapshot of an existing session, and prunes older ones. The same one twice is one. */
  async recordSnapshot({ view, storage, newest, owner_bytes, uses }: SnapshotInput, now: number): Promise<void> {
    const { session_id, workspace_id, snapshot_id, bytes } = view;
    this.#usage.setBytes(storage, owner_bytes);
    const listed = workspace_id !== null && this.#workspaces.get(workspace_id) === null ? null : workspace_id;
    this.#snapshots.add({ view: { ...view, workspace_id: listed }, storage });
    this.#snapshots.setUses(
      session_id,
      uses.map((use) => ({ ...use, storage: this.#snapshots.storageOf(use.snapshot_id) ?? storage })),
    );
    if (listed !== null && newest) this.#workspaces.setHead(listed, session_id, { snapshot_id, storage }, bytes, now);
    await this.#drop(this.#snapshots.prune(session_id, listed, this.#settings.SNAPSHOTS_KEPT));
  }

  /** Records that a session needs an artifact. The same one twice is one. */
  recordArtifact({ session_id, artifact_id, storage, owner_bytes }: ArtifactInput): void {
    this.#usage.setBytes(storage, owner_bytes);
    this.#snapshots.addUse(session_id, { snapshot_id: artifact_id, tree: 'artifact', storage });
  }

  /** A session no longer needs this artifact. */
  async forgetArtifact(sessionId: string, artifactId: string): Promise<void> {
    await this.#remove(this.#snapshots.removeUse(sessionId, { snapshot_id: artifactId, tree: 'artifact' }));
  }

  /** Call it after the session has left the list. */
  async forgetSession(sessionId: string): Promise<void> {
    this.quota.sessions.set(sessionId, 0);
    this.#workspaces.releaseAll(sessionId);
    await this.#remove(this.#snapshots.forgetSession(sessionId));
  }

  /** Those of these trees that nobody needs. */
  unreferenced(trees: readonly TreeName[]): TreeName[] {
    // An empty directory has more likely lost its data than stored nothing, so it must not drop what is in the storage.
    if (this.#usage.isEmpty()) return [];
    return trees.filter((tree) => !this.#snapshots.isUsed(tree));
  }

  keptSnapshots(ids: readonly string[]): string[] {
    return this.#snapshots.kept(ids);
  }

  workspace(id: string): WorkspaceView | Refusal {
    return this.#workspaces.get(id)?.view ?? unknownWorkspace(id);
  }

  workspaces(cursor: string | undefined, limit: number): { data: WorkspaceView[]; next_cursor: string | null } {
    const rows = this.#workspaces.page(cursor ?? '', limit + 1);
    return page(rows, limit, ({ id }) => id);
  }

  snapshotsOf(
    workspaceId: string,
    cursor: string | undefined,
    limit: number,
  ): { data: SnapshotView[]; next_cursor: string | null } | Refusal {
    if (this.#workspaces.get(workspaceId) === null) return unknownWorkspace(workspaceId);
    const rows = this.#snapshots.ofWorkspace(workspaceId, cursor ?? null, limit + 1);
    return page(rows, limit, ({ snapshot_id }) => snapshot_id);
  }

  async removeWorkspace(id: string): Promise<{ deleted: true } | Refusal> {
    const known = this.#workspaces.get(id);
    if (known === null) return unknownWorkspace(id);
    const { held_by: holder } = known.view;
    if (holder !== null) return { refused: 'workspace_held', detail: leasedDetail(id, holder) };
    const trees = this.#snapshots.workspaceTrees(id, known.head);
    this.#workspaces.remove(id);
    this.#snapshots.forgetWorkspace(id);
    await this.#remove(this.#snapshots.unused(trees));
    return { deleted: true };
  }

  /** The snapshot that a new session's workspace begins with; null: none. */
  #start(workspace: NamedWorkspace): Head | Refusal | null {
    if (workspace.type === 'clone' && workspace.snapshot === undefined) {
      const known = this.#workspaces.get(workspace.id);
      if (known === null) return unknownWorkspace(workspace.id);
      const detail = `Nothing of the workspace "${workspace.id}" has been saved yet, so there is nothing to clone.`;
      return known.head ?? { refused: 'workspace_not_found', detail };
    }
    if (workspace.snapshot === undefined) return null;
    const snapshot_id = workspace.snapshot.toLowerCase();
    const found = this.#snapshots.get(snapshot_id);
    if (workspace.type === 'clone' && this.#workspaces.get(workspace.id) === null) {
      return unknownWorkspace(workspace.id);
    }
    const isOfAnother = workspace.type === 'clone' && found?.workspace_id !== workspace.id;
    return found === null || isOfAnother ? unknownSnapshot(snapshot_id) : { snapshot_id, storage: found.storage };
  }

  /** The owner makes room. (What is pruned with a new snapshot makes little: that shares most of it.) */
  async #remove(trees: readonly TreeUse[]): Promise<void> {
    for (const { storage } of trees) this.#usage.removed(storage);
    await this.#drop(trees);
  }

  /** Has trees removed from their storages. If the pool cannot be called now, a sweep finds them later. */
  async #drop(trees: readonly TreeUse[]): Promise<void> {
    for (const [storage, unneeded] of Map.groupBy(trees, (tree) => tree.storage)) {
      const names = unneeded.map(({ snapshot_id, tree }) => ({ snapshot_id, tree }));
      try {
        await this.#dropFrom(storage, names);
      } catch (error) {
        console.warn(`directory: ${names.length} trees are left to the next sweep: ${String(error)}`);
      }
    }
  }

  /** Any runner that sees the storage will do, in whichever pool it is. */
  async #dropFrom(storage: string, names: readonly TreeName[]): Promise<void> {
    for (const pool of poolNames(this.#settings)) {
      if (await poolStub(this.#env, pool).dropTrees(storage, this.#owner, names)) return;
    }
  }
}

type NamedWorkspace = Exclude<Workspace, { type: 'persistent' }> | (Workspace & { type: 'persistent'; id: string });

/** A persistent workspace without a name gets the session's id as its name. */
function named(workspace: Workspace, sessionId: string): NamedWorkspace {
  return workspace.type === 'persistent' ? { ...workspace, id: workspace.id ?? sessionId } : workspace;
}

function page<T>(rows: readonly T[], limit: number, key: (row: T) => string) {
  const data = rows.slice(0, limit);
  const last = data.at(-1);
  return { data, next_cursor: rows.length > limit && last !== undefined ? key(last) : null };
}
