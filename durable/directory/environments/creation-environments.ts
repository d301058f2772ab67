import type { FrozenEnvironment } from '../../shared/environments/frozen.ts';

/**
 * What new sessions keep of their environments. It is here until the session has it, because the call that creates it may have to be
 * repeated, and the environment may be another by then.
 */
export class CreationEnvironments {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec('CREATE TABLE IF NOT EXISTS begun_environments (id TEXT PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID');
  }

  add(id: string, environment: FrozenEnvironment): void {
    this.#sql.exec('INSERT INTO begun_environments (id, json) VALUES (?, ?)', id, JSON.stringify(environment));
  }

  /** Null: the session has none, or has it. */
  get(id: string): FrozenEnvironment | null {
    const [row] = this.#sql.exec<{ json: string }>('SELECT json FROM begun_environments WHERE id = ?', id);
    return row === undefined ? null : (JSON.parse(row.json) as FrozenEnvironment);
  }

  remove(id: string): void {
    this.#sql.exec('DELETE FROM begun_environments WHERE id = ?', id);
  }
}
