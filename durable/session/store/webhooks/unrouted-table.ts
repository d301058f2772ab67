/** An event that the owner's webhooks have not been asked about. */
export interface Unrouted {
  readonly seq: number;
  /** Epoch milliseconds. */
  readonly time: number;
}

/**
 * The events of which the owner's webhooks may post something, until the owner's directory has said which want it. Those that
 * nobody wants go with the next write: to delete them at once would be a write of its own for each message of every session.
 */
export class UnroutedTable {
  readonly #sql: SqlStorage;
  /** Events up to this one are done with. */
  #routed = 0;
  /** As `UpdateTable` has it. */
  #isKnownEmpty = false;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Creates the table if it does not exist. */
  create(): void {
    this.#sql.exec('CREATE TABLE IF NOT EXISTS webhook_unrouted (seq INTEGER PRIMARY KEY, time INTEGER NOT NULL)');
  }

  add(seq: number, time: number): void {
    this.#isKnownEmpty = false;
    this.#sql.exec('DELETE FROM webhook_unrouted WHERE seq <= ?', this.#routed);
    this.#sql.exec('INSERT INTO webhook_unrouted (seq, time) VALUES (?, ?)', seq, time);
  }

  /** The oldest ones. */
  next(limit: number): Unrouted[] {
    const query = 'SELECT seq, time FROM webhook_unrouted WHERE seq > ? ORDER BY seq LIMIT ?';
    return this.#sql.exec<{ seq: number; time: number }>(query, this.#routed, limit).toArray();
  }

  get isEmpty(): boolean {
    this.#isKnownEmpty ||= this.next(1).length === 0;
    return this.#isKnownEmpty;
  }

  /** Nobody wants those up to `seq`. */
  pass(seq: number): void {
    this.#routed = Math.max(this.#routed, seq);
  }

  /** Those up to `seq` have become deliveries. */
  remove(seq: number): void {
    this.#sql.exec('DELETE FROM webhook_unrouted WHERE seq <= ?', seq);
  }
}
