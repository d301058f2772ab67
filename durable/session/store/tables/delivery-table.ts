/** A post that was not yet delivered. */
export interface Delivery {
  /** The same at each try: by it the receiver knows what it has had already. */
  readonly id: string;
  readonly body: string;
  /** Tries that failed. */
  readonly attempts: number;
  readonly next_at: number;
}

/**
 * What is to be posted to a session's webhook, the oldest first: nothing is due before the one ahead of it is gone. Times are
 * epoch milliseconds. Changes belong inside the caller's transaction.
 */
export class DeliveryTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Makes its table, where it is not there. */
  create(): void {
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS deliveries (
      n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, body TEXT NOT NULL,
      attempts INTEGER NOT NULL, next_at INTEGER NOT NULL)`);
  }

  /**
   * @param body of at most about a megabyte (`deliveryBody` sees to it): a row holds two
   */
  add(id: string, body: string, now: number): void {
    this.#sql.exec('INSERT INTO deliveries (id, body, attempts, next_at) VALUES (?, ?, 0, ?)', id, body, now);
  }

  /** The one to post now; null: none, or not yet. */
  due(now: number): Delivery | null {
    const first = this.#first();
    return first !== null && first.next_at <= now ? first : null;
  }

  /** It was tried and is to be tried again. */
  reschedule(id: string, next_at: number): void {
    this.#sql.exec('UPDATE deliveries SET attempts = attempts + 1, next_at = ? WHERE id = ?', next_at, id);
  }

  remove(id: string): void {
    this.#sql.exec('DELETE FROM deliveries WHERE id = ?', id);
  }

  removeAll(): void {
    this.#sql.exec('DELETE FROM deliveries');
  }

  count(): number {
    return this.#sql.exec<{ n: number }>('SELECT count(*) AS n FROM deliveries').one().n;
  }

  /** When the next try is due; null: nothing waits. */
  nextAt(): number | null {
    const rows = this.#sql.exec<{ next_at: number }>('SELECT next_at FROM deliveries ORDER BY n LIMIT 1');
    return [...rows][0]?.next_at ?? null;
  }

  #first(): Delivery | null {
    const rows = this.#sql.exec<{ id: string; body: string; attempts: number; next_at: number }>(
      'SELECT id, body, attempts, next_at FROM deliveries ORDER BY n LIMIT 1',
    );
    return [...rows][0] ?? null;
  }
}
