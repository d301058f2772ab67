import type { DeliveryState, DeliveryView } from '../../../../protocol/api/webhook.ts';
import { SELECT_VIEW, viewOf, type ViewRow } from './delivery-view.ts';

/** What webhooks post of an event. */
export interface StoredNotice {
  /** Of the event. */
  readonly seq: number;
  readonly type: string;
  /** Whose words it has: the session's own, or those in which its parent's log tells of it. */
  readonly of: 'session' | 'child';
  /** Of the event, epoch milliseconds. */
  readonly time: number;
  /** Its `data`: some 500 KB at most (`noticeJson`), because a row is limited to 2 MB. */
  readonly json: string;
}

/** What is posted: a notice for one receiver. */
export interface Delivery {
  /** The same at each try, so that the receiver can recognise a repeated post. */
  readonly id: string;
  readonly type: string;
  /** Of the event, epoch milliseconds. */
  readonly time: number;
  /** The notice's `data`. */
  readonly json: string;
  /** How many tries have failed. */
  readonly attempts: number;
  readonly next_at: number;
}

/** What came of a try. */
export interface Tried {
  readonly at: number;
  /** Of the answer; null: none came. */
  readonly status: number | null;
}

/** A delivery that has changed since its owner's list was told, and the number of its last change. */
export interface Unreported {
  readonly n: number;
  readonly changes: number;
  readonly view: Omit<DeliveryView, 'session_id'>;
}

/** What a delivery counts for at least in what waits, bytes. */
const LEAST_BYTES = 4096;
/** The notices of deliveries that are done with are kept up to so many UTF-16 units, for them to be sent again. */
const KEPT_UNITS = 4 * 1024 * 1024;

/**
 * What a session's webhooks post and have posted. Of each receiver's deliveries that wait, only the oldest can be due: the
 * next one is when that one is done with. Several receivers of a notice share its row. Times are epoch milliseconds. Writes
 * belong in the caller's transaction, unless they are of one statement.
 */
