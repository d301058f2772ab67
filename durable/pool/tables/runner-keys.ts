import type { Refusal } from '../../../protocol/api/problem.ts';
import { DEFAULT_POOL } from '../../../protocol/settings/pools-setting.ts';
import type { EnrolInput, RunnerHome } from '../../rpc/pool-rpc.ts';

const USED: Refusal = {
  refused: 'runner_code_used',
  detail:
    'This code has been used: each is for one runner, once. Make another with `npm run --silent token -- --kind runner --sub NAME`, and set it as RUNNER_TOKEN.',
};

const elsewhere = (name: string, pool: string): Refusal => ({
  refused: 'runner_in_other_pool',
  detail: `The runner "${name}" is in the pool "${pool}", and what its sessions have not saved is known there. Enrol a runner of another name, with a data folder of its own.`,
});

/** Which key each runner has, which names are in which other pool, and the codes that were used and could be tried again. */
export class RunnerKeys {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec('CREATE TABLE IF NOT EXISTS runner_keys (name TEXT PRIMARY KEY, key TEXT NOT NULL) WITHOUT ROWID');
    sql.exec(`CREATE TABLE IF NOT EXISTS used_codes (
      code TEXT PRIMARY KEY, key TEXT NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID`);
    // In the default pool: names of the others. Its own are those that have a key.
    sql.exec('CREATE TABLE IF NOT EXISTS runner_pools (name TEXT PRIMARY KEY, pool TEXT NOT NULL) WITHOUT ROWID');
  }

  /** The runner's public key; null: none has enrolled under this name. */
  of(name: string): string | null {
    const rows = this.#sql.exec<{ key: string }>('SELECT key FROM runner_keys WHERE name = ?', name);
    return [...rows][0]?.key ?? null;
  }

  /** A runner of this name is to be in that pool. Why it may not; null: it is. */
  claim(name: string, pool: string): Refusal | null {
    const known = this.#poolOf(name) ?? (this.of(name) === null ? null : DEFAULT_POOL);
    if (known !== null) return known === pool ? null : elsewhere(name, known);
    if (pool !== DEFAULT_POOL) this.#sql.exec('INSERT INTO runner_pools (name, pool) VALUES (?, ?)', name, pool);
    return null;
  }

  home(name: string): RunnerHome {
    const pool = this.#poolOf(name);
    return pool === null ? { key: this.of(name) } : { pool };
  }

  #poolOf(name: string): string | null {
    const rows = this.#sql.exec<{ pool: string }>('SELECT pool FROM runner_pools WHERE name = ?', name);
    return [...rows][0]?.pool ?? null;
  }

  /** The runners that have enrolled. */
  names(): string[] {
    return [...this.#sql.exec<{ name: string }>('SELECT name FROM runner_keys')].map(({ name }) => name);
  }

  /** The runner of that name has this key from now on, in place of any other. The code is used up. */
  enrol({ name, key, code, expires }: EnrolInput, now: number): Refusal | null {
    this.#sql.exec('DELETE FROM used_codes WHERE expires < ?', now);
    const [used] = [...this.#sql.exec<{ key: string }>('SELECT key FROM used_codes WHERE code = ?', code)];
    // The same runner again: the answer to it was lost. Not when another has taken its name since.
    if (used !== undefined) return used.key === key && this.of(name) === key ? null : USED;
    this.#sql.exec('INSERT INTO used_codes (code, key, expires) VALUES (?, ?, ?)', code, key, expires);
    this.#sql.exec('INSERT OR REPLACE INTO runner_keys (name, key) VALUES (?, ?)', name, key);
    return null;
  }
}
