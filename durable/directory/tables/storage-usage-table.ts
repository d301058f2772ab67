/** What an owner's snapshots and artifacts take, in each storage that the owner has used. */
export class StorageUsageTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec('CREATE TABLE IF NOT EXISTS storages (id TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID');
    // Storages from which something was removed since they were measured: they hold less than is known, and nobody knows how much.
    sql.exec('CREATE TABLE IF NOT EXISTS storages_to_measure (id TEXT PRIMARY KEY) WITHOUT ROWID');
  }

  /** Whether this owner has never stored anything, as far as this directory knows. */
  isEmpty(): boolean {
    return this.#sql.exec('SELECT 1 FROM storages LIMIT 1').toArray().length === 0;
  }

  /** @param bytes null: not measured, so what was measured before stays */
  setBytes(storage: string, bytes: number | null): void {
    this.#sql.exec(
      `INSERT INTO storages (id, bytes) VALUES (?1, coalesce(?2, 0))
        ON CONFLICT (id) DO UPDATE SET bytes = coalesce(?2, bytes)`,
      storage,
      bytes,
    );
    if (bytes !== null) this.#sql.exec('DELETE FROM storages_to_measure WHERE id = ?', storage);
  }

  /** Something is removed from a storage. What it holds is known again with the next snapshot. */
  removed(storage: string): void {
    this.#sql.exec('INSERT OR IGNORE INTO storages_to_measure (id) VALUES (?)', storage);
  }

  /** Bytes that are known to be stored: nothing was removed since they were measured. */
  certain(): number {
    const select =
      'SELECT coalesce(sum(bytes), 0) AS bytes FROM storages WHERE id NOT IN (SELECT id FROM storages_to_measure)';
    return this.#sql.exec<{ bytes: number }>(select).one().bytes;
  }

  totals(): { bytes: number; snapshots: number; workspaces: number } {
    return this.#sql
      .exec<{ bytes: number; snapshots: number; workspaces: number }>(
        `SELECT (SELECT coalesce(sum(bytes), 0) FROM storages) AS bytes, (SELECT count(*) FROM snapshots) AS snapshots,
          (SELECT count(*) FROM workspaces) AS workspaces`,
      )
      .one();
  }
}