export class DeliveryTable {
  readonly #sql: SqlStorage;
  /** When each receiver's oldest delivery is due; null: to be read. Every change of a session asks. */
  #heads: ReadonlyMap<string, number> | null = null;
  /** Whether something is to be reported; null: to be read. */
  #hasNews: boolean | null = null;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Creates the tables if they do not exist. */
  create(): void {
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS webhook_notices (
      n INTEGER PRIMARY KEY AUTOINCREMENT, seq INTEGER, type TEXT NOT NULL, of TEXT NOT NULL, time INTEGER NOT NULL,
      json TEXT NOT NULL, UNIQUE (seq, type, of))`);
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS webhook_deliveries (
      n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, receiver TEXT NOT NULL, notice INTEGER NOT NULL,
      state TEXT NOT NULL, attempts INTEGER NOT NULL, next_at INTEGER NOT NULL, last_status INTEGER, tried INTEGER,
      created INTEGER NOT NULL, detail TEXT, changes INTEGER NOT NULL, reported INTEGER NOT NULL)`);
    this.#sql.exec(
      "CREATE INDEX IF NOT EXISTS webhook_deliveries_waiting ON webhook_deliveries (receiver, n) WHERE state = 'waiting'",
    );
    this.#sql.exec(
      'CREATE INDEX IF NOT EXISTS webhook_deliveries_news ON webhook_deliveries (n) WHERE reported <> changes',
    );
  }

  /** Stores a notice, once for all its receivers. @returns its number, for `add` */
  notice({ seq, type, of, time, json }: StoredNotice): number {
    const [known] = this.#sql.exec<{ n: number }>(
      'SELECT n FROM webhook_notices WHERE seq = ? AND type = ? AND of = ?',
      seq,
      type,
      of,
    );
    if (known !== undefined) return known.n;
    const insert = 'INSERT INTO webhook_notices (seq, type, of, time, json) VALUES (?, ?, ?, ?, ?) RETURNING n';
    return this.#sql.exec<{ n: number }>(insert, seq, type, of, time, json).one().n;
  }

  /** Adds a delivery. @param dropped why it is not posted; null: it waits */
  add(id: string, receiver: string, notice: number, dropped: string | null, now: number): void {
    this.#changed();
    this.#sql.exec(
      `INSERT INTO webhook_deliveries
        (id, receiver, notice, state, attempts, next_at, created, detail, changes, reported)
        VALUES (?, ?, ?, ?, 0, ?, ?, ?, 1, 0)`,
      id,
      receiver,
      notice,
      dropped === null ? 'waiting' : 'dropped',
      now,
      now,
      dropped,
    );
  }

  /** What waits for a receiver, bytes: each delivery counts for 4 KB at least. */
  waitingBytes(receiver: string): number {
    return this.#sql
      .exec<{ bytes: number }>(
        `SELECT coalesce(sum(max(?, length(CAST(w.json AS BLOB)))), 0) AS bytes FROM webhook_deliveries d
          JOIN webhook_notices w ON w.n = d.notice WHERE d.state = 'waiting' AND d.receiver = ?`,
        LEAST_BYTES,
        receiver,
      )
      .one().bytes;
  }

  /** When the oldest delivery of each receiver that has one is due. */
  heads(): ReadonlyMap<string, number> {
    this.#heads ??= new Map(
      // SQLite takes the other columns from the row with the minimum.
      [
        ...this.#sql.exec<{ receiver: string; next_at: number; n: number }>(
          "SELECT receiver, next_at, min(n) AS n FROM webhook_deliveries WHERE state = 'waiting' GROUP BY receiver",
        ),
      ].map(({ receiver, next_at }) => [receiver, next_at]),
    );
    return this.#heads;
  }

  /** The delivery to post to a receiver now; null: there is none, or its time has not come. */
  due(receiver: string, now: number): Delivery | null {
    const at = this.heads().get(receiver);
    if (at === undefined || at > now) return null;
    return this.#sql
      .exec<{ id: string; type: string; time: number; json: string; attempts: number; next_at: number }>(
        `SELECT d.id, w.type, w.time, w.json, d.attempts, d.next_at FROM webhook_deliveries d
          JOIN webhook_notices w ON w.n = d.notice WHERE d.state = 'waiting' AND d.receiver = ? ORDER BY d.n LIMIT 1`,
        receiver,
      )
      .one();
  }

  /** Counts a failed try, and schedules the next one. @param detail why it has failed */
  reschedule(id: string, next_at: number, { at, status }: Tried, detail: string): void {
    this.#changed();
    this.#sql.exec(
      `UPDATE webhook_deliveries SET attempts = attempts + 1, next_at = ?, last_status = ?, tried = ?, detail = ?,
        changes = changes + 1 WHERE id = ?`,
      next_at,
      status,
      at,
      detail,
      id,
    );
  }

  /** Is done with a delivery after its last try. @param detail why it has failed; null: it was delivered */
  finish(id: string, { at, status }: Tried, detail: string | null): void {
    this.#changed();
    this.#sql.exec(
      `UPDATE webhook_deliveries SET state = ?, attempts = attempts + 1, last_status = ?, tried = ?, detail = ?,
        changes = changes + 1 WHERE id = ?`,
      detail === null ? 'delivered' : 'failed',
      status,
      at,
      detail,
      id,
    );
  }

  /** Is done with a delivery that nobody needs any more. */
  cancel(id: string, detail: string): void {
    this.#changed();
    this.#sql.exec(
      "UPDATE webhook_deliveries SET state = 'canceled', detail = ?, changes = changes + 1 WHERE id = ?",
      detail,
      id,
    );
  }

  /** Whether a receiver has got something of this interaction, or may have: what is asked of it, as far as it is kept. */
  mayHaveGot(receiver: string, interactionId: string): boolean {
    const [row] = this.#sql.exec<{ asked: number; got: number | null }>(
      `SELECT count(*) AS asked, sum(d.state = 'delivered') AS got FROM webhook_deliveries d
        JOIN webhook_notices w ON w.n = d.notice
        WHERE d.receiver = ? AND w.type IN ('interaction.opened', 'interaction.reminded')
          AND w.json ->> '$.interaction_id' = ?`,
      receiver,
      interactionId,
    );
    return row === undefined || row.asked === 0 || (row.got ?? 0) > 0;
  }

  /** Is done with all that waits for a receiver. @returns how many did */
  abandon(receiver: string, state: 'failed' | 'canceled', detail: string): number {
    this.#changed();
    const abandoned = this.#sql.exec(
      `UPDATE webhook_deliveries SET state = ?, detail = ?, changes = changes + 1
        WHERE state = 'waiting' AND receiver = ? RETURNING n`,
      state,
      detail,
      receiver,
    );
    return abandoned.toArray().length;
  }

  /** Posts a delivery again, before what waits behind it; one that waits, now. False: it is not kept (any more). */
  again(id: string, now: number): boolean {
    this.#changed();
    const found = this.#sql.exec(
      `UPDATE webhook_deliveries SET state = 'waiting', next_at = ?, detail = NULL, changes = changes + 1,
        attempts = iif(state = 'waiting', attempts, 0) WHERE id = ? RETURNING n`,
      now,
      id,
    );
    return found.toArray().length > 0;
  }

  /** Forgets the oldest deliveries that are done with. @param kept how many are kept at most */
  prune(kept: number): void {
    let units = 0;
    const done = this.#sql.exec<{ n: number; units: number }>(
      `SELECT d.n, length(w.json) AS units FROM webhook_deliveries d JOIN webhook_notices w ON w.n = d.notice
        WHERE d.state <> 'waiting' ORDER BY d.n DESC`,
    );
    let count = 0;
    for (const row of done) {
      units += row.units;
      count += 1;
      if (count <= kept && units <= KEPT_UNITS) continue;
      this.#changed();
      this.#sql.exec("DELETE FROM webhook_deliveries WHERE n <= ? AND state <> 'waiting'", row.n);
      this.#sql.exec('DELETE FROM webhook_notices WHERE n NOT IN (SELECT notice FROM webhook_deliveries)');
      return;
    }
  }

  show(id: string): Omit<DeliveryView, 'session_id'> | null {
    const [row] = this.#sql.exec<ViewRow>(`${SELECT_VIEW} WHERE d.id = ?`, id);
    return row === undefined ? null : viewOf(row);
  }

  /** A page, the newest first. @param cursor the id of the last one of the page before */
  page(
    state: DeliveryState | undefined,
    cursor: string | undefined,
    limit: number,
  ): { data: Omit<DeliveryView, 'session_id'>[]; next_cursor: string | null } {
    const rows = [
      ...this.#sql.exec<ViewRow>(
        `${SELECT_VIEW} WHERE (?1 IS NULL OR d.state = ?1)
          AND (?2 IS NULL OR d.n < (SELECT n FROM webhook_deliveries WHERE id = ?2)) ORDER BY d.n DESC LIMIT ?3`,
        state ?? null,
        cursor ?? null,
        limit + 1,
      ),
    ];
    const data = rows.slice(0, limit).map(viewOf);
    return { data, next_cursor: rows.length > limit ? (data.at(-1)?.delivery_id ?? null) : null };
  }

  get hasNews(): boolean {
    this.#hasNews ??=
      this.#sql.exec('SELECT 1 FROM webhook_deliveries WHERE reported <> changes LIMIT 1').toArray().length > 0;
    return this.#hasNews;
  }

  /** Those that have changed since they were reported, the oldest first. */
  news(limit: number): Unreported[] {
    const rows = this.#sql.exec<ViewRow>(`${SELECT_VIEW} WHERE d.reported <> d.changes ORDER BY d.n LIMIT ?`, limit);
    return [...rows].map((row) => ({ n: row.n, changes: row.changes, view: viewOf(row) }));
  }

  reported(news: readonly Unreported[]): void {
    this.#hasNews = null;
    for (const { n, changes } of news) {
      this.#sql.exec('UPDATE webhook_deliveries SET reported = ? WHERE n = ?', changes, n);
    }
  }

  #changed(): void {
    this.#heads = null;
    this.#hasNews = null;
  }
}
