import type { WorkspaceView } from '../../../protocol/api/files/workspace.ts';
import type { Head } from '../../shared/trees.ts';

interface Row extends Record<string, SqlStorageValue> {
  id: string;
  holder: string | null;
  held_version: number;
  head: string | null;
  storage: string | null;
  bytes: number;
  created: number;
  updated: number;
}

/** A persistent workspace. `view.held_by` is the session that leases it. */
export interface StoredWorkspace {
  readonly view: WorkspaceView;
  /** Its newest snapshot; null: nothing of it is saved. */
  readonly head: Head | null;
  /** Of the newest lease: a request of an older version is ignored. */
  readonly lease_version: number;
}

/** An owner's persistent workspaces: which session leases each, and the newest snapshot of each. */
export class WorkspaceTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS workspaces (
      id TEXT PRIMARY KEY, holder TEXT, held_version INTEGER NOT NULL DEFAULT 0, head TEXT, storage TEXT,
      bytes INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL, updated INTEGER NOT NULL) WITHOUT ROWID`);
  }

  get(id: string): StoredWorkspace | null {
    const row = [...this.#sql.exec<Row>('SELECT * FROM workspaces WHERE id = ?', id)][0];
    if (row === undefined) return null;
    const { head, storage } = row;
    return {
      view: viewOf(row),
      head: head === null || storage === null ? null : { snapshot_id: head, storage },
      lease_version: row.held_version,
    };
  }

  page(after: string, limit: number): WorkspaceView[] {
    const rows = this.#sql.exec<Row>('SELECT * FROM workspaces WHERE id > ? ORDER BY id LIMIT ?', after, limit);
    return [...rows].map(viewOf);
  }

  lease(id: string, sessionId: string, version: number, now: number): void {
    this.#sql.exec('INSERT OR IGNORE INTO workspaces (id, created, updated) VALUES (?, ?, ?)', id, now, now);
    this.#sql.exec('UPDATE workspaces SET holder = ?, held_version = ? WHERE id = ?', sessionId, version, id);
  }

  release(id: string, sessionId: string): void {
    this.#sql.exec('UPDATE workspaces SET holder = NULL WHERE id = ? AND holder = ?', id, sessionId);
  }

  releaseAll(sessionId: string): void {
    this.#sql.exec('UPDATE workspaces SET holder = NULL WHERE holder = ?', sessionId);
  }

  /** Sets the newest snapshot of a workspace that this session leases. `bytes`: null keeps the size that is known. */
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

  remove(id: string): void {
    this.#sql.exec('DELETE FROM workspaces WHERE id = ?', id);
  }
}

function viewOf({ id, holder, head, bytes, created, updated }: Row): WorkspaceView {
  return {
    id,
    created_at: new Date(created).toISOString(),
    updated_at: new Date(updated).toISOString(),
    held_by: holder,
    snapshot_id: head,
    bytes,
  };
}
