import type { SessionRecord } from './record.ts';

/** Keeps the record in the object's own database, so that it changes in the same transaction as the log. */
export class RecordTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Makes its table, where it is not there. */
  create(): void {
    this.#sql.exec('CREATE TABLE IF NOT EXISTS record (id INTEGER PRIMARY KEY CHECK (id = 1), json TEXT NOT NULL)');
  }

  /** Null: there is no record yet. The table must be there. */
  load(): SessionRecord | null {
    const row = this.#sql.exec<{ json: string }>('SELECT json FROM record').toArray()[0];
    return row === undefined ? null : (JSON.parse(row.json) as SessionRecord);
  }

  save(record: SessionRecord): void {
    this.#sql.exec('INSERT OR REPLACE INTO record (id, json) VALUES (1, ?)', JSON.stringify(record));
  }
}
