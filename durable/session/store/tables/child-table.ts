/** A session's children, and how many of their updates it has received. Writes belong in the caller's transaction. */
export class ChildTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Creates the table if it does not exist. */
  create(): void {
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS children (
      id TEXT PRIMARY KEY, title TEXT, heard INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID`);
  }

  add(id: string, title: string | null): void {
    this.#sql.exec('INSERT INTO children (id, title) VALUES (?, ?) ON CONFLICT DO NOTHING', id, title);
  }

  /** The number of the last update that was received from this child, 0: none; null: it is no child. */
  lastUpdate(id: string): number | null {
    return [...this.#sql.exec<{ heard: number }>('SELECT heard FROM children WHERE id = ?', id)][0]?.heard ?? null;
  }

  /** The child has this title now. */
  retitle(id: string, title: string | null): void {
    this.#sql.exec('UPDATE children SET title = ? WHERE id = ? AND title IS NOT ?', title, id, title);
  }

  /** Records that all updates of this child up to `n` were received. */
  setLastUpdate(id: string, n: number): void {
    this.#sql.exec('UPDATE children SET heard = ? WHERE id = ?', n, id);
  }

  /** All children, the oldest first. */
  all(): { readonly id: string; readonly title: string | null }[] {
    return [...this.#sql.exec<{ id: string; title: string | null }>('SELECT id, title FROM children ORDER BY id')];
  }

  remove(id: string): void {
    this.#sql.exec('DELETE FROM children WHERE id = ?', id);
  }
}
