/**
 * Updates of a session that another object has not received yet, numbered from 1. Writes belong in the caller's
 * transaction.
 */
export class UpdateTable<Update> {
  readonly #sql: SqlStorage;
  readonly #name: string;
  /**
   * Every change of a session reads this table, and most write no update. So an empty table is not queried again until
   * one is added.
   */
  #isKnownEmpty = false;

  /** @param name of the SQL table; it names the receiver */
  constructor(sql: SqlStorage, name: 'parent_news' | 'desk_news' | 'build_news') {
    this.#sql = sql;
    this.#name = name;
  }

  /** Creates the table if it does not exist. */
  create(): void {
    // AUTOINCREMENT: a number is never used twice, even after its update was deleted.
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS ${this.#name} (n INTEGER PRIMARY KEY AUTOINCREMENT, json TEXT NOT NULL)`,
    );
  }

  add(event: Update): void {
    this.#isKnownEmpty = false;
    this.#sql.exec(`INSERT INTO ${this.#name} (json) VALUES (?)`, JSON.stringify(event));
  }

  /** The oldest updates that wait. */
  next(limit: number): { readonly n: number; readonly event: Update }[] {
    const rows = this.#sql.exec<{ n: number; json: string }>(
      `SELECT n, json FROM ${this.#name} ORDER BY n LIMIT ?`,
      limit,
    );
    return [...rows].map(({ n, json }) => ({ n, event: JSON.parse(json) as Update }));
  }

  /** The receiver has all updates up to `n`: deletes them. */
  delivered(n: number): void {
    this.#sql.exec(`DELETE FROM ${this.#name} WHERE n <= ?`, n);
  }

  /** How many wait. */
  get size(): number {
    return this.isEmpty ? 0 : this.#sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${this.#name}`).one().n;
  }

  get isEmpty(): boolean {
    this.#isKnownEmpty ||= this.#sql.exec(`SELECT 1 FROM ${this.#name} LIMIT 1`).toArray().length === 0;
    return this.#isKnownEmpty;
  }
}
