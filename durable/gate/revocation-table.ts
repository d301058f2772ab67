import type { Revocation, TokenMark } from '../rpc/gate-rpc.ts';

/** Revoked tokens, until none that fits can be valid any more. */
export class RevocationTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec('CREATE TABLE IF NOT EXISTS revoked_tokens (jti TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID');
    sql.exec(`CREATE TABLE IF NOT EXISTS revoked_owners (
      sub TEXT PRIMARY KEY, before INTEGER NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID`);
  }

  add(what: Revocation, until: number): void {
    if ('jti' in what) {
      this.#sql.exec('INSERT OR REPLACE INTO revoked_tokens (jti, until) VALUES (?, ?)', what.jti, until);
      return;
    }
    // An earlier time revokes nothing that is not revoked already.
    this.#sql.exec(
      `INSERT INTO revoked_owners (sub, before, until) VALUES (?, ?, ?)
       ON CONFLICT (sub) DO UPDATE SET before = max(before, excluded.before), until = max(until, excluded.until)`,
      what.sub,
      what.before,
      until,
    );
  }

  has({ jti, sub, issued }: TokenMark): boolean {
    const owners = this.#sql.exec('SELECT 1 FROM revoked_owners WHERE sub = ? AND before > ?', sub, issued ?? -1);
    if (owners.toArray().length > 0) return true;
    if (jti === null) return false;
    return this.#sql.exec('SELECT 1 FROM revoked_tokens WHERE jti = ?', jti).toArray().length > 0;
  }

  /** Removes what is over. */
  prune(now: number): void {
    this.#sql.exec('DELETE FROM revoked_tokens WHERE until <= ?', now);
    this.#sql.exec('DELETE FROM revoked_owners WHERE until <= ?', now);
  }
}
