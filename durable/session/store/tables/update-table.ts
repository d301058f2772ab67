/** News of a session that somebody has yet to hear, numbered from 1. Changes belong inside the caller's transaction. */
export class NewsTable<News> {
  readonly #sql: SqlStorage;
  readonly #name: string;
  /** Looked at with each change of a session, most of which have no news: so a table that was empty is not asked again. */
  #isKnownEmpty = false;

  /** @param name of the table: whom they are for */
  constructor(sql: SqlStorage, name: 'parent_news' | 'desk_news') {
    this.#sql = sql;
    this.#name = name;
  }

  /** Makes its table, where it is not there. */
  create(): void {
    // AUTOINCREMENT: a number is never given twice, though the news that had it are forgotten.
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS ${this.#name} (n INTEGER PRIMARY KEY AUTOINCREMENT, json TEXT NOT NULL)`,
    );
  }

  add(event: News): void {
    this.#isKnownEmpty = false;
    this.#sql.exec(`INSERT INTO ${this.#name} (json) VALUES (?)`, JSON.stringify(event));
  }

  /** The oldest of those that wait. */
  next(limit: number): { readonly n: number; readonly event: News }[] {
    const rows = this.#sql.exec<{ n: number; json: string }>(
      `SELECT n, json FROM ${this.#name} ORDER BY n LIMIT ?`,
      limit,
    );
    return [...rows].map(({ n, json }) => ({ n, event: JSON.parse(json) as News }));
  }

  heard(upTo: number): void {
    this.#sql.exec(`DELETE FROM ${this.#name} WHERE n <= ?`, upTo);
  }

  get isEmpty(): boolean {
    this.#isKnownEmpty ||= this.#sql.exec(`SELECT 1 FROM ${this.#name} LIMIT 1`).toArray().length === 0;
    return this.#isKnownEmpty;
  }
}
