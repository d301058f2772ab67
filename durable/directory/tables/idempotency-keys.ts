import type { Refusal } from '../../../protocol/api/problem.ts';
import { isSameBody, keyBody } from '../../shared/keys/key-body.ts';
import { dropExpiredKeys, KEY_LIFE_MS } from '../../shared/keys/key-life.ts';

/** The idempotency keys of calls that created a session. A key is forgotten with its session, or after a day. */
export class IdempotencyKeys {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS session_keys (
      key TEXT PRIMARY KEY, id TEXT NOT NULL, body TEXT NOT NULL, made INTEGER NOT NULL) WITHOUT ROWID`);
    sql.exec('CREATE INDEX IF NOT EXISTS session_keys_by_time ON session_keys (made)');
  }

  /** The session that this key created with this body; null: none yet. Another body with a known key is refused. */
  find(key: string, body: string, now: number): string | Refusal | null {
    const select = 'SELECT id, body FROM session_keys WHERE key = ? AND made > ?';
    const [known] = this.#sql.exec<{ id: string; body: string }>(select, key, now - KEY_LIFE_MS);
    if (known === undefined || isSameBody(known.body, body)) return known?.id ?? null;
    const detail = 'It came with another body before. Send a new key for a new session.';
    return { refused: 'idempotency_key_reused', detail };
  }

  /** The key is new, or has expired. */
  add(key: string, sessionId: string, body: string, now: number): void {
    dropExpiredKeys(this.#sql, 'session_keys', now);
    const insert = 'INSERT OR REPLACE INTO session_keys (key, id, body, made) VALUES (?, ?, ?, ?)';
    this.#sql.exec(insert, key, sessionId, keyBody(body), now);
  }

  removeOf(sessionId: string): void {
    this.#sql.exec('DELETE FROM session_keys WHERE id = ?', sessionId);
  }
}
