import { launch as launchSchema } from '../../protocol/link/runner-control.ts';
import type {
  BackendHealth,
  BackendName,
  Launch,
  PlacementKey,
  RunnerDisk,
  StorageInfo,
} from '../../protocol/link/runner-control.ts';
import type { Needs } from './core/placement.ts';

/** A place for a session's container. The session has it, or waits for it. */
export interface Place {
  readonly session_id: string;
  readonly epoch: number;
  readonly launch: Launch;
  readonly needs: Needs;
  /** Null while it waits. */
  readonly runner: string | null;
  /** `sent`: the runner was sent the launch. `stopping`: the runner was told to stop the container. */
  readonly phase: 'waiting' | 'sent' | 'started' | 'stopping';
  /** Why it waits, as its session knows it. */
  readonly known_reason: string | null;
}

export interface RunnerRow {
  readonly name: string;
  readonly backend: BackendName;
  readonly health: BackendHealth;
  readonly capacity: number;
  readonly draining: boolean;
  readonly storage: StorageInfo;
  /** Absent: it has not said. */
  readonly disk?: RunnerDisk | undefined;
  /** CC-Docker's version. This and what follows is absent where an edge of an earlier version has written the row. */
  readonly version?: string;
  readonly protocol?: number;
  readonly labels?: Readonly<Record<string, string>>;
  /** Frames and fields of it that this edge did not know. */
  readonly unknown?: number;
  /** It was away for too long and its containers count as lost. It is no runner any more, until it comes back. */
  readonly lost?: boolean;
  /** Since when it is disconnected, epoch milliseconds; null: it is connected. */
  readonly away_since: number | null;
}

interface PlaceColumns extends Record<string, SqlStorageValue> {
  session_id: string;
  epoch: number;
  launch: string;
  needs: string;
  runner: string | null;
  phase: string;
  told: string | null;
}

