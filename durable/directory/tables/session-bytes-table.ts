/** What each session of the owner takes in its own database, bytes, as it last reported: its log, messages, prompts and all else. */
export class SessionBytesTable {
  readonly #sql: SqlStorage;
  /** The sum of all, because each report needs it; null: not read yet. */
  #total: number | null = null;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec('CREATE TABLE IF NOT EXISTS session_bytes (id TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID');
  }

  /** @param bytes 0: the session is deleted */
  set(sessionId: string, bytes: number): void {
    const before = this.#of(sessionId);
    if (bytes === before) return;
    const total = this.total();
    if (bytes === 0) this.#sql.exec('DELETE FROM session_bytes WHERE id = ?', sessionId);
    else this.#sql.exec('INSERT OR REPLACE INTO session_bytes (id, bytes) VALUES (?, ?)', sessionId, bytes);
    this.#total = total - before + bytes;
  }

  total(): number {
    this.#total ??= this.#sql
      .exec<{ total: number }>('SELECT coalesce(sum(bytes), 0) AS total FROM session_bytes')
      .one().total;
    return this.#total;
  }

  /** The session that takes the most; null: none has reported. */
  largest(): { readonly id: string; readonly bytes: number } | null {
    const select = 'SELECT id, bytes FROM session_bytes ORDER BY bytes DESC LIMIT 1';
    return this.#sql.exec<{ id: string; bytes: number }>(select).toArray()[0] ?? null;
  }

  #of(sessionId: string): number {
    const rows = this.#sql.exec<{ bytes: number }>('SELECT bytes FROM session_bytes WHERE id = ?', sessionId);
    return rows.toArray()[0]?.bytes ?? 0;
  }
}
