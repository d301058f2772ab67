import { splitText } from '../../../shared/text/split-text.ts';
import { utf8Bytes } from '../../../shared/text/utf8-bytes.ts';
import type { StoredEvent } from '../../core/shown.ts';

interface Row extends Record<string, SqlStorageValue> {
  seq: number;
  time: number;
  type: string;
  data: string;
  parts: number;
}
/** A row's columns, in order: a replay reads many, and an object for each costs twice as much. */
type Columns = [seq: number, time: number, type: string, data: string, parts: number];

/** What of the log is kept. 0: all. */
export interface Retention {
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

/** What the log knows of itself besides its events. */
interface Extent {
  /** `seq` of the last event that was pruned; 0: none was. */
  readonly pruned: number;
  /** Bytes of the data of all events that are stored. */
  readonly bytes: number;
}

/** Most that one step of pruning deletes, beyond twice what was appended since the last one. */
const STEP = { events: 200, bytes: 4 * 1024 * 1024 };

const NOTHING = { events: 0, bytes: 0 };

/**
 * The durable log of one session: `seq` counts from 1 without holes. The oldest events are pruned. Appends and pruning
 * belong in the caller's transaction; if that fails, `forget` what was counted.
 */
export class EventLog {
  readonly #sql: SqlStorage;
  /** Null: to be read from the table. */
  #extent: Extent | null = null;
  /** Since the last step of pruning. */
  #appended = NOTHING;
  /** When the oldest event was stored, epoch milliseconds; undefined: to be read. Null: there is none. */
  #oldest: number | null | undefined;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Creates the tables if they do not exist. */
  create(): void {
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS events (
      seq INTEGER PRIMARY KEY, time INTEGER NOT NULL, type TEXT NOT NULL, data TEXT NOT NULL, parts INTEGER NOT NULL)`);
    // With row ids: else each row that SQLite passes on its way to another is read whole. Logs of version 0.1 are without.
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS event_parts (
      seq INTEGER NOT NULL, part INTEGER NOT NULL, data TEXT NOT NULL, PRIMARY KEY (seq, part))`);
    createExtent(this.#sql);
  }

  /** `seq` of the newest event, also when it is pruned; 0 when there never was one. */
  last(): number {
    const { seq } = this.#sql.exec<{ seq: number | null }>('SELECT max(seq) AS seq FROM events').one();
    return seq ?? this.#known().pruned;
  }

  /** `seq` of the oldest event that is still stored, or would be; 1 when none was pruned. */
  first(): number {
    return this.#known().pruned + 1;
  }

  /** Bytes of the data of all events that are stored. */
  get bytes(): number {
    return this.#known().bytes;
  }

  /** When the oldest event was stored, epoch milliseconds; null: there is none. */
  oldest(): number | null {
    if (this.#oldest !== undefined) return this.#oldest;
    const [row] = this.#sql.exec<{ time: number }>('SELECT time FROM events ORDER BY seq LIMIT 1');
    this.#oldest = row?.time ?? null;
    return this.#oldest;
  }

  /** The transaction has failed: what it counted did not happen. */
  forget(): void {
    this.#extent = null;
    this.#oldest = undefined;
    this.#appended = NOTHING;
  }

  /** @returns the bytes of its data */
  append(event: StoredEvent): number {
    const parts = splitText(event.json);
    const [head = '', ...rest] = parts;
    this.#sql.exec(
      'INSERT INTO events (seq, time, type, data, parts) VALUES (?, ?, ?, ?, ?)',
      event.seq,
      event.time,
      event.type,
      head,
      rest.length,
    );
    for (const [index, data] of rest.entries()) {
      this.#sql.exec('INSERT INTO event_parts (seq, part, data) VALUES (?, ?, ?)', event.seq, index, data);
    }
    const { pruned, bytes } = this.#known();
    const added = utf8Bytes(event.json);
    this.#extent = { pruned, bytes: bytes + added };
    this.#appended = { events: this.#appended.events + 1, bytes: this.#appended.bytes + added };
    this.#oldest ??= event.time;
    return added;
  }

  /**
   * Deletes the oldest events that are too old or do not fit: a bounded number, but more than was appended since the last
   * step, and none of these. Then writes down what the log has. Each transaction ends with it.
   *
   * @param leaving is called before they go, with the `seq` of the newest of them: who needs what they say copies it
   * @returns when the newest event that it deleted was stored, epoch milliseconds; null: it deleted none
   */
  prune({ maxBytes, maxAgeMs }: Retention, now: number, leaving: (last: number) => void): number | null {
    const { events, bytes } = this.#appended;
    const isDue = (stored: number, time: number) =>
      (maxBytes > 0 && stored > maxBytes) || (maxAgeMs > 0 && time <= now - maxAgeMs);
    const oldest = this.oldest();
    if (events === 0 && (oldest === null || !isDue(this.bytes, oldest))) return null;
    let extent = this.#known();
    const least = extent.bytes - 2 * bytes - STEP.bytes;
    let newest: number | null = null;
    if (oldest !== null && isDue(extent.bytes, oldest)) {
      for (const row of this.#oldestSizes(this.last() - events, 2 * events + STEP.events)) {
        if (!isDue(extent.bytes, row.time) || extent.bytes <= least) break;
        extent = { pruned: row.seq, bytes: extent.bytes - row.bytes };
        newest = row.time;
      }
      leaving(extent.pruned);
      this.#sql.exec('DELETE FROM events WHERE seq <= ?', extent.pruned);
      this.#sql.exec('DELETE FROM event_parts WHERE seq <= ?', extent.pruned);
      this.#oldest = undefined;
    }
    this.#appended = NOTHING;
    this.#extent = extent;
    this.#sql.exec('UPDATE log_extent SET pruned = ?, bytes = ?', extent.pruned, extent.bytes);
    return newest;
  }

