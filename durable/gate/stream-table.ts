import type { OpenStream, Revocation } from '../rpc/gate-rpc.ts';

/** A session that has yet to hear of a revocation, which is JSON here. */
export interface Untold {
  readonly session_id: string;
  readonly what: string;
}

/** Which sessions may have streams open by which tokens, and which of them have yet to hear of a revocation. */
export class StreamTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS streams (
      session_id TEXT NOT NULL, sub TEXT NOT NULL, jti TEXT NOT NULL, until INTEGER NOT NULL,
      PRIMARY KEY (session_id, jti)) WITHOUT ROWID`);
    sql.exec('CREATE INDEX IF NOT EXISTS streams_by_sub ON streams (sub)');
    sql.exec('CREATE INDEX IF NOT EXISTS streams_by_jti ON streams (jti)');
    sql.exec(`CREATE TABLE IF NOT EXISTS untold_sessions (
      session_id TEXT NOT NULL, what TEXT NOT NULL, PRIMARY KEY (session_id, what)) WITHOUT ROWID`);
  }

  /** Nothing says when a stream ends: it is here until its token is over. */
  add({ session_id, sub, jti, of, until }: OpenStream): void {
    // One that ends with another token too is found by either.
    for (const id of [jti ?? '', ...(of === undefined ? [] : [of])])
      this.#sql.exec(
        `INSERT INTO streams (session_id, sub, jti, until) VALUES (?, ?, ?, ?)
         ON CONFLICT (session_id, jti) DO UPDATE SET until = max(until, excluded.until)`,
        session_id,
        sub,
        id,
        until,
      );
  }

  /** Notes that these sessions have to hear of it. */
  revoked(what: Revocation): void {
    const [column, value] = 'jti' in what ? ['jti', what.jti] : ['sub', what.sub];
    this.#sql.exec(
      `INSERT OR IGNORE INTO untold_sessions (session_id, what) SELECT DISTINCT session_id, ? FROM streams WHERE ${column} = ?`,
      JSON.stringify(what),
      value,
    );
  }

  /** Some of them. */
  untold(): Untold[] {
    const rows = this.#sql.exec<{ session_id: string; what: string }>(
      'SELECT session_id, what FROM untold_sessions LIMIT 100',
    );
    return rows.toArray();
  }

  told(sessionId: string, what: string): void {
    this.#sql.exec('DELETE FROM untold_sessions WHERE session_id = ? AND what = ?', sessionId, what);
  }

  /** Removes what is over. */
  prune(now: number): void {
    this.#sql.exec('DELETE FROM streams WHERE until <= ?', now);
  }
}
