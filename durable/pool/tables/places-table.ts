import { launch as launchSchema, type Launch } from '../../../protocol/link/runner-control.ts';
import { DEFAULT_POOL } from '../../../protocol/settings/pools-setting.ts';
import { kindOf, type Waiting } from '../core/line.ts';
import type { Needs, Requirements } from '../core/placement.ts';
import { ASKS_NOTHING } from '../core/room.ts';
import { Tally } from '../core/tally.ts';

/** A place for a session's container. The session has it, or waits for it. */
export interface Place extends Waiting {
  /** Null while it waits. */
  readonly runner: string | null;
  /** `sent`: the runner was sent the launch. `stopping`: the runner was told to stop the container. */
  readonly phase: 'waiting' | 'sent' | 'started' | 'stopping';
  /** Why it waits, as its session knows it. */
  readonly known_reason: string | null;
}

interface PlaceColumns extends Record<string, SqlStorageValue> {
  number: number;
  session_id: string;
  epoch: number;
  since: number;
  needs: string;
  runner: string | null;
  phase: string;
  told: string | null;
  owner: string;
  isolation: string | null;
  labels: string | null;
  cpus: number | null;
  memory_mb: number | null;
  pool: string | null;
  environment: string | null;
}

/** A place without its launch, which is by far the largest part of it and is needed only to be sent. */
const COLUMNS = `number, session_id, epoch, since, needs, runner, phase, told,
  json_extract(launch, '$.files.owner') AS owner, json_extract(launch, '$.config.isolation') AS isolation,
  json_extract(launch, '$.labels') AS labels, json_extract(launch, '$.config.resources.cpus') AS cpus,
  json_extract(launch, '$.config.resources.memory_mb') AS memory_mb, json_extract(launch, '$.pool') AS pool,
  json_extract(launch, '$.environment.name') AS environment`;

/**
 * The places on the pool's runners. Each request and each end of a container looks at all of them, so all are in memory too, without
 * their launches: what is stored is read once, when the object begins.
 */
