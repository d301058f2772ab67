import type { DeliveryView } from '../../../protocol/api/webhook.ts';
import type { DeliveryQuery } from '../../rpc/directory/lists.ts';

/** Deliveries that the list has at most: the newest. Each session keeps its own as well. */
const MAX_ROWS = 1000;

/** The deliveries of all of the owner's sessions, as they have reported them. */
export class DeliveryListTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    // Ids are UUIDv7: their order is that of their time.
    sql.exec(`CREATE TABLE IF NOT EXISTS deliveries (
      id TEXT PRIMARY KEY, session_id TEXT NOT NULL, webhook TEXT, state TEXT NOT NULL, json TEXT NOT NULL) WITHOUT ROWID`);
    sql.exec('CREATE INDEX IF NOT EXISTS deliveries_by_session ON deliveries (session_id)');
  }

  set(view: DeliveryView): void {
    const { delivery_id, session_id, webhook, state } = view;
    const insert = 'INSERT OR REPLACE INTO deliveries (id, session_id, webhook, state, json) VALUES (?, ?, ?, ?, ?)';
    this.#sql.exec(insert, delivery_id, session_id, webhook, state, JSON.stringify(view));
  }

  /** Forgets the oldest ones beyond `MAX_ROWS`. */
  prune(): void {
    this.#sql.exec(
      'DELETE FROM deliveries WHERE id <= (SELECT id FROM deliveries ORDER BY id DESC LIMIT 1 OFFSET ?)',
      MAX_ROWS,
    );
  }

  /** The session of a delivery; null: it is not listed. */
  sessionOf(id: string): string | null {
    const rows = this.#sql.exec<{ session_id: string }>('SELECT session_id FROM deliveries WHERE id = ?', id);
    return [...rows][0]?.session_id ?? null;
  }

  page({ state, webhook, cursor, limit }: DeliveryQuery): { data: DeliveryView[]; next_cursor: string | null } {
    const rows = [
      ...this.#sql.exec<{ json: string }>(
        `SELECT json FROM deliveries WHERE (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR webhook = ?2)
          AND (?3 IS NULL OR id < ?3) ORDER BY id DESC LIMIT ?4`,
        state ?? null,
        webhook ?? null,
        cursor ?? null,
        limit + 1,
      ),
    ];
    const data = rows.slice(0, limit).map(({ json }) => JSON.parse(json) as DeliveryView);
    return { data, next_cursor: rows.length > limit ? (data.at(-1)?.delivery_id ?? null) : null };
  }

  forgetSession(sessionId: string): void {
    this.#sql.exec('DELETE FROM deliveries WHERE session_id = ?', sessionId);
  }
}
