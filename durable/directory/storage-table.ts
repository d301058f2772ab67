import { storedTree, type TreeKind, type TreeName } from '../../protocol/link/runner-control.ts';
import { snapshotView, type SnapshotView, type WorkspaceView } from '../../protocol/api/workspace.ts';
import type { Head } from '../shared/trees.ts';

/** A stored tree that a session needs: of a snapshot, or an artifact. */
export interface TreeUse extends TreeName {
  readonly storage: string;
}

export interface StoredSnapshot {
  readonly storage: string;
  readonly view: SnapshotView;
}

interface WorkspaceRow extends Record<string, SqlStorageValue> {
  id: string;
  holder: string | null;
  held_version: number;
  head: string | null;
  storage: string | null;
  bytes: number;
  created: number;
  updated: number;
}

interface UseRow extends Record<string, SqlStorageValue> {
  snapshot_id: string;
  tree: string;
  storage: string;
}

const TREES: readonly TreeKind[] = ['workspace', 'conversation'];

/** Asked for by somebody: pruned last. */
const ON_REQUEST = "trigger IN ('requested', 'forked')";

/** What an owner keeps in the storage: persistent workspaces, stored snapshots, and who needs which tree. */
export class StorageTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS workspaces (
      id TEXT PRIMARY KEY, holder TEXT, held_version INTEGER NOT NULL DEFAULT 0, head TEXT, storage TEXT,
      bytes INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL, updated INTEGER NOT NULL) WITHOUT ROWID`);
    sql.exec(`CREATE TABLE IF NOT EXISTS snapshots (
      number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, session_id TEXT NOT NULL, workspace_id TEXT,
      storage TEXT NOT NULL, trigger TEXT NOT NULL, view TEXT NOT NULL)`);
    sql.exec('CREATE INDEX IF NOT EXISTS snapshots_of_session ON snapshots (session_id, number)');
    sql.exec('CREATE INDEX IF NOT EXISTS snapshots_of_workspace ON snapshots (workspace_id, number)');
    // A session's needs outlive the row of the snapshot that they are of: what a fork began with stays while it lives.
    sql.exec(`CREATE TABLE IF NOT EXISTS tree_uses (
      session_id TEXT NOT NULL, snapshot_id TEXT NOT NULL, tree TEXT NOT NULL, storage TEXT NOT NULL,
      PRIMARY KEY (session_id, snapshot_id, tree)) WITHOUT ROWID`);
    sql.exec('CREATE INDEX IF NOT EXISTS uses_of_tree ON tree_uses (snapshot_id)');
    sql.exec('CREATE TABLE IF NOT EXISTS storages (id TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID');
  }

  workspace(id: string): (WorkspaceView & { readonly storage: string | null; readonly held_version: number }) | null {
    const row = [...this.#sql.exec<WorkspaceRow>('SELECT * FROM workspaces WHERE id = ?', id)][0];
    return row === undefined ? null : { ...workspaceView(row), storage: row.storage, held_version: row.held_version };
  }

  workspaces(after: string, limit: number): WorkspaceView[] {
    const rows = this.#sql.exec<WorkspaceRow>(
      'SELECT * FROM workspaces WHERE id > ? ORDER BY id LIMIT ?',
      after,
      limit,
    );
    return [...rows].map(workspaceView);
  }

  hold(id: string, sessionId: string, version: number, now: number): void {
    this.#sql.exec('INSERT OR IGNORE INTO workspaces (id, created, updated) VALUES (?, ?, ?)', id, now, now);
    this.#sql.exec('UPDATE workspaces SET holder = ?, held_version = ? WHERE id = ?', sessionId, version, id);
  }

  release(id: string, sessionId: string): void {
    this.#sql.exec('UPDATE workspaces SET holder = NULL WHERE id = ? AND holder = ?', id, sessionId);
  }

  releaseAll(sessionId: string): void {
    this.#sql.exec('UPDATE workspaces SET holder = NULL WHERE holder = ?', sessionId);
  }

  /** The workspace's newest, as its holder left it. */
  setHead(id: string, sessionId: string, head: Head, bytes: number | null, now: number): void {
    this.#sql.exec(
      'UPDATE workspaces SET head = ?, storage = ?, bytes = coalesce(?, bytes), updated = ? WHERE id = ? AND holder = ?',
      head.snapshot_id,
      head.storage,
      bytes,
      now,
      id,
      sessionId,
    );
  }

  /** Removes a workspace. Of its snapshots those of sessions that are there stay, as the sessions' own. */
  removeWorkspace(id: string): TreeUse[] {
    const trees = [...this.#trees('workspace_id = ?', id), ...this.#headTree(id)].filter(
      // What was said is its session's, whether that is there or not any more.
      ({ tree }) => tree === 'workspace',
    );
    this.#sql.exec('DELETE FROM workspaces WHERE id = ?', id);
    this.#sql.exec('DELETE FROM snapshots WHERE workspace_id = ? AND session_id NOT IN (SELECT id FROM sessions)', id);
    this.#sql.exec('UPDATE snapshots SET workspace_id = NULL WHERE workspace_id = ?', id);
    return this.#unused(trees);
  }

  snapshot(id: string): (StoredSnapshot & { readonly workspace_id: string | null }) | null {
    const rows = this.#sql.exec<{ storage: string; view: string; workspace_id: string | null }>(
      'SELECT storage, view, workspace_id FROM snapshots WHERE id = ?',
      id,
    );
    const row = [...rows][0];
    if (row === undefined) return null;
    return { storage: row.storage, view: snapshotView.parse(JSON.parse(row.view)), workspace_id: row.workspace_id };
  }

  add({ view, storage }: StoredSnapshot): void {
    this.#sql.exec(
      'INSERT OR IGNORE INTO snapshots (id, session_id, workspace_id, storage, trigger, view) VALUES (?, ?, ?, ?, ?, ?)',
      view.snapshot_id,
      view.session_id,
      view.workspace_id,
      storage,
      view.trigger,
      JSON.stringify(view),
    );
  }

  /** A workspace's snapshots, the newest first, those before `cursor`. */
  snapshotsOf(workspaceId: string, cursor: string | null, limit: number): SnapshotView[] {
    const rows = this.#sql.exec<{ view: string }>(
      `SELECT view FROM snapshots WHERE workspace_id = ?1
        AND (?2 IS NULL OR number < (SELECT number FROM snapshots WHERE id = ?2)) ORDER BY number DESC LIMIT ?3`,
      workspaceId,
      cursor,
      limit,
    );
    return [...rows].map(({ view }) => snapshotView.parse(JSON.parse(view)));
  }

  /** Those of `ids` that are still kept. */
  known(ids: readonly string[]): string[] {
    return ids.filter((id) => this.#sql.exec('SELECT 1 FROM snapshots WHERE id = ?', id).toArray().length > 0);
  }

  /** All that a session needs of snapshots, in place of what it needed before. */
  setUses(sessionId: string, uses: readonly TreeUse[]): void {
    this.#sql.exec("DELETE FROM tree_uses WHERE session_id = ? AND tree <> 'artifact'", sessionId);
    for (const use of uses) this.addUse(sessionId, use);
  }

  addUse(sessionId: string, { snapshot_id, tree, storage }: TreeUse): void {
    this.#sql.exec(
      'INSERT OR REPLACE INTO tree_uses (session_id, snapshot_id, tree, storage) VALUES (?, ?, ?, ?)',
      sessionId,
      snapshot_id,
      tree,
      storage,
    );
  }

  /** A session needs this no longer. @returns what nobody needs now */
  removeUse(sessionId: string, { snapshot_id, tree }: TreeName): TreeUse[] {
    const gone = this.#sql.exec<UseRow>(
      'DELETE FROM tree_uses WHERE session_id = ? AND snapshot_id = ? AND tree = ? RETURNING snapshot_id, tree, storage',
      sessionId,
      snapshot_id,
      tree,
    );
    return this.#unused([...gone].map(useOf));
  }

  /** The storage that has a snapshot's trees; null: nothing is known of it. */
  storageOf(snapshotId: string): string | null {
    const rows = this.#sql.exec<{ storage: string }>(
      `SELECT storage FROM snapshots WHERE id = ?1 UNION SELECT storage FROM tree_uses WHERE snapshot_id = ?1
        UNION SELECT storage FROM workspaces WHERE head = ?1 AND storage IS NOT NULL`,
      snapshotId,
    );
    return [...rows][0]?.storage ?? null;
  }

  /**
   * Keeps at most `kept` snapshots of the session and of its workspace, the newest; never fewer than are needed. What was asked
   * for goes last.
   */
  prune(sessionId: string, workspaceId: string | null, kept: number): TreeUse[] {
    const gone = this.#prune('session_id', sessionId, kept);
    if (workspaceId !== null) gone.push(...this.#prune('workspace_id', workspaceId, kept));
    return this.#unused(gone);
  }

  /** The session is gone: so are its snapshots, but for those of a workspace that stays. Call it once `sessions` lacks it. */
  forget(sessionId: string): TreeUse[] {
    const uses = this.#sql.exec<UseRow>(
      'SELECT snapshot_id, tree, storage FROM tree_uses WHERE session_id = ?',
      sessionId,
    );
    const trees = [...this.#trees('session_id = ?', sessionId), ...[...uses].map(useOf)];
    this.releaseAll(sessionId);
    this.#sql.exec('DELETE FROM tree_uses WHERE session_id = ?', sessionId);
    this.#sql.exec(
      `DELETE FROM snapshots WHERE session_id = ?
        AND (workspace_id IS NULL OR workspace_id NOT IN (SELECT id FROM workspaces))`,
      sessionId,
    );
    return this.#unused(trees);
  }

  isUsed({ snapshot_id, tree }: TreeName): boolean {
    const rows = this.#sql.exec(
      `SELECT 1 FROM tree_uses WHERE snapshot_id = ?1 AND tree = ?2
       UNION ALL SELECT 1 FROM workspaces WHERE head = ?1 AND ?2 = 'workspace'
       UNION ALL SELECT 1 FROM snapshots WHERE id = ?1 AND (session_id IN (SELECT id FROM sessions)
         OR (?2 = 'workspace' AND workspace_id IN (SELECT id FROM workspaces)))`,
      snapshot_id,
      tree,
    );
    return rows.toArray().length > 0;
  }

  /** Whether anything was ever stored by this owner, as far as is known here. */
  isEmpty(): boolean {
    return this.#sql.exec('SELECT 1 FROM storages LIMIT 1').toArray().length === 0;
  }

  measured(storage: string, bytes: number | null): void {
    this.#sql.exec(
      `INSERT INTO storages (id, bytes) VALUES (?1, coalesce(?2, 0))
        ON CONFLICT (id) DO UPDATE SET bytes = coalesce(?2, bytes)`,
      storage,
      bytes,
    );
  }

  usage(): { bytes: number; snapshots: number; workspaces: number } {
    return this.#sql
      .exec<{ bytes: number; snapshots: number; workspaces: number }>(
        `SELECT (SELECT coalesce(sum(bytes), 0) FROM storages) AS bytes, (SELECT count(*) FROM snapshots) AS snapshots,
          (SELECT count(*) FROM workspaces) AS workspaces`,
      )
      .one();
  }

  #prune(column: 'session_id' | 'workspace_id', value: string, kept: number): TreeUse[] {
    const { count } = this.#sql
      .exec<{ count: number }>(`SELECT count(*) AS count FROM snapshots WHERE ${column} = ?`, value)
      .one();
    if (count <= kept) return [];
    const rows = this.#sql.exec<{ id: string; storage: string }>(
      `SELECT id, storage FROM snapshots AS s WHERE ${column} = ?
        AND id NOT IN (SELECT snapshot_id FROM tree_uses)
        AND id NOT IN (SELECT head FROM workspaces WHERE head IS NOT NULL)
        AND NOT (number = (SELECT max(number) FROM snapshots WHERE session_id = s.session_id)
          AND session_id IN (SELECT id FROM sessions))
        ORDER BY ${ON_REQUEST}, number LIMIT ?`,
      value,
      count - kept,
    );
    const gone = [...rows];
    for (const { id } of gone) this.#sql.exec('DELETE FROM snapshots WHERE id = ?', id);
    return gone.flatMap(({ id, storage }) => TREES.map((tree) => ({ snapshot_id: id, tree, storage })));
  }

  #trees(where: string, value: string): TreeUse[] {
    const rows = this.#sql.exec<{ id: string; storage: string }>(
      `SELECT id, storage FROM snapshots WHERE ${where}`,
      value,
    );
    return [...rows].flatMap(({ id, storage }) => TREES.map((tree) => ({ snapshot_id: id, tree, storage })));
  }

  #headTree(workspaceId: string): TreeUse[] {
    const found = this.workspace(workspaceId);
    if (found === null || found.snapshot_id === null || found.storage === null) return [];
    return [{ snapshot_id: found.snapshot_id, tree: 'workspace', storage: found.storage }];
  }

  #unused(trees: readonly TreeUse[]): TreeUse[] {
    const named = new Map(trees.map((tree) => [`${tree.snapshot_id} ${tree.tree}`, tree]));
    return [...named.values()].filter((tree) => !this.isUsed(tree));
  }
}

function useOf({ snapshot_id, tree, storage }: UseRow): TreeUse {
  return { snapshot_id, tree: storedTree.parse(tree), storage };
}

function workspaceView({ id, holder, head, bytes, created, updated }: WorkspaceRow): WorkspaceView {
  return {
    id,
    created_at: new Date(created).toISOString(),
    updated_at: new Date(updated).toISOString(),
    held_by: holder,
    snapshot_id: head,
    bytes,
  };
}
