/** What the operator has decided about a runner. */
export interface Cordon {
  readonly name: string;
  /** Since when, epoch milliseconds. */
  readonly since: number;
  /** Its sessions are to leave as well. */
  readonly drain: boolean;
}

/** The runners that the operator has cordoned: they take no sessions until that is taken back, whatever restarts meanwhile. */
export class Cordons {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS cordons (
      name TEXT PRIMARY KEY, since INTEGER NOT NULL, drain INTEGER NOT NULL) WITHOUT ROWID`);
  }

  of(name: string): Cordon | null {
    return this.all().find((one) => one.name === name) ?? null;
  }

  all(): Cordon[] {
    const rows = this.#sql.exec<{ name: string; since: number; drain: number }>('SELECT * FROM cordons');
    return [...rows].map(({ name, since, drain }) => ({ name, since, drain: drain === 1 }));
  }

  /** A runner that is cordoned already keeps its time. */
  set(name: string, drain: boolean, now: number): void {
    this.#sql.exec(
      `INSERT INTO cordons (name, since, drain) VALUES (?, ?, ?)
        ON CONFLICT (name) DO UPDATE SET drain = max(drain, excluded.drain)`,
      name,
      now,
      drain ? 1 : 0,
    );
  }

  remove(name: string): void {
    this.#sql.exec('DELETE FROM cordons WHERE name = ?', name);
  }
}
