import { storedTree, type TreeKind, type TreeName } from '../../../protocol/link/runner-control.ts';
import { snapshotView, type SnapshotView } from '../../../protocol/api/files/workspace.ts';
import type { Head } from '../../shared/trees.ts';

/** A stored tree that a session needs: one of a snapshot, or an artifact. */
export interface TreeUse extends TreeName {
  readonly storage: string;
}

export interface StoredSnapshot {
  readonly storage: string;
  readonly view: SnapshotView;
}

interface UseRow extends Record<string, SqlStorageValue> {
  snapshot_id: string;
  tree: string;
  storage: string;
}

/** The trees of one snapshot. */
const TREES: readonly TreeKind[] = ['workspace', 'conversation'];

/** Snapshots that somebody asked for. They are pruned last. */
const ON_REQUEST = "trigger IN ('requested', 'forked')";

/** An owner's stored snapshots, and which session needs which stored tree. */
export class SnapshotTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS snapshots (
      number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, session_id TEXT NOT NULL, workspace_id TEXT,
      storage TEXT NOT NULL, trigger TEXT NOT NULL, view TEXT NOT NULL)`);
    sql.exec('CREATE INDEX IF NOT EXISTS snapshots_of_session ON snapshots (session_id, number)');
    sql.exec('CREATE INDEX IF NOT EXISTS snapshots_of_workspace ON snapshots (workspace_id, number)');
    // A use may outlive the snapshot's own row: the trees that a fork began with stay as long as the fork.
    sql.exec(`CREATE TABLE IF NOT EXISTS tree_uses (
      session_id TEXT NOT NULL, snapshot_id TEXT NOT NULL, tree TEXT NOT NULL, storage TEXT NOT NULL,
      PRIMARY KEY (session_id, snapshot_id, tree)) WITHOUT ROWID`);
    sql.exec('CREATE INDEX IF NOT EXISTS uses_of_tree ON tree_uses (snapshot_id)');
  }

  get(id: string): (StoredSnapshot & { readonly workspace_id: string | null }) | null {
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

  /** A workspace's snapshots, the newest first, from the one after `cursor`. */
  ofWorkspace(workspaceId: string, cursor: string | null, limit: number): SnapshotView[] {
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
  kept(ids: readonly string[]): string[] {
    return ids.filter((id) => this.#sql.exec('SELECT 1 FROM snapshots WHERE id = ?', id).toArray().length > 0);
  }

  /** Sets all trees of snapshots that a session needs, in place of those before. Its artifacts stay. */
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

  /** A session no longer needs this tree. @returns the trees that nobody needs now */
  removeUse(sessionId: string, { snapshot_id, tree }: TreeName): TreeUse[] {
    const removed = this.#sql.exec<UseRow>(
      'DELETE FROM tree_uses WHERE session_id = ? AND snapshot_id = ? AND tree = ? RETURNING snapshot_id, tree, storage',
      sessionId,
      snapshot_id,
      tree,
    );
    return this.unused([...removed].map(useOf));
  }

  /** The storage that has a snapshot's trees; null: unknown. */
  storageOf(snapshotId: string): string | null {
    const rows = this.#sql.exec<{ storage: string }>(
      `SELECT storage FROM snapshots WHERE id = ?1 UNION SELECT storage FROM tree_uses WHERE snapshot_id = ?1
        UNION SELECT storage FROM workspaces WHERE head = ?1 AND storage IS NOT NULL`,
      snapshotId,
    );
    return [...rows][0]?.storage ?? null;
  }

  /**
   * Keeps the newest `kept` snapshots of the session, and as many of its workspace. Snapshots that are needed stay, even if they
   * are more. Those that somebody asked for go last.
   *
   * @returns the trees that nobody needs now
   */
  prune(sessionId: string, workspaceId: string | null, kept: number): TreeUse[] {
    const trees = this.#prune('session_id', sessionId, kept);
    if (workspaceId !== null) trees.push(...this.#prune('workspace_id', workspaceId, kept));
    return this.unused(trees);
  }

  /**
   * Removes the snapshots of a deleted session, except those of a workspace that stays. Call it after the session has left
   * `sessions`.
   *
   * @returns the trees that nobody needs now
   */
  forgetSession(sessionId: string): TreeUse[] {
    const uses = this.#sql.exec<UseRow>(
      'SELECT snapshot_id, tree, storage FROM tree_uses WHERE session_id = ?',
      sessionId,
    );
    const trees = [...this.#trees('session_id = ?', sessionId), ...[...uses].map(useOf)];
    this.#sql.exec('DELETE FROM tree_uses WHERE session_id = ?', sessionId);
    this.#sql.exec(
      `DELETE FROM snapshots WHERE session_id = ?
        AND (workspace_id IS NULL OR workspace_id NOT IN (SELECT id FROM workspaces))`,
      sessionId,
    );
    return this.unused(trees);
  }

  /** The stored files of a workspace. (A conversation is its session's, whether that exists or not.) */
  workspaceTrees(workspaceId: string, head: Head | null): TreeUse[] {
    const trees = this.#trees('workspace_id = ?', workspaceId).filter(({ tree }) => tree === 'workspace');
    return head === null ? trees : [...trees, { ...head, tree: 'workspace' }];
  }

  /** The workspace is removed. Its snapshots of existing sessions stay, as those sessions' own. */
  forgetWorkspace(workspaceId: string): void {
    this.#sql.exec(
      'DELETE FROM snapshots WHERE workspace_id = ? AND session_id NOT IN (SELECT id FROM sessions)',
      workspaceId,
    );
    this.#sql.exec('UPDATE snapshots SET workspace_id = NULL WHERE workspace_id = ?', workspaceId);
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

  /** Those of these trees that nobody needs, each once. */
  unused(trees: readonly TreeUse[]): TreeUse[] {
    const distinct = new Map(trees.map((tree) => [`${tree.snapshot_id} ${tree.tree}`, tree]));
    return [...distinct.values()].filter((tree) => !this.isUsed(tree));
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
    const pruned = [...rows];
    for (const { id } of pruned) this.#sql.exec('DELETE FROM snapshots WHERE id = ?', id);
    return pruned.flatMap(treesOf);
  }

  #trees(where: string, value: string): TreeUse[] {
    const select = `SELECT id, storage FROM snapshots WHERE ${where}`;
    return [...this.#sql.exec<{ id: string; storage: string }>(select, value)].flatMap(treesOf);
  }
}

function treesOf({ id, storage }: { readonly id: string; readonly storage: string }): TreeUse[] {
  return TREES.map((tree) => ({ snapshot_id: id, tree, storage }));
}

function useOf({ snapshot_id, tree, storage }: UseRow): TreeUse {
  return { snapshot_id, tree: storedTree.parse(tree), storage };
}
