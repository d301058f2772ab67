import { sessionStatus, type SessionStatus } from '../../protocol/api/session/session.ts';
import type { GateMetrics, OwnerTotals } from '../rpc/gate-rpc.ts';

/** What each owner has, as their directories said it last. Stored, because a directory whose owner does nothing says nothing. */
export class OwnerTotalsTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    // `totals`: JSON, `{"<state>": <number of sessions>, "stored_bytes": …}`.
    sql.exec(
      'CREATE TABLE IF NOT EXISTS owner_totals (directory TEXT PRIMARY KEY, totals TEXT NOT NULL) WITHOUT ROWID',
    );
  }

  set(directory: string, { sessions, stored_bytes }: OwnerTotals): void {
    const totals = JSON.stringify({ ...sessions, stored_bytes });
    this.#sql.exec('INSERT OR REPLACE INTO owner_totals (directory, totals) VALUES (?, ?)', directory, totals);
  }

  /** Of all owners together. */
  sum(): Pick<GateMetrics, 'sessions' | 'stored_bytes'> {
    const rows = this.#sql.exec<{ key: string; total: number }>(
      'SELECT each.key AS key, sum(each.value) AS total FROM owner_totals, json_each(totals) AS each GROUP BY each.key',
    );
    const sums = new Map([...rows].map(({ key, total }) => [key, total]));
    const sessions = sessionStatus.options.map((status) => [status, sums.get(status) ?? 0] as const);
    return {
      sessions: Object.fromEntries(sessions) as Record<SessionStatus, number>,
      stored_bytes: sums.get('stored_bytes') ?? 0,
    };
  }
}
