/** How far the session's events have been copied to its Redis stream. One row, once there is something to note. */
export class CursorTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Creates the table if it does not exist. */
  create(): void {
    this.#sql.exec(
      'CREATE TABLE IF NOT EXISTS stream_cursor (id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL)',
    );
  }

  /** `seq` of the last event that was copied; 0: none was. */
  get(): number {
    return [...this.#sql.exec<{ seq: number }>('SELECT seq FROM stream_cursor')][0]?.seq ?? 0;
  }

  set(seq: number): void {
    this.#sql.exec(
      'INSERT INTO stream_cursor (id, seq) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET seq = excluded.seq',
      seq,
    );
  }
}
