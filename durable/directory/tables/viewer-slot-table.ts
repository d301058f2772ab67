import { VIEWER_LEASE_MS, type ViewersInput } from '../../rpc/directory/reports.ts';

/** How many viewers each session of the owner may have connected. What a session does not renew goes back. */
export class ViewerSlotTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS viewer_slots (
      session_id TEXT PRIMARY KEY, slots INTEGER NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID`);
  }

  /**
   * Replaces what a session has.
   *
   * @param most of the owner; 0: any number
   * @returns how many it has now
   */
  hold({ session_id, open, wanted }: ViewersInput, most: number, now: number): number {
    this.#sql.exec('DELETE FROM viewer_slots WHERE session_id = ? OR until <= ?', session_id, now);
    const { others } = this.#sql
      .exec<{ others: number }>('SELECT coalesce(sum(slots), 0) AS others FROM viewer_slots')
      .one();
    // Those that are connected stay, whatever the bound is now.
    const slots = most === 0 ? wanted : Math.max(open, Math.min(wanted, most - others));
    if (slots === 0) return 0;
    const insert = 'INSERT INTO viewer_slots (session_id, slots, until) VALUES (?, ?, ?)';
    this.#sql.exec(insert, session_id, slots, now + VIEWER_LEASE_MS);
    return slots;
  }

  remove(sessionId: string): void {
    this.#sql.exec('DELETE FROM viewer_slots WHERE session_id = ?', sessionId);
  }
}
