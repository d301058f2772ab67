/** How many versions are reserved with one write. */
const RESERVED = 1000;

/**
 * Numbers the changes of what an owner's list and inbox show: each change has a higher number than all before it. After a restart
 * some numbers are left out, for they are reserved in advance, which costs one write for a thousand changes.
 */
export class Versions {
  readonly #sql: SqlStorage;
  #last: number;
  #reserved: number;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(
      'CREATE TABLE IF NOT EXISTS feed_versions (id INTEGER PRIMARY KEY CHECK (id = 1), reserved INTEGER NOT NULL)',
    );
    const row = sql.exec<{ reserved: number }>('SELECT reserved FROM feed_versions').toArray()[0];
    this.#last = this.#reserved = row?.reserved ?? 0;
  }

  /** Of the last change. */
  get last(): number {
    return this.#last;
  }

  next(): number {
    this.#last += 1;
    if (this.#last > this.#reserved) {
      this.#reserved = this.#last + RESERVED - 1;
      this.#sql.exec('INSERT OR REPLACE INTO feed_versions (id, reserved) VALUES (1, ?)', this.#reserved);
    }
    return this.#last;
  }
}