/** The pool's runners, the places on them, which runner has files of which session, and which files are to be removed. */
export class PoolTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec('CREATE TABLE IF NOT EXISTS runners (name TEXT PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID');
    sql.exec(`CREATE TABLE IF NOT EXISTS places (
      number INTEGER PRIMARY KEY, session_id TEXT NOT NULL UNIQUE, epoch INTEGER NOT NULL, launch TEXT NOT NULL,
      needs TEXT NOT NULL, runner TEXT, phase TEXT NOT NULL, told TEXT)`);
    // Counting them does not read their launches.
    sql.exec('CREATE INDEX IF NOT EXISTS places_by_runner ON places (runner)');
    // A session that moves leaves a copy of its files behind.
    sql.exec(`CREATE TABLE IF NOT EXISTS copies (
      session_id TEXT NOT NULL, runner TEXT NOT NULL, PRIMARY KEY (session_id, runner)) WITHOUT ROWID`);
    sql.exec(`CREATE TABLE IF NOT EXISTS removals (
      session_id TEXT NOT NULL, runner TEXT NOT NULL, PRIMARY KEY (session_id, runner)) WITHOUT ROWID`);
  }

  /** The runners that are connected, or were a short time ago. */
  runners(): RunnerRow[] {
    return this.everyRunner().filter(({ lost }) => lost !== true);
  }

  /** These, and those that are given up, as they were last. */
  everyRunner(): RunnerRow[] {
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

  /** All places, the oldest first. */
  places(): Place[] {
    return [...this.#sql.exec<PlaceColumns>('SELECT * FROM places ORDER BY number')].map(placeOf);
  }

  /** How many sessions have a place, by runner. */
  running(): ReadonlyMap<string, number> {
    const query = 'SELECT runner, count(*) AS count FROM places WHERE runner IS NOT NULL GROUP BY runner';
    const rows = this.#sql.exec<{ runner: string; count: number }>(query);
    return new Map([...rows].map(({ runner, count }) => [runner, count]));
  }

  /** How many sessions wait for a place. */
  waiting(): number {
    return this.#sql.exec<{ count: number }>('SELECT count(*) AS count FROM places WHERE runner IS NULL').one().count;
  }

  /** The containers that have a place, and have not been told to stop. */
  placed(): PlacementKey[] {
    const query = "SELECT session_id, epoch FROM places WHERE runner IS NOT NULL AND phase <> 'stopping'";
    return [...this.#sql.exec<{ session_id: string; epoch: number }>(query)];
  }

  place(sessionId: string): Place | null {
    const rows = [...this.#sql.exec<PlaceColumns>('SELECT * FROM places WHERE session_id = ?', sessionId)];
    return rows[0] === undefined ? null : placeOf(rows[0]);
  }

  addPlace(launch: Launch, needs: Needs): void {
    this.#sql.exec('DELETE FROM places WHERE session_id = ?', launch.session_id);
    this.#sql.exec(
      "INSERT INTO places (session_id, epoch, launch, needs, phase) VALUES (?, ?, ?, ?, 'waiting')",
      launch.session_id,
      launch.epoch,
      JSON.stringify(launch),
      JSON.stringify(needs),
    );
  }

  /** What a launch that waits needs now. */
  setNeeds(launch: Launch, needs: Needs): void {
    this.#sql.exec(
      'UPDATE places SET launch = ?, needs = ? WHERE session_id = ? AND epoch = ? AND runner IS NULL',
      JSON.stringify(launch),
      JSON.stringify(needs),
      launch.session_id,
      launch.epoch,
    );
  }

  setPhase(sessionId: string, phase: Place['phase']): void {
    this.#sql.exec('UPDATE places SET phase = ? WHERE session_id = ?', phase, sessionId);
  }

  /** The session's token is another one from now on. */
  setToken({ launch, session_id, epoch }: Place, token: string): void {
    const json = JSON.stringify({ ...launch, token });
    this.#sql.exec('UPDATE places SET launch = ? WHERE session_id = ? AND epoch = ?', json, session_id, epoch);
  }

  /** The session is told why it waits. */
  setKnownReason(sessionId: string, reason: string): void {
    this.#sql.exec('UPDATE places SET told = ? WHERE session_id = ?', reason, sessionId);
  }

  /** Gives the session's container, and with it a copy of its files, to a runner. `launch` is what the runner is sent. */
  assign(launch: Launch, runner: string): void {
    const { session_id } = launch;
    this.#sql.exec(
      "UPDATE places SET phase = 'sent', runner = ?, launch = ?, told = NULL WHERE session_id = ?",
      runner,
      JSON.stringify(launch),
      session_id,
    );
    this.addCopy(session_id, runner);
  }

  /** The runner has files of that session, or will have them. */
  addCopy(sessionId: string, runner: string): void {
    this.#sql.exec('INSERT OR IGNORE INTO copies (session_id, runner) VALUES (?, ?)', sessionId, runner);
  }

  /** Whether the runner has, or had, files of that session. */
  hasCopy(sessionId: string, runner: string): boolean {
    const query = 'SELECT 1 FROM copies WHERE session_id = ? AND runner = ?';
    return this.#sql.exec(query, sessionId, runner).toArray().length > 0;
  }

  /** Whether a container of that session was asked for, and has a place or had one. */
  knows(sessionId: string): boolean {
    const query = 'SELECT 1 FROM places WHERE session_id = ?1 UNION ALL SELECT 1 FROM copies WHERE session_id = ?1';
    return this.#sql.exec(query, sessionId).toArray().length > 0;
  }

  removePlace(sessionId: string, epoch: number): void {
    this.#sql.exec('DELETE FROM places WHERE session_id = ? AND epoch = ?', sessionId, epoch);
  }

  /** Forgets a session. A container of it keeps its place until it has ended. @returns the runners that have to remove its files */
  forget(sessionId: string): string[] {
    this.#sql.exec('DELETE FROM places WHERE session_id = ? AND runner IS NULL', sessionId);
    this.#sql.exec("UPDATE places SET phase = 'stopping' WHERE session_id = ?", sessionId);
    this.#sql.exec(
      'INSERT OR IGNORE INTO removals (session_id, runner) SELECT session_id, runner FROM copies WHERE session_id = ?',
      sessionId,
    );
    this.#sql.exec('DELETE FROM copies WHERE session_id = ?', sessionId);
    const rows = this.#sql.exec<{ runner: string }>('SELECT runner FROM removals WHERE session_id = ?', sessionId);
    return [...rows].map(({ runner }) => runner);
  }

  /** The sessions whose files the runner has to remove. */
  removals(runner: string): string[] {
    const rows = this.#sql.exec<{ session_id: string }>('SELECT session_id FROM removals WHERE runner = ?', runner);
    return [...rows].map(({ session_id }) => session_id);
  }

  /** The runner has removed all that it had of that session. */
  removed(sessionId: string, runner: string): void {
    this.#sql.exec('DELETE FROM places WHERE session_id = ? AND runner = ?', sessionId, runner);
    this.#sql.exec('DELETE FROM removals WHERE session_id = ? AND runner = ?', sessionId, runner);
  }
}

function placeOf({ session_id, epoch, launch, needs, runner, phase, told }: PlaceColumns): Place {
  return {
    session_id,
    epoch,
    launch: launchSchema.parse(JSON.parse(launch)),
    needs: JSON.parse(needs) as Needs,
    runner,
    phase: phase as Place['phase'],
    known_reason: told,
  };
}