export class PlacesTable {
  readonly #sql: SqlStorage;
  readonly #waiting = new Map<string, Place>();
  readonly #placed = new Map<string, Place>();
  /** What the sessions ask that have a place, by runner and by owner. */
  readonly byRunner = new Tally();
  readonly byOwner = new Tally();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS places (
      number INTEGER PRIMARY KEY, session_id TEXT NOT NULL UNIQUE, epoch INTEGER NOT NULL, launch TEXT NOT NULL,
      needs TEXT NOT NULL, runner TEXT, phase TEXT NOT NULL, told TEXT, since INTEGER NOT NULL DEFAULT 0)`);
    for (const row of sql.exec<PlaceColumns>(`SELECT ${COLUMNS} FROM places ORDER BY number`)) this.#set(placeOf(row));
  }

  /** Those that wait, the oldest first. */
  waiting(): Place[] {
    return [...this.#waiting.values()];
  }

  /** Those that have a place. */
  placed(): Place[] {
    return [...this.#placed.values()];
  }

  /** The places on a runner. */
  on(runner: string): Place[] {
    return this.placed().filter((one) => one.runner === runner);
  }

  /** How many sessions wait for a place. */
  countWaiting(): number {
    return this.#waiting.size;
  }

  of(sessionId: string): Place | null {
    return this.#placed.get(sessionId) ?? this.#waiting.get(sessionId) ?? null;
  }

  /** What the runner is sent, or was. */
  launch({ session_id, epoch }: Place): Launch | null {
    const query = 'SELECT launch FROM places WHERE session_id = ? AND epoch = ?';
    const row = this.#sql.exec<{ launch: string }>(query, session_id, epoch).toArray()[0];
    return row === undefined ? null : launchSchema.parse(JSON.parse(row.launch));
  }

  /** A launch waits from now on, epoch milliseconds. It takes the place of an earlier one of the session. */
  add(launch: Launch, needs: Needs, now: number): Place {
    const { session_id, epoch } = launch;
    this.#sql.exec('DELETE FROM places WHERE session_id = ?', session_id);
    this.#forget(session_id);
    const { number } = this.#sql
      .exec<{ number: number }>(
        `INSERT INTO places (session_id, epoch, launch, needs, phase, since) VALUES (?, ?, ?, ?, 'waiting', ?)
          RETURNING number`,
        session_id,
        epoch,
        JSON.stringify(launch),
        JSON.stringify(needs),
        now,
      )
      .one();
    const requires = requirementsOf(launch);
    const asked = { session_id, epoch, owner: launch.files.owner, number, since: now, needs, requires };
    const kind = kindOf(needs, requires);
    return this.#set({ ...asked, kind, runner: null, phase: 'waiting', known_reason: null });
  }

  /** What a launch that waits needs now. */
  setNeeds(place: Place, launch: Launch, needs: Needs): void {
    this.#sql.exec(
      'UPDATE places SET launch = ?, needs = ? WHERE session_id = ? AND epoch = ? AND runner IS NULL',
      JSON.stringify(launch),
      JSON.stringify(needs),
      place.session_id,
      place.epoch,
    );
    const requires = requirementsOf(launch);
    this.#set({ ...place, needs, requires, kind: kindOf(needs, requires) });
  }

  setPhase(place: Place, phase: Place['phase']): void {
    this.#sql.exec('UPDATE places SET phase = ? WHERE session_id = ?', phase, place.session_id);
    this.#set({ ...place, phase });
  }

  /** The session's token is another one from now on. */
  setToken({ session_id, epoch }: Place, launch: Launch, token: string): void {
    const json = JSON.stringify({ ...launch, token });
    this.#sql.exec('UPDATE places SET launch = ? WHERE session_id = ? AND epoch = ?', json, session_id, epoch);
  }

  /** The session is told why it waits. */
  setKnownReason(place: Place, reason: string): void {
    this.#sql.exec('UPDATE places SET told = ? WHERE session_id = ?', reason, place.session_id);
    this.#set({ ...place, known_reason: reason });
  }

  /** Gives the session's container to a runner. `launch` is what the runner is sent. */
  assign(place: Place, launch: Launch, runner: string): void {
    this.#sql.exec(
      "UPDATE places SET phase = 'sent', runner = ?, launch = ?, told = NULL WHERE session_id = ?",
      runner,
      JSON.stringify(launch),
      place.session_id,
    );
    this.#set({ ...place, runner, phase: 'sent', known_reason: null });
  }

  remove(sessionId: string, epoch: number): void {
    this.#sql.exec('DELETE FROM places WHERE session_id = ? AND epoch = ?', sessionId, epoch);
    if (this.of(sessionId)?.epoch === epoch) this.#forget(sessionId);
  }

  /** The session is deleted. A container of it keeps its place until it has ended. */
  forget(sessionId: string): void {
    const place = this.of(sessionId);
    if (place === null) return;
    if (place.runner === null) this.remove(sessionId, place.epoch);
    else this.setPhase(place, 'stopping');
  }

  #set(place: Place): Place {
    const { session_id, runner, owner, requires } = place;
    if (runner === null) this.#waiting.set(session_id, place);
    else {
      this.#waiting.delete(session_id);
      if (!this.#placed.has(session_id)) {
        this.byRunner.add(runner, requires.ask ?? ASKS_NOTHING);
        this.byOwner.add(owner, requires.ask ?? ASKS_NOTHING);
      }
      this.#placed.set(session_id, place);
    }
    return place;
  }

  #forget(sessionId: string): void {
    this.#waiting.delete(sessionId);
    const placed = this.#placed.get(sessionId);
    if (placed === undefined) return;
    const { runner, owner, requires } = placed;
    this.#placed.delete(sessionId);
    if (runner !== null) this.byRunner.remove(runner, requires.ask ?? ASKS_NOTHING);
    this.byOwner.remove(owner, requires.ask ?? ASKS_NOTHING);
  }
}

const requirementsOf = ({ config, environment, labels, pool }: Launch): Requirements => ({
  isolation: config.isolation === 'container',
  builds: environment !== undefined,
  labels,
  ask: { cpus: config.resources?.cpus ?? null, memoryMb: config.resources?.memory_mb ?? null },
  pool: pool === DEFAULT_POOL ? undefined : pool,
});

function placeOf(row: PlaceColumns): Place {
  const { number, session_id, epoch, since, owner, runner, phase, told } = row;
  const needs = JSON.parse(row.needs) as Needs;
  const requires: Requirements = {
    isolation: row.isolation === 'container',
    builds: row.environment !== null,
    labels: row.labels === null ? undefined : (JSON.parse(row.labels) as Record<string, string>),
    ask: { cpus: row.cpus, memoryMb: row.memory_mb },
    pool: row.pool === null || row.pool === DEFAULT_POOL ? undefined : row.pool,
  };
  const asked = { session_id, epoch, owner, number, since, needs, requires, kind: kindOf(needs, requires) };
  return { ...asked, runner, phase: phase as Place['phase'], known_reason: told };
}
