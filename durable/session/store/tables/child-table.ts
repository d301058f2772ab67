/** The sessions that a session has begun, and how much of their news it has heard. Changes belong inside the caller's transaction. */
export class ChildTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Makes its table, where it is not there. */
  create(): void {
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS children (
      id TEXT PRIMARY KEY, title TEXT, heard INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID`);
  }

  add(id: string, title: string | null): void {
    this.#sql.exec('INSERT INTO children (id, title) VALUES (?, ?) ON CONFLICT DO NOTHING', id, title);
  }

  /** The number of the last of its news that was heard; null: it is no child. */
  heard(id: string): number | null {
    return [...this.#sql.exec<{ heard: number }>('SELECT heard FROM children WHERE id = ?', id)][0]?.heard ?? null;
  }

  hear(id: string, n: number): void {
    this.#sql.exec('UPDATE children SET heard = ? WHERE id = ?', n, id);
  }

  /** The oldest first. */
  all(): { readonly id: string; readonly title: string | null }[] {
    return [...this.#sql.exec<{ id: string; title: string | null }>('SELECT id, title FROM children ORDER BY id')];
  }

  remove(id: string): void {
    this.#sql.exec('DELETE FROM children WHERE id = ?', id);
  }
}
