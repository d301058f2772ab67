const HOUR_MS = 3_600_000;

/** When the owner created sessions within the last hour. A session that is deleted still counts. */
export class CreationTimes {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec('CREATE TABLE IF NOT EXISTS creation_times (at INTEGER NOT NULL)');
    sql.exec('CREATE INDEX IF NOT EXISTS creation_times_by_time ON creation_times (at)');
  }

  /** When one more may be created, epoch milliseconds; null: now. @param limit how many may be created in an hour */
  nextAt(limit: number, now: number): number | null {
    const select = 'SELECT at FROM creation_times ORDER BY at DESC LIMIT 1 OFFSET ?';
    const [row] = this.#sql.exec<{ at: number }>(select, limit - 1);
    return row === undefined || row.at + HOUR_MS <= now ? null : row.at + HOUR_MS;
  }

  add(now: number): void {
    this.#sql.exec('DELETE FROM creation_times WHERE at <= ?', now - HOUR_MS);
    this.#sql.exec('INSERT INTO creation_times (at) VALUES (?)', now);
  }
}
