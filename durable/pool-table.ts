import type { BackendHealth, BackendName, Launch } from '../protocol/runner-control.ts';
import { launch as launchSchema } from '../protocol/runner-control.ts';

/** A place that a session holds or waits for. */
export interface Place {
  readonly session_id: string;
  readonly epoch: number;
  readonly launch: Launch;
  /** Null while it waits. */
  readonly runner: string | null;
  /** `sent`: the runner was told; `stopping`: it was told to end it. */
  readonly phase: 'waiting' | 'sent' | 'started' | 'stopping';
  /** Why it waits, as the session was last told. */
  readonly told: string | null;
}

export interface RunnerRow {
  readonly name: string;
  readonly backend: BackendName;
  readonly health: BackendHealth;
  readonly capacity: number;
  readonly draining: boolean;
  /** Since when it has not been connected, epoch milliseconds; null: it is. */
  readonly away_since: number | null;
}

interface PlaceColumns extends Record<string, SqlStorageValue> {
  session_id: string;
  epoch: number;
  launch: string;
  runner: string | null;
  phase: string;
  told: string | null;
}

/** What the pool knows: its runners, who holds a place where, which runner has whose files, and what is to be removed. */
export class PoolTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec('CREATE TABLE IF NOT EXISTS runners (name TEXT PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID');
    sql.exec(`CREATE TABLE IF NOT EXISTS places (
      number INTEGER PRIMARY KEY, session_id TEXT NOT NULL UNIQUE, epoch INTEGER NOT NULL, launch TEXT NOT NULL,
      runner TEXT, phase TEXT NOT NULL, told TEXT)`);
    sql.exec('CREATE TABLE IF NOT EXISTS homes (session_id TEXT PRIMARY KEY, runner TEXT NOT NULL) WITHOUT ROWID');
    sql.exec('CREATE TABLE IF NOT EXISTS removals (session_id TEXT PRIMARY KEY, runner TEXT NOT NULL) WITHOUT ROWID');
  }

  runners(): RunnerRow[] {
    const rows = this.#sql.exec<{ json: string }>('SELECT json FROM runners ORDER BY name');
    return [...rows].map(({ json }) => JSON.parse(json) as RunnerRow);
  }

  runner(name: string): RunnerRow | null {
    return this.runners().find((runner) => runner.name === name) ?? null;
  }

  saveRunner(runner: RunnerRow): void {
    const json = JSON.stringify(runner);
    this.#sql.exec('INSERT OR REPLACE INTO runners (name, json) VALUES (?, ?)', runner.name, json);
  }

  removeRunner(name: string): void {
    this.#sql.exec('DELETE FROM runners WHERE name = ?', name);
  }

  /** All places, those that waited longest first. */
  places(): Place[] {
    return [...this.#sql.exec<PlaceColumns>('SELECT * FROM places ORDER BY number')].map(placeOf);
  }

  place(sessionId: string): Place | null {
    const rows = [...this.#sql.exec<PlaceColumns>('SELECT * FROM places WHERE session_id = ?', sessionId)];
    return rows[0] === undefined ? null : placeOf(rows[0]);
  }

  addPlace(launch: Launch): void {
    this.#sql.exec('DELETE FROM places WHERE session_id = ?', launch.session_id);
    this.#sql.exec(
      "INSERT INTO places (session_id, epoch, launch, phase) VALUES (?, ?, ?, 'waiting')",
      launch.session_id,
      launch.epoch,
      JSON.stringify(launch),
    );
  }

  setPhase(sessionId: string, phase: Place['phase']): void {
    this.#sql.exec('UPDATE places SET phase = ? WHERE session_id = ?', phase, sessionId);
  }

  setTold(sessionId: string, told: string): void {
    this.#sql.exec('UPDATE places SET told = ? WHERE session_id = ?', told, sessionId);
  }

  /** The session's container, and with it its files, is that runner's from now on. */
  assign(sessionId: string, runner: string): void {
    this.#sql.exec("UPDATE places SET phase = 'sent', runner = ?, told = NULL WHERE session_id = ?", runner, sessionId);
    this.#sql.exec('INSERT OR REPLACE INTO homes (session_id, runner) VALUES (?, ?)', sessionId, runner);
  }

  removePlace(sessionId: string, epoch: number): void {
    this.#sql.exec('DELETE FROM places WHERE session_id = ? AND epoch = ?', sessionId, epoch);
  }

  home(sessionId: string): string | null {
    const rows = this.#sql.exec<{ runner: string }>('SELECT runner FROM homes WHERE session_id = ?', sessionId);
    return [...rows][0]?.runner ?? null;
  }

  /** Forgets a session; what it left on its runner is to be removed there. */
  forget(sessionId: string): string | null {
    const runner = this.home(sessionId);
    this.#sql.exec('DELETE FROM places WHERE session_id = ?', sessionId);
    this.#sql.exec('DELETE FROM homes WHERE session_id = ?', sessionId);
    if (runner !== null) {
      this.#sql.exec('INSERT OR REPLACE INTO removals (session_id, runner) VALUES (?, ?)', sessionId, runner);
    }
    return runner;
  }

  removals(runner: string): string[] {
    const rows = this.#sql.exec<{ session_id: string }>('SELECT session_id FROM removals WHERE runner = ?', runner);
    return [...rows].map(({ session_id }) => session_id);
  }

  removed(sessionId: string): void {
    this.#sql.exec('DELETE FROM removals WHERE session_id = ?', sessionId);
  }
}

function placeOf({ session_id, epoch, launch, runner, phase, told }: PlaceColumns): Place {
  return {
    session_id,
    epoch,
    launch: launchSchema.parse(JSON.parse(launch)),
    runner,
    phase: phase as Place['phase'],
    told,
  };
}
