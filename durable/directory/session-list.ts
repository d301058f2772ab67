import type { SessionStatus } from '../../protocol/api/session/session.ts';
import { jsonText, type JsonText } from '../../protocol/json-text.ts';
import type { ListInput, ListPage, SummaryText } from '../rpc/directory/lists.ts';
import type { StoredSummary, VersionedSummary } from '../rpc/session/views.ts';
import { ACTIVE_STATUSES, isActive } from '../shared/session-status.ts';
import type { Versions } from './feed/versions.ts';

/** A summary that was stored. */
export interface Listed {
  /** Of this change, in the owner's feed. */
  readonly version: number;
  readonly summary: JsonText<StoredSummary>;
  /** The session was active before. */
  readonly hasEnded: boolean;
}

/** The owner's sessions with their newest summaries. */
export class SessionList {
  readonly #sql: SqlStorage;
  readonly #versions: Versions;

  constructor(sql: SqlStorage, versions: Versions) {
    this.#sql = sql;
    this.#versions = versions;
    // `version` is that of its last change in the owner's feed.
    sql.exec(`CREATE TABLE IF NOT EXISTS sessions (
      id TEXT PRIMARY KEY, status TEXT NOT NULL, changes INTEGER NOT NULL, summary TEXT,
      version INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID`);
    // Counting the sessions, or those that are active, does not read their summaries.
    sql.exec('CREATE INDEX IF NOT EXISTS sessions_by_status ON sessions (status)');
  }

  /** Adds a session that is to be created. The list shows it once its first summary has come. */
  add(id: string): void {
    const status: SessionStatus = 'queued';
    this.#sql.exec('INSERT INTO sessions (id, status, changes) VALUES (?, ?, 0)', id, status);
  }

  has(id: string): boolean {
    return this.#sql.exec('SELECT 1 FROM sessions WHERE id = ?', id).toArray().length > 0;
  }

  count(): number {
    return this.#sql.exec<{ count: number }>('SELECT count(*) AS count FROM sessions').one().count;
  }

  countByStatus(): Partial<Record<SessionStatus, number>> {
    const rows = this.#sql.exec<{ status: SessionStatus; n: number }>(
      'SELECT status, count(*) AS n FROM sessions GROUP BY status',
    );
    return Object.fromEntries([...rows].map(({ status, n }) => [status, n]));
  }

  /** The newest sessions first. @param ids only those of these; null: all */
  page({ status, limit, offset, cursor }: ListInput, ids: readonly string[] | null): ListPage<SummaryText> {
    const ofStatus = status === undefined ? '' : 'AND status = ?';
    const ofIds = ids === null ? '' : 'AND id IN (SELECT value FROM json_each(?))';
    const where = `summary IS NOT NULL ${ofStatus} ${ofIds}`;
    const args = [...(status === undefined ? [] : [status]), ...(ids === null ? [] : [JSON.stringify(ids)])];
    const { total } = this.#sql
      .exec<{ total: number }>(`SELECT count(*) AS total FROM sessions WHERE ${where}`, ...args)
      .one();
    // UUIDv7 sorts by time.
    const rows = [
      ...this.#sql.exec<{ id: string; summary: JsonText<StoredSummary> }>(
        `SELECT id, summary FROM sessions WHERE ${where} ${cursor === undefined ? '' : 'AND id < ?'} ORDER BY id DESC LIMIT ? OFFSET ?`,
        ...args,
        ...(cursor === undefined ? [] : [cursor]),
        limit + 1,
        offset,
      ),
    ];
    const page = rows.slice(0, limit);
    return {
      data: page,
      next_cursor: rows.length > limit ? (page.at(-1)?.id ?? null) : null,
      total,
    };
  }

  /** What is shown of a session; null: it is removed, or nothing is yet. */
  summary(id: string): JsonText<StoredSummary> | null {
    const select = 'SELECT summary FROM sessions WHERE id = ?';
    const rows = [...this.#sql.exec<{ summary: JsonText<StoredSummary> | null }>(select, id)];
    return rows[0]?.summary ?? null;
  }

  /** Those of these sessions that exist, the oldest first. */
  summaries(ids: readonly string[]): StoredSummary[] {
    return ids.toSorted().flatMap((id) => {
      const rows = this.#sql.exec<{ summary: string | null }>('SELECT summary FROM sessions WHERE id = ?', id);
      return [...rows].flatMap(({ summary }) => (summary === null ? [] : [JSON.parse(summary) as StoredSummary]));
    });
  }

  /** The sessions that hold a container or wait for one. */
  active(): string[] {
    const statuses = ACTIVE_STATUSES.map(() => '?').join(', ');
    const select = `SELECT id FROM sessions WHERE status IN (${statuses})`;
    return [...this.#sql.exec<{ id: string }>(select, ...ACTIVE_STATUSES)].map(({ id }) => id);
  }

  /** Stores a summary. Null: a newer one is stored, or the session is removed. */
  update({ changes, summary }: VersionedSummary): Listed | null {
    const [before] = this.#sql.exec<{ status: SessionStatus }>(
      'SELECT status FROM sessions WHERE id = ? AND changes < ?',
      summary.session_id,
      changes,
    );
    if (before === undefined) return null;
    const version = this.#versions.next();
    const text = jsonText(summary);
    this.#sql.exec(
      'UPDATE sessions SET status = ?, changes = ?, summary = ?, version = ? WHERE id = ?',
      summary.status,
      changes,
      text,
      version,
      summary.session_id,
    );
    return { version, summary: text, hasEnded: isActive(before.status) && !isActive(summary.status) };
  }

  remove(id: string): void {
    this.#sql.exec('DELETE FROM sessions WHERE id = ?', id);
  }
}
