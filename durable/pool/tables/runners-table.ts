import type {
  BackendHealth,
  BackendName,
  RunnerDisk,
  SessionResources,
  StorageInfo,
} from '../../../protocol/link/runner-control.ts';

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
  /** It builds images of environments. */
  readonly environments?: boolean | undefined;
  /** Frames and fields of it that this edge did not know. */
  readonly unknown?: number;
  /** It was away for too long and its containers count as lost. It is no runner any more, until it comes back. */
  readonly lost?: boolean;
  /** What its machine has for sessions. Absent: it has not said. */
  readonly resources?: SessionResources | undefined;
  /** When it was lost lately, epoch milliseconds (`core/resting.ts`). */
  readonly losses?: readonly number[];
  /** Since when it is disconnected, epoch milliseconds; null: it is connected. */
  readonly away_since: number | null;
}

/** The pool's runners. They are few and asked for all the time, so all are in memory too: what is stored is read once. */
export class RunnersTable {
  readonly #sql: SqlStorage;
  readonly #rows: Map<string, RunnerRow>;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec('CREATE TABLE IF NOT EXISTS runners (name TEXT PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID');
    const rows = sql.exec<{ json: string }>('SELECT json FROM runners ORDER BY name').toArray();
    this.#rows = new Map(rows.map(({ json }) => JSON.parse(json) as RunnerRow).map((row) => [row.name, row]));
  }

  /** The runners that are connected, or were a short time ago. */
  all(): RunnerRow[] {
    return this.every().filter(({ lost }) => lost !== true);
  }

  /** These, and those that are given up, as they were last. */
  every(): RunnerRow[] {
    return [...this.#rows.values()];
  }

  of(name: string): RunnerRow | null {
    const row = this.#rows.get(name);
    return row === undefined || row.lost === true ? null : row;
  }

  /** As `of`, given up or not. */
  last(name: string): RunnerRow | null {
    return this.#rows.get(name) ?? null;
  }

  save(runner: RunnerRow): void {
    // What is stored first: if that fails, nothing has changed.
    const json = JSON.stringify(runner);
    this.#sql.exec('INSERT OR REPLACE INTO runners (name, json) VALUES (?, ?)', runner.name, json);
    this.#rows.set(runner.name, runner);
  }
}
