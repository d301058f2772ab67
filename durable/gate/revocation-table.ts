import type { Revocation, TokenMark } from '../rpc/gate-rpc.ts';

/** Revoked tokens. They are kept for ever where nobody knows how long a token lives: one that is named by its `jti` or its owner alone. */
export class RevocationTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec('CREATE TABLE IF NOT EXISTS revoked_tokens (jti TEXT PRIMARY KEY) WITHOUT ROWID');
    sql.exec('CREATE TABLE IF NOT EXISTS ended_tokens (jti TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID');
    sql.exec('CREATE TABLE IF NOT EXISTS revoked_owners (sub TEXT PRIMARY KEY, before INTEGER NOT NULL) WITHOUT ROWID');
  }

  add(what: Revocation): void {
    if ('jti' in what && what.until !== undefined) {
      this.#sql.exec('INSERT OR IGNORE INTO ended_tokens (jti, until) VALUES (?, ?)', what.jti, what.until);
      return;
    }
    if ('jti' in what) {
      this.#sql.exec('INSERT OR IGNORE INTO revoked_tokens (jti) VALUES (?)', what.jti);
      return;
    }
    // An earlier time revokes nothing that is not revoked already.
    this.#sql.exec(
      `INSERT INTO revoked_owners (sub, before) VALUES (?, ?)
       ON CONFLICT (sub) DO UPDATE SET before = max(before, excluded.before)`,
      what.sub,
      what.before,
    );
  }

  has({ jti, sub, issued, of }: TokenMark): boolean {
    const owners = this.#sql.exec('SELECT 1 FROM revoked_owners WHERE sub = ? AND before > ?', sub, issued ?? -1);
    if (owners.toArray().length > 0) return true;
    return [jti, of ?? null].some((id) => id !== null && this.#isNamed(id));
  }

  /** Removes those that are over anyway. */
  prune(now: number): void {
    this.#sql.exec('DELETE FROM ended_tokens WHERE until <= ?', now);
  }

  #isNamed(jti: string): boolean {
    const found = this.#sql.exec(
      'SELECT 1 FROM revoked_tokens WHERE jti = ? UNION ALL SELECT 1 FROM ended_tokens WHERE jti = ?',
      jti,
      jti,
    );
    return found.toArray().length > 0;
  }
}
