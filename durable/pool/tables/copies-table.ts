/** Which runner has files of which session, and which files are to be removed. */
export class CopiesTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    // A session that moves leaves a copy of its files behind.
    sql.exec(`CREATE TABLE IF NOT EXISTS copies (
      session_id TEXT NOT NULL, runner TEXT NOT NULL, PRIMARY KEY (session_id, runner)) WITHOUT ROWID`);
    sql.exec(`CREATE TABLE IF NOT EXISTS removals (
      session_id TEXT NOT NULL, runner TEXT NOT NULL, PRIMARY KEY (session_id, runner)) WITHOUT ROWID`);
  }

  /** The runner has files of that session, or will have them. */
  add(sessionId: string, runner: string): void {
    this.#sql.exec('INSERT OR IGNORE INTO copies (session_id, runner) VALUES (?, ?)', sessionId, runner);
  }

  /** Whether the runner has, or had, files of that session. */
  has(sessionId: string, runner: string): boolean {
    const query = 'SELECT 1 FROM copies WHERE session_id = ? AND runner = ?';
    return this.#sql.exec(query, sessionId, runner).toArray().length > 0;
  }

  /** Whether any runner has, or had, files of that session. */
  knows(sessionId: string): boolean {
    return this.#sql.exec('SELECT 1 FROM copies WHERE session_id = ? LIMIT 1', sessionId).toArray().length > 0;
  }

  /** Forgets a session. @returns the runners that have to remove its files */
  forget(sessionId: string): string[] {
    this.#sql.exec(
      'INSERT OR IGNORE INTO removals (session_id, runner) SELECT session_id, runner FROM copies WHERE session_id = ?',
      sessionId,
    );
    this.#sql.exec('DELETE FROM copies WHERE session_id = ?', sessionId);
    const rows = this.#sql.exec<{ runner: string }>('SELECT runner FROM removals WHERE session_id = ?', sessionId);
    return [...rows].map(({ runner }) => runner);
  }

  /** The sessions whose files the runner has to remove. */
  removals(runner: string): string[] {
    const rows = this.#sql.exec<{ session_id: string }>('SELECT session_id FROM removals WHERE runner = ?', runner);
    return [...rows].map(({ session_id }) => session_id);
  }

  /** The runner has removed all that it had of that session. */
  removed(sessionId: string, runner: string): void {
    this.#sql.exec('DELETE FROM removals WHERE session_id = ? AND runner = ?', sessionId, runner);
  }
}
