import type { Counts } from '../../../protocol/metrics/registry.ts';

/** What runners have counted, as they said it last. Stored, because the object hibernates while its runners are connected. */
export class RunnerMetricsTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec('CREATE TABLE IF NOT EXISTS runner_metrics (runner TEXT PRIMARY KEY, counts TEXT NOT NULL) WITHOUT ROWID');
  }

  set(runner: string, counts: Counts): void {
    const json = JSON.stringify(counts);
    this.#sql.exec('INSERT OR REPLACE INTO runner_metrics (runner, counts) VALUES (?, ?)', runner, json);
  }

  remove(runner: string): void {
    this.#sql.exec('DELETE FROM runner_metrics WHERE runner = ?', runner);
  }

  /** One series of a runner, as it said it last; undefined: it has not. */
  of(runner: string, series: string): number | undefined {
    const [row] = this.#sql.exec<{ counts: string }>('SELECT counts FROM runner_metrics WHERE runner = ?', runner);
    return row === undefined ? undefined : (JSON.parse(row.counts) as Counts)[series];
  }

  all(): Record<string, Counts> {
    const rows = this.#sql.exec<{ runner: string; counts: string }>('SELECT runner, counts FROM runner_metrics');
    return Object.fromEntries([...rows].map(({ runner, counts }) => [runner, JSON.parse(counts) as Counts]));
  }
}
