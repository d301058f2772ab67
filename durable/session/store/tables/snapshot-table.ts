import type { SnapshotReport } from '../../../../protocol/link/runner-control.ts';
import type { SnapshotPage } from '../../../rpc/session/views.ts';
import {
  skippedFile,
  type SnapshotState,
  type SnapshotTrigger,
  type SnapshotView,
} from '../../../../protocol/api/files/workspace.ts';
import * as z from 'zod';

interface Row extends Record<string, SqlStorageValue> {
  number: number;
  id: string;
  trigger: string;
  state: string;
  version: number;
  created: number;
  finished: number | null;
  files: number;
  bytes: number;
  new_bytes: number;
  owner_bytes: number | null;
  skipped: string;
  detail: string | null;
  storage: string | null;
}

/** A stored snapshot that is not recorded in the owner's directory yet. */
export interface UnrecordedSnapshot {
  readonly view: SnapshotView;
  readonly storage: string;
  readonly owner_bytes: number | null;
}

/** A requested snapshot on which no runner has reported yet. */
export interface DueSnapshot {
  readonly snapshot_id: string;
  readonly trigger: SnapshotTrigger;
}

const skippedFiles = z.array(skippedFile);

/** The snapshots of one session: those that it requested, and those that its runners reported. */
export class SnapshotTable {
  readonly #sql: SqlStorage;
  /** Cached, because it is read for every event. */
  #work: { readonly unrecorded: boolean; readonly dueAt: number | null } | null = null;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Creates the table if it does not exist. */
  create(): void {
    // `told`: the snapshot is recorded in the directory. `owed_at`: when to order it (again), epoch milliseconds; null: a
    // runner has reported on it.
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS snapshots (
      number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, trigger TEXT NOT NULL, state TEXT NOT NULL,
      version INTEGER NOT NULL, created INTEGER NOT NULL, finished INTEGER, files INTEGER NOT NULL DEFAULT 0,
      bytes INTEGER NOT NULL DEFAULT 0, new_bytes INTEGER NOT NULL DEFAULT 0, owner_bytes INTEGER,
      skipped TEXT NOT NULL DEFAULT '[]', detail TEXT, storage TEXT, told INTEGER NOT NULL DEFAULT 0, owed_at INTEGER,
      conversation TEXT)`);
  }

  /**
   * `unrecorded`: a stored snapshot is not recorded in the directory yet. `dueAt`: when the next snapshot has to be
   * ordered, epoch milliseconds; null: none.
   */
  work(): { readonly unrecorded: boolean; readonly dueAt: number | null } {
    if (this.#work === null) {
      const { unrecorded, due } = this.#sql
        .exec<{ unrecorded: number; due: number | null }>(
          `SELECT (SELECT count(*) FROM snapshots WHERE state = 'stored' AND told = 0) AS unrecorded,
            (SELECT min(owed_at) FROM snapshots WHERE state = 'pending' AND owed_at IS NOT NULL) AS due`,
        )
        .one();
      this.#work = { unrecorded: unrecorded > 0, dueAt: due };
    }
    return this.#work;
  }

  /** Adds a requested snapshot, due to be ordered at once. */
  ask(id: string, trigger: SnapshotTrigger, version: number, now: number): void {
    this.#work = null;
    this.#sql.exec(
      `INSERT OR IGNORE INTO snapshots (id, trigger, state, version, created, owed_at) VALUES (?, ?, 'pending', ?, ?, ?)`,
      id,
      trigger,
      version,
      now,
      now,
    );
  }

  /**
   * Stores a runner's report on a snapshot. False: the report contains nothing new.
   *
   * @param conversationId Claude Code's id of the conversation that it holds
   */
  report(snapshot: SnapshotReport, conversationId: string, now: number): boolean {
    this.#work = null;
    const known = this.#row(snapshot.snapshot_id);
    if (known !== null && known.state !== 'pending') return false;
    const isNew = known === null || known.state !== snapshot.state || known.detail !== snapshot.detail;
    const finished = snapshot.state === 'pending' ? null : now;
    this.#sql.exec(
      `INSERT INTO snapshots (id, trigger, state, version, created, finished, files, bytes, new_bytes, owner_bytes, skipped,
          detail, storage, conversation) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
        ON CONFLICT (id) DO UPDATE SET state = ?3, version = ?4, finished = ?6, files = ?7, bytes = ?8, new_bytes = ?9,
          owner_bytes = ?10, skipped = ?11, detail = ?12, storage = ?13, conversation = ?14, owed_at = NULL`,
      snapshot.snapshot_id,
      snapshot.trigger,
      snapshot.state,
      snapshot.version,
      Date.parse(snapshot.created_at),
      finished,
      snapshot.files,
      snapshot.bytes,
      snapshot.new_bytes,
      snapshot.owner_bytes,
      JSON.stringify(snapshot.skipped),
      snapshot.detail,
      snapshot.storage,
      conversationId,
    );
    // An older automatic snapshot that is still pending was merged into this one: no runner will store it.
    if (snapshot.state === 'stored') {
      this.#sql.exec(
        `DELETE FROM snapshots WHERE state = 'pending' AND trigger NOT IN ('requested', 'forked') AND version <= ?
          AND created <= ?`,
        snapshot.version,
        Date.parse(snapshot.created_at),
      );
    }
    return isNew;
  }

  /** The stored snapshots that are not recorded in the directory yet. */
  unrecorded(sessionId: string, workspaceId: string | null): UnrecordedSnapshot[] {
    const rows = this.#sql.exec<Row>("SELECT * FROM snapshots WHERE state = 'stored' AND told = 0 ORDER BY number");
    return [...rows].flatMap((row) =>
      row.storage === null
        ? []
        : [{ view: viewOf(row, sessionId, workspaceId), storage: row.storage, owner_bytes: row.owner_bytes }],
    );
  }

  /** Notes that the directory has recorded the snapshot. */
  setRecorded(id: string): void {
    this.#work = null;
    this.#sql.exec('UPDATE snapshots SET told = 1 WHERE id = ?', id);
  }

  isRecorded(id: string): boolean {
    return this.#sql.exec('SELECT 1 FROM snapshots WHERE id = ? AND told = 1', id).toArray().length > 0;
  }

  /** The snapshots that are to be ordered by `now`. */
  due(now: number): DueSnapshot[] {
    const rows = this.#sql.exec<{ id: string; trigger: string }>(
      "SELECT id, trigger FROM snapshots WHERE state = 'pending' AND owed_at <= ? ORDER BY number",
      now,
    );
    return [...rows].map(({ id, trigger }) => ({ snapshot_id: id, trigger: trigger as SnapshotTrigger }));
  }

  /**
   * The snapshot was ordered, or could not be: `detail` is the reason.
   *
   * @param again when to order it again if no runner has reported on it by then, epoch milliseconds
   */
  setOwed(id: string, again: number, detail: string | null): void {
    this.#work = null;
    this.#sql.exec(
      "UPDATE snapshots SET owed_at = ?, detail = ? WHERE id = ? AND state = 'pending' AND owed_at IS NOT NULL",
      again,
      detail,
      id,
    );
  }

  /** Deletes the stored snapshots that the directory no longer keeps (`removed`), and all but the newest failed ones. */
  forget(removed: readonly string[], failedKept: number): void {
    this.#work = null;
    for (const id of removed) this.#sql.exec('DELETE FROM snapshots WHERE id = ?', id);
    this.#sql.exec(
      `DELETE FROM snapshots WHERE state = 'failed'
        AND number NOT IN (SELECT number FROM snapshots WHERE state = 'failed' ORDER BY number DESC LIMIT ?)`,
      failedKept,
    );
  }

  /** The snapshots that the directory has recorded. Its retention may have removed some of them since. */
  recordedIds(): string[] {
    const rows = this.#sql.exec<{ id: string }>("SELECT id FROM snapshots WHERE state = 'stored' AND told = 1");
    return [...rows].map(({ id }) => id);
  }

  /** Claude Code's id of the conversation that a snapshot holds; null: it was not noted, so it is the session's. */
  conversation(id: string): string | null {
    const rows = this.#sql.exec<{ conversation: string | null }>('SELECT conversation FROM snapshots WHERE id = ?', id);
    return [...rows][0]?.conversation ?? null;
  }

  view(id: string, sessionId: string, workspaceId: string | null): SnapshotView | null {
    const row = this.#row(id);
    return row === null ? null : viewOf(row, sessionId, workspaceId);
  }

  /** Snapshots before `cursor`, the newest first. */
  page(sessionId: string, workspaceId: string | null, cursor: string | null, limit: number): SnapshotPage {
    const rows = this.#sql.exec<Row>(
      `SELECT * FROM snapshots WHERE (?1 IS NULL OR number < (SELECT number FROM snapshots WHERE id = ?1))
        ORDER BY number DESC LIMIT ?2`,
      cursor,
      limit + 1,
    );
    const all = [...rows].map((row) => viewOf(row, sessionId, workspaceId));
    const data = all.slice(0, limit);
    return { data, next_cursor: all.length > limit ? (data.at(-1)?.snapshot_id ?? null) : null };
  }

  #row(id: string): Row | null {
    return [...this.#sql.exec<Row>('SELECT * FROM snapshots WHERE id = ?', id)][0] ?? null;
  }
}

function viewOf(row: Row, session_id: string, workspace_id: string | null): SnapshotView {
  return {
    snapshot_id: row.id,
    session_id,
    workspace_id,
    state: row.state as SnapshotState,
    trigger: row.trigger as SnapshotTrigger,
    created_at: new Date(row.created).toISOString(),
    finished_at: row.finished === null ? null : new Date(row.finished).toISOString(),
    files: row.files,
    bytes: row.bytes,
    new_bytes: row.new_bytes,
    skipped: skippedFiles.parse(JSON.parse(row.skipped)),
    detail: row.detail,
  };
}