  /** The oldest events up to `last`, with the bytes of their data. Each is read only when it is asked for. */
  #oldestSizes(last: number, limit: number) {
    return this.#sql.exec<{ seq: number; time: number; bytes: number }>(
      `SELECT seq, time, length(CAST(data AS BLOB)) + iif(parts = 0, 0, (
        SELECT sum(length(CAST(data AS BLOB))) FROM event_parts WHERE event_parts.seq = events.seq)) AS bytes
        FROM events WHERE seq <= ? ORDER BY seq LIMIT ?`,
      last,
      limit,
    );
  }

  /**
   * Events after `after`, the oldest first: at most `limit`. Stops after the event with which the data reaches `bytes`,
   * counted in UTF-16 units.
   */
  read(after: number, limit: number, bytes: number): StoredEvent[] {
    const rows = this.#sql.exec<Row>(
      'SELECT seq, time, type, data, parts FROM events WHERE seq > ? ORDER BY seq LIMIT ?',
      after,
      limit,
    );
    return this.#upTo(rows.raw<Columns>(), bytes);
  }

  /** Events just before `before`, the oldest first: at most `limit`, and fewer when their data is larger than `bytes`, as above. */
  readBefore(before: number, limit: number, bytes: number): StoredEvent[] {
    const rows = this.#sql.exec<Row>(
      'SELECT seq, time, type, data, parts FROM events WHERE seq < ? ORDER BY seq DESC LIMIT ?',
      before,
      limit,
    );
    return this.#upTo(rows.raw<Columns>(), bytes).toReversed();
  }

  /**
   * `seq` of the first event that was stored at a time or later; one more than the last when there is none. Events are in the order of
   * their times, as far as the clock of the machine is: so it is looked for by halves.
   *
   * @param time epoch milliseconds
   */
  firstSince(time: number): number {
    let low = this.first();
    let high = this.last() + 1;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const [row] = this.#sql.exec<{ time: number }>('SELECT time FROM events WHERE seq = ?', middle);
      if (row === undefined || row.time >= time) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #upTo(rows: Iterable<Columns>, bytes: number): StoredEvent[] {
    const events: StoredEvent[] = [];
    let size = 0;
    for (const [seq, time, type, data, parts] of rows) {
      const event = this.#event({ seq, time, type, data, parts });
      events.push(event);
      size += event.json.length;
      if (size >= bytes) break;
    }
    return events;
  }

  /** The event of a number; null: it is not stored, or no longer. */
  at(seq: number): StoredEvent | null {
    const [row] = this.#sql.exec<Row>('SELECT seq, time, type, data, parts FROM events WHERE seq = ?', seq);
    return row === undefined ? null : this.#event(row);
  }

  /** All events, the newest first. Each is read only when it is asked for. */
  *backwards(): Generator<StoredEvent> {
    for (let before = this.last() + 1; ;) {
      const [row] = this.#sql.exec<Row>(
        'SELECT seq, time, type, data, parts FROM events WHERE seq < ? ORDER BY seq DESC LIMIT 1',
        before,
      );
      if (row === undefined) return;
      yield this.#event(row);
      before = row.seq;
    }
  }

  #known(): Extent {
    this.#extent ??= this.#sql
      .exec<Extent & Record<string, SqlStorageValue>>('SELECT pruned, bytes FROM log_extent')
      .one();
    return this.#extent;
  }

  #event({ seq, time, type, data, parts }: Row): StoredEvent {
    return { seq, time, type, json: parts === 0 ? data : data + this.#rest(seq) };
  }

  #rest(seq: number): string {
    const rows = this.#sql.exec<{ data: string }>('SELECT data FROM event_parts WHERE seq = ? ORDER BY part', seq);
    return [...rows].map(({ data }) => data).join('');
  }
}

/** Creates the table of what the log has, and counts the log of a version that had no such table. */
function createExtent(sql: SqlStorage): void {
  sql.exec('CREATE TABLE IF NOT EXISTS log_extent (pruned INTEGER NOT NULL, bytes INTEGER NOT NULL)');
  sql.exec(`INSERT INTO log_extent SELECT
    coalesce((SELECT min(seq) FROM events), 1) - 1,
    coalesce((SELECT sum(length(CAST(data AS BLOB))) FROM events), 0) +
    coalesce((SELECT sum(length(CAST(data AS BLOB))) FROM event_parts), 0)
    WHERE NOT EXISTS (SELECT 1 FROM log_extent)`);
}
