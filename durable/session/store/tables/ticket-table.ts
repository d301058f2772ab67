import type { Caller } from '../../../rpc/caller.ts';

/** The tickets of one session that have not been used. Of each, only a hash is stored. */
export class TicketTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Creates the table if it does not exist. */
  create(): void {
    this.#sql.exec(
      'CREATE TABLE IF NOT EXISTS tickets (hash TEXT PRIMARY KEY, holder TEXT NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID',
    );
  }

  /** How many can still be used at `now`. Those that have expired go. */
  count(now: number): number {
    this.#sql.exec('DELETE FROM tickets WHERE expires <= ?', now);
    return this.#sql.exec<{ count: number }>('SELECT count(*) AS count FROM tickets').one().count;
  }

  add(hash: string, caller: Caller, expires: number): void {
    const json = JSON.stringify(caller);
    this.#sql.exec('INSERT INTO tickets (hash, holder, expires) VALUES (?, ?, ?)', hash, json, expires);
  }

  /** Uses a ticket, once. Null: there is none, it was used, or it has expired. */
  take(hash: string, now: number): Caller | null {
    const query = 'DELETE FROM tickets WHERE hash = ? RETURNING holder, expires';
    const [row] = this.#sql.exec<{ holder: string; expires: number }>(query, hash);
    return row === undefined || row.expires <= now ? null : (JSON.parse(row.holder) as Caller);
  }
}
