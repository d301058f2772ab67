import type { OwnEvent } from '../../../../protocol/api/event.ts';
import { splitText } from '../../../shared/split-text.ts';

/** A stored event. `json` is its `data`: the JSON text exactly as it was written. */
export interface StoredEvent {
  readonly seq: number;
  readonly time: number;
  readonly type: string;
  readonly json: string;
}

interface Row extends Record<string, SqlStorageValue> {
  seq: number;
  time: number;
  type: string;
  data: string;
  parts: number;
}

/** A preview: broadcast, never stored. `preview` is the line as Claude Code wrote it. */
export interface Preview {
  readonly time: number;
  readonly preview: string;
}

/** What viewers get: events and previews. */
export type StreamItem = StoredEvent | Preview;

/** The durable log of one session: `seq` counts from 1 without holes. Appends belong in the caller's transaction. */
export class EventLog {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Creates the tables if they do not exist. */
  create(): void {
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS events (
      seq INTEGER PRIMARY KEY, time INTEGER NOT NULL, type TEXT NOT NULL, data TEXT NOT NULL, parts INTEGER NOT NULL)`);
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS event_parts (
      seq INTEGER NOT NULL, part INTEGER NOT NULL, data TEXT NOT NULL, PRIMARY KEY (seq, part)) WITHOUT ROWID`);
  }

  /** `seq` of the newest event; 0 when there is none. */
  last(): number {
    return this.#sql.exec<{ seq: number | null }>('SELECT max(seq) AS seq FROM events').one().seq ?? 0;
  }

  /** `seq` of the oldest event that is still stored; 1 when none was pruned. */
  first(): number {
    return this.#sql.exec<{ seq: number | null }>('SELECT min(seq) AS seq FROM events').one().seq ?? 1;
  }

  append(event: StoredEvent): void {
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
    const events: StoredEvent[] = [];
    let size = 0;
    for (const row of rows) {
      const event = this.#event(row);
      events.push(event);
      size += event.json.length;
      if (size >= bytes) break;
    }
    return events;
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

  #event({ seq, time, type, data, parts }: Row): StoredEvent {
    return { seq, time, type, json: parts === 0 ? data : data + this.#rest(seq) };
  }

  #rest(seq: number): string {
    const rows = this.#sql.exec<{ data: string }>('SELECT data FROM event_parts WHERE seq = ? ORDER BY part', seq);
    return [...rows].map(({ data }) => data).join('');
  }
}

/** An event as sent over the wire. Claude Code's own JSON goes in byte for byte as it was written. */
export function envelopeJson({ seq, time, type, json }: StoredEvent): string {
  return `{"seq":${seq},"time":"${new Date(time).toISOString()}","type":${JSON.stringify(type)},"data":${json}}`;
}

/** A preview as sent over the wire. It has no `seq`, because it is not stored. */
export function previewJson({ time, preview }: Preview): string {
  return `{"time":"${new Date(time).toISOString()}","type":"stream_event","data":${preview}}`;
}

/**
 * An event in the seed's dialect. For Claude Code's events that is the message itself; for CC-Docker's own, `data` with
 * `type` added. The seed's own name for `child.result` is `child_result`.
 */
export function plainJson({ type, json }: Pick<StoredEvent, 'type' | 'json'>, own: boolean): string {
  if (!own) return json;
  const name = JSON.stringify(type === 'child.result' ? 'child_result' : type);
  return json === '{}' ? `{"type":${name}}` : `{"type":${name},${json.slice(1)}`;
}

/** Converts one of CC-Docker's own events to the form in which it is stored. */
export function ownEvent(seq: number, time: number, event: OwnEvent): StoredEvent {
  return { seq, time, type: event.type, json: JSON.stringify(event.data) };
}
