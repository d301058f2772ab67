import type { Refusal } from '../../protocol/api/problem.ts';

/** The idempotency keys of calls that created a session. A key is forgotten with its session. */
export class IdempotencyKeys {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS session_keys (
      key TEXT PRIMARY KEY, id TEXT NOT NULL, body TEXT NOT NULL) WITHOUT ROWID`);
  }

  /** The session that this key created with this body; null: none yet. Another body with a known key is refused. */
  find(key: string, body: string): string | Refusal | null {
    const rows = this.#sql.exec<{ id: string; body: string }>('SELECT id, body FROM session_keys WHERE key = ?', key);
    const known = [...rows][0];
    if (known === undefined || known.body === body) return known?.id ?? null;
    const detail = 'It came with another body before. Send a new key for a new session.';
    return { refused: 'idempotency_key_reused', detail };
  }

  add(key: string, sessionId: string, body: string): void {
    this.#sql.exec('INSERT INTO session_keys (key, id, body) VALUES (?, ?, ?)', key, sessionId, body);
  }

  removeOf(sessionId: string): void {
    this.#sql.exec('DELETE FROM session_keys WHERE id = ?', sessionId);
  }
}
