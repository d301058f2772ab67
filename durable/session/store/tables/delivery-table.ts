/** A post to the webhook that was not delivered yet. */
export interface Delivery {
  /** The same at each try, so that the receiver can recognise a repeated post. */
  readonly id: string;
  readonly body: string;
  /** How many tries have failed. */
  readonly attempts: number;
  readonly next_at: number;
}

/**
 * The deliveries to a session's webhook, in order: only the oldest can be due, and the next one only after it is removed.
 * Times are epoch milliseconds. Writes belong in the caller's transaction.
 */
export class DeliveryTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Creates the table if it does not exist. */
  create(): void {
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS deliveries (
      n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, body TEXT NOT NULL,
      attempts INTEGER NOT NULL, next_at INTEGER NOT NULL)`);
  }

  /** @param body at most about 1 MB (`deliveryBody` ensures it), because a row is limited to 2 MB */
  add(id: string, body: string, now: number): void {
    this.#sql.exec('INSERT INTO deliveries (id, body, attempts, next_at) VALUES (?, ?, 0, ?)', id, body, now);
  }

  /** The delivery to post now; null: there is none, or its time has not come. */
  due(now: number): Delivery | null {
    const first = this.#first();
    return first !== null && first.next_at <= now ? first : null;
  }

  /** Counts a failed try, and schedules the next one. */
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
