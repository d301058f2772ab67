import type { EnvironmentBuild, EnvironmentBuildLog } from '../../../protocol/api/environment.ts';
import type { BuildUpdate } from '../../shared/environments/build-update.ts';
import { updatedBuild } from '../core/environments/updated-build.ts';

/** Builds that are kept of each environment: the newest. */
const KEPT = 20;

/** Of a build's output, the beginning and the end are kept: so many UTF-16 units of each, and what else is in one part with them. */
const HEAD = 128 * 1024;
const TAIL = 128 * 1024;

interface Part extends Record<string, SqlStorageValue> {
  at: number;
  text: string;
}

/** The builds of environments that the owner's sessions have waited for, and what they wrote. */
export class BuildTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    // Ids are UUIDv7: their order is that of their time.
    sql.exec(`CREATE TABLE IF NOT EXISTS environment_builds (
      id TEXT PRIMARY KEY, environment TEXT NOT NULL, json TEXT NOT NULL) WITHOUT ROWID`);
    sql.exec('CREATE INDEX IF NOT EXISTS builds_by_environment ON environment_builds (environment, id)');
    sql.exec(`CREATE TABLE IF NOT EXISTS environment_build_output (
      id TEXT NOT NULL, at INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (id, at)) WITHOUT ROWID`);
  }

  /** Takes what a session reports. The same report twice is one, and several sessions may report of one build. */
  update(sessionId: string, update: BuildUpdate): void {
    const { build_id } = update;
    const before = this.#get(build_id);
    if (update.is === 'output') {
      if (before !== null) this.#append(before, update.at, update.text);
      return;
    }
    const after = updatedBuild(before, update, sessionId);
    if (after === null || after === before) return;
    this.#save(after);
    if (before === null) this.#prune(after.environment);
  }

  /** Builds of an environment, the newest first. `cursor`: the id of the last one of the page before. */
  page(
    environment: string,
    cursor: string | undefined,
    limit: number,
  ): { data: EnvironmentBuild[]; next_cursor: string | null } {
    const rows = [
      ...this.#sql.exec<{ json: string }>(
        `SELECT json FROM environment_builds WHERE environment = ?1 AND (?2 IS NULL OR id < ?2) ORDER BY id DESC LIMIT ?3`,
        environment,
        cursor ?? null,
        limit + 1,
      ),
    ];
    const data = rows.slice(0, limit).map(({ json }) => JSON.parse(json) as EnvironmentBuild);
    return { data, next_cursor: rows.length > limit ? (data.at(-1)?.build_id ?? null) : null };
  }

  newest(environment: string): EnvironmentBuild | null {
    return this.page(environment, undefined, 1).data[0] ?? null;
  }

  /** One build with what it wrote; null: there is none with this id of this environment. */
  show(environment: string, id: string): EnvironmentBuildLog | null {
    const build = this.#get(id);
    return build?.environment === environment ? { ...build, log: this.#log(build) } : null;
  }

  forget(environment: string): void {
    this.#remove([...this.#ids(environment)]);
  }

  #log({ build_id, output_size }: EnvironmentBuild): string {
    const parts = this.#sql.exec<Part>(
      'SELECT at, text FROM environment_build_output WHERE id = ? ORDER BY at',
      build_id,
    );
    let log = '';
    let end = 0;
    for (const { at, text } of parts) {
      log += leftOut(at - end) + text;
      end = at + text.length;
    }
    return log + leftOut(output_size - end);
  }

  #append(build: EnvironmentBuild, at: number, text: string): void {
    const { build_id, output_size } = build;
    const fresh = at < output_size ? text.slice(output_size - at) : text;
    if (fresh === '') return;
    const from = Math.max(at, output_size);
    this.#sql.exec('INSERT INTO environment_build_output (id, at, text) VALUES (?, ?, ?)', build_id, from, fresh);
    const size = from + fresh.length;
    this.#sql.exec(
      'DELETE FROM environment_build_output WHERE id = ?1 AND at >= ?2 AND at + length(text) < ?3',
      build_id,
      HEAD,
      size - TAIL,
    );
    this.#save({ ...build, output_size: size });
  }

  #get(id: string): EnvironmentBuild | null {
    const [row] = this.#sql.exec<{ json: string }>('SELECT json FROM environment_builds WHERE id = ?', id);
    return row === undefined ? null : (JSON.parse(row.json) as EnvironmentBuild);
  }

  #save(build: EnvironmentBuild): void {
    const insert = 'INSERT OR REPLACE INTO environment_builds (id, environment, json) VALUES (?, ?, ?)';
    this.#sql.exec(insert, build.build_id, build.environment, JSON.stringify(build));
  }

  #prune(environment: string): void {
    this.#remove([...this.#ids(environment)].slice(KEPT));
  }

  /** The newest first. */
  #ids(environment: string): string[] {
    const query = 'SELECT id FROM environment_builds WHERE environment = ? ORDER BY id DESC';
    return [...this.#sql.exec<{ id: string }>(query, environment)].map(({ id }) => id);
  }

  #remove(ids: readonly string[]): void {
    for (const id of ids) {
      this.#sql.exec('DELETE FROM environment_builds WHERE id = ?', id);
      this.#sql.exec('DELETE FROM environment_build_output WHERE id = ?', id);
    }
  }
}

const leftOut = (length: number) => (length > 0 ? `\n… ${length} characters are left out here …\n` : '');
