/** How much of what has gone is remembered, so that whoever was away hears of it. Who was away for longer begins anew. */
const MAX_ROWS = 1000;

/** The sessions that were removed, and the interactions that wait no more, by the version of the change. */
export class GoneTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    // `interaction_id` is null: the session itself has gone.
    sql.exec(`CREATE TABLE IF NOT EXISTS gone (
      version INTEGER PRIMARY KEY, session_id TEXT NOT NULL, interaction_id TEXT)`);
  }

  add(version: number, sessionId: string, interactionId: string | null): void {
    this.#sql.exec(
      'INSERT INTO gone (version, session_id, interaction_id) VALUES (?, ?, ?)',
      version,
      sessionId,
      interactionId,
    );
    const oldest = 'SELECT version FROM gone ORDER BY version DESC LIMIT 1 OFFSET ?';
    this.#sql.exec(`DELETE FROM gone WHERE version <= (${oldest})`, MAX_ROWS);
  }

  /** What has gone after this version is remembered. Before it, something may be forgotten. */
  get since(): number {
    const { rows, oldest } = this.#sql
      .exec<{ rows: number; oldest: number | null }>('SELECT count(*) AS rows, min(version) AS oldest FROM gone')
      .one();
    return rows < MAX_ROWS ? 0 : (oldest ?? 0) - 1;
  }
}
