import type { EnvironmentRequest } from '../../../protocol/api/environment.ts';

/** One of the owner's environments. */
export interface EnvironmentRow {
  readonly name: string;
  readonly request: EnvironmentRequest;
  readonly revision: string;
  /** Epoch milliseconds. */
  readonly created: number;
  readonly updated: number;
}

interface Row extends Record<string, SqlStorageValue> {
  name: string;
  json: string;
  revision: string;
  created: number;
  updated: number;
}

const COLUMNS = 'name, json, revision, created, updated';

const read = ({ json, ...row }: Row): EnvironmentRow => ({ ...row, request: JSON.parse(json) as EnvironmentRequest });

/** The owner's environments, by name. */
export class EnvironmentTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS environments (
      name TEXT PRIMARY KEY, json TEXT NOT NULL, revision TEXT NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL)
      WITHOUT ROWID`);
  }

  get count(): number {
    return this.#sql.exec<{ n: number }>('SELECT count(*) AS n FROM environments').one().n;
  }

  all(): EnvironmentRow[] {
    return [...this.#sql.exec<Row>(`SELECT ${COLUMNS} FROM environments`)].map(read);
  }

  get(name: string): EnvironmentRow | null {
    const [row] = this.#sql.exec<Row>(`SELECT ${COLUMNS} FROM environments WHERE name = ?`, name);
    return row === undefined ? null : read(row);
  }

  set({ name, request, revision, created, updated }: EnvironmentRow): void {
    const insert = `INSERT OR REPLACE INTO environments (${COLUMNS}) VALUES (?, ?, ?, ?, ?)`;
    this.#sql.exec(insert, name, JSON.stringify(request), revision, created, updated);
  }

  remove(name: string): void {
    this.#sql.exec('DELETE FROM environments WHERE name = ?', name);
  }
}
