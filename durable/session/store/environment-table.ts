import type { FrozenEnvironment } from '../../shared/environments/frozen.ts';

/** What the session keeps of its environment. It is no part of the record, which is written anew with each change. */
export class SessionEnvironmentTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Makes its table, where it is not there. */
  create(): void {
    this.#sql.exec(
      'CREATE TABLE IF NOT EXISTS environment (id INTEGER PRIMARY KEY CHECK (id = 1), json TEXT NOT NULL)',
    );
  }

  set(environment: FrozenEnvironment): void {
    this.#sql.exec('INSERT INTO environment (id, json) VALUES (1, ?)', JSON.stringify(environment));
  }

  change(environment: FrozenEnvironment): void {
    this.#sql.exec('UPDATE environment SET json = ?', JSON.stringify(environment));
  }

  /** Null: it has none. */
  get(): FrozenEnvironment | null {
    const [row] = this.#sql.exec<{ json: string }>('SELECT json FROM environment');
    return row === undefined ? null : (JSON.parse(row.json) as FrozenEnvironment);
  }
}
