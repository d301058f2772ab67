import type { Wakeup } from '../../core/turns/wakeup.ts';

interface Row extends Record<string, SqlStorageValue> {
  id: string;
  at: number;
  prompt: string;
}

/** The wake-ups that the agent has scheduled and that are still to come. Writes belong in the caller's transaction. */
export class WakeupTable {
  readonly #sql: SqlStorage;
  /** Every change of a session asks when the next is due, and few sessions have any. */
  #isKnownEmpty = false;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Creates the table if it does not exist. */
  create(): void {
    this.#sql.exec(
      'CREATE TABLE IF NOT EXISTS wakeups (id TEXT PRIMARY KEY, at INTEGER NOT NULL, prompt TEXT NOT NULL) WITHOUT ROWID',
    );
  }

  add({ wakeup_id, at, prompt }: Wakeup): void {
    this.#isKnownEmpty = false;
    this.#sql.exec('INSERT INTO wakeups (id, at, prompt) VALUES (?, ?, ?)', wakeup_id, at, prompt);
  }

  /** False: there is none with this id. */
  remove(id: string): boolean {
    return this.#sql.exec('DELETE FROM wakeups WHERE id = ? RETURNING id', id).toArray().length > 0;
  }

  /** The next one first. */
  all(): Wakeup[] {
    return this.#until(Number.MAX_SAFE_INTEGER);
  }

  /** Those whose time has come, the earliest first. */
  due(now: number): Wakeup[] {
    return this.#isEmpty() ? [] : this.#until(now);
  }

  /** When the next one is due, epoch milliseconds; null: none waits. */
  nextDue(): number | null {
    if (this.#isEmpty()) return null;
    return this.#sql.exec<{ at: number | null }>('SELECT min(at) AS at FROM wakeups').one().at;
  }

  /** Bytes of the prompts that wait. */
  bytes(): number {
    if (this.#isEmpty()) return 0;
    const sum = 'SELECT sum(length(CAST(prompt AS BLOB))) AS bytes FROM wakeups';
    return this.#sql.exec<{ bytes: number | null }>(sum).one().bytes ?? 0;
  }

  #until(time: number): Wakeup[] {
    const rows = this.#sql.exec<Row>('SELECT * FROM wakeups WHERE at <= ? ORDER BY at, id', time);
    return [...rows].map(({ id, at, prompt }) => ({ wakeup_id: id, at, prompt }));
  }

  #isEmpty(): boolean {
    this.#isKnownEmpty ||= this.#sql.exec('SELECT 1 FROM wakeups LIMIT 1').toArray().length === 0;
    return this.#isKnownEmpty;
  }
}
