/** How long an answer counts, milliseconds. */
const FRESH_MS = 1000;

/** Finds out whether state can be written and read. However often it is asked, it writes at most once a second. */
export class Probe {
  readonly #storage: DurableObjectStorage;
  #tried: { readonly at: number; readonly outcome: Promise<void> } | null = null;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    storage.sql.exec('CREATE TABLE IF NOT EXISTS probes (id INTEGER PRIMARY KEY CHECK (id = 1), at INTEGER NOT NULL)');
  }

  /** @throws when it could not be written, or when something else is read */
  try(): Promise<void> {
    const now = Date.now();
    if (this.#tried === null || now >= this.#tried.at + FRESH_MS) this.#tried = { at: now, outcome: this.#try(now) };
    return this.#tried.outcome;
  }

  async #try(now: number): Promise<void> {
    const { sql } = this.#storage;
    sql.exec('INSERT OR REPLACE INTO probes (id, at) VALUES (1, ?)', now);
    const { at } = sql.exec<{ at: number }>('SELECT at FROM probes').one();
    if (at !== now) throw new Error('what was written is not what is read');
    // A write counts once it is on the disk.
    await this.#storage.sync();
  }
}
