/** The codes that were used and would be good still. */
export class UsedCodes {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec('CREATE TABLE IF NOT EXISTS used_codes (code TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID');
  }

  /** @param until when the code is over, epoch milliseconds @returns false: it was used before */
  use(code: string, until: number): boolean {
    const { rowsWritten } = this.#sql.exec('INSERT OR IGNORE INTO used_codes (code, until) VALUES (?, ?)', code, until);
    return rowsWritten > 0;
  }

  /** Removes those that are over. */
  prune(now: number): void {
    this.#sql.exec('DELETE FROM used_codes WHERE until <= ?', now);
  }
}
