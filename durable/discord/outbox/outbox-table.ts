import type { MessageBody, MessageFile } from '../core/interaction-message.ts';

/** Where a message goes: into a session's thread, or the channel for all. */
export type Place = { readonly thread_of: string } | 'channel';

/** What is to be done on Discord. What its request is, is known when it goes: a thread may have to be there first. */
export type Errand =
  /** Opens a session's thread: a message in the channel, and the thread on it. */
  | { readonly do: 'open_thread'; readonly session_id: string }
  | { readonly do: 'say'; readonly to: Place; readonly body: MessageBody; readonly file: MessageFile | null }
  /** Asks people; and shows what became of that. */
  | { readonly do: 'ask'; readonly to: Place; readonly interaction_id: string }
  | { readonly do: 'show_ask'; readonly interaction_id: string }
  | { readonly do: 'remind'; readonly interaction_id: string; readonly attempt: number; readonly of: number }
  /** Shows how a session goes on, in its one message for that. */
  | { readonly do: 'progress'; readonly session_id: string; readonly text: string }
  /** What it does next is shown in another message. */
  | { readonly do: 'end_progress'; readonly session_id: string }
  /** The session was deleted, and all that it had to say has been said. */
  | { readonly do: 'forget'; readonly session_id: string }
  /** Tells somebody alone what came of what they did, where that took longer than Discord waits. */
  | { readonly do: 'whisper'; readonly token: string; readonly expires: number; readonly text: string }
  /** Answers an interaction that was deferred; once its token is too old, the same is said in that place. */
  | {
      readonly do: 'answer';
      /** Null: it is for nobody else to see. */
      readonly to: Place | null;
      readonly token: string;
      readonly expires: number;
      readonly body: MessageBody;
      readonly file: MessageFile | null;
    };

export interface Queued {
  readonly n: number;
  /** What is queued behind another of the same lane goes after it. */
  readonly lane: string;
  readonly errand: Errand;
  readonly attempts: number;
  /** Since when it waits, and when it is tried next, epoch milliseconds. */
  readonly at: number;
  readonly next_at: number;
  /** Since when Discord may have taken it without our hearing of it, epoch milliseconds; null: it has not. */
  readonly sent_at: number | null;
}

/** What is first in its lane. */
export type Head = Pick<Queued, 'n' | 'lane' | 'next_at'>;

interface Row extends Record<string, SqlStorageValue> {
  n: number;
  lane: string;
  errand: string;
  attempts: number;
  at: number;
  next_at: number;
  sent_at: number | null;
}

/** What is to be done on Discord and is not done yet, in lanes: each is kept in order, and one that waits keeps no other waiting. */
export class OutboxTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS outbox (
      n INTEGER PRIMARY KEY AUTOINCREMENT, lane TEXT NOT NULL, errand TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
      at INTEGER NOT NULL, next_at INTEGER NOT NULL, sent_at INTEGER)`);
    // With `next_at`, so that an errand, which may be long, is read for nothing but itself.
    sql.exec('CREATE INDEX IF NOT EXISTS outbox_by_lane ON outbox (lane, n, next_at)');
  }

  add(lane: string, errand: Errand, now: number): void {
    // A look at its progress that waited for its pace alone keeps nothing else waiting.
    this.#sql.exec('UPDATE outbox SET next_at = ? WHERE lane = ? AND next_at > ? AND attempts = 0', now, lane, now);
    this.#insert(lane, errand, now, now);
  }

  /**
   * What a session does now is shown once, not each step that it took meanwhile. What Discord may have been shown stays as it was.
   *
   * @param next_at when it is to be shown
   */
  replaceProgress(
    lane: string,
    errand: Extract<Errand, { do: 'progress' }>,
    { now, next_at }: { readonly now: number; readonly next_at: number },
  ): void {
    const last = this.last(lane);
    if (last?.errand.do !== 'progress' || last.sent_at !== null) return this.#insert(lane, errand, now, next_at);
    this.#sql.exec('UPDATE outbox SET errand = ? WHERE n = ?', JSON.stringify(errand), last.n);
  }

  /** What is done last in that lane; null: it is empty. */
  last(lane: string): Queued | null {
    const [row] = [...this.#sql.exec<Row>('SELECT * FROM outbox WHERE lane = ? ORDER BY n DESC LIMIT 1', lane)];
    return row === undefined ? null : queuedOf(row);
  }

  /** The first of each lane. */
  heads(): Head[] {
    return [...this.#sql.exec<Head>('SELECT min(n) AS n, lane, next_at FROM outbox GROUP BY lane ORDER BY n')];
  }

  get(n: number): Queued | null {
    const [row] = [...this.#sql.exec<Row>('SELECT * FROM outbox WHERE n = ?', n)];
    return row === undefined ? null : queuedOf(row);
  }

  /** @param at since when Discord may have it; null: it has not */
  setSent(n: number, at: number | null): void {
    this.#sql.exec('UPDATE outbox SET sent_at = ? WHERE n = ?', at, n);
  }

  /** It was tried, and is to be tried again. */
  putOff(n: number, next_at: number, failed: boolean): void {
    this.#sql.exec('UPDATE outbox SET next_at = ?, attempts = attempts + ? WHERE n = ?', next_at, failed ? 1 : 0, n);
  }

  remove(n: number): void {
    this.#sql.exec('DELETE FROM outbox WHERE n = ?', n);
  }

  /** What was to go into a thread that is no longer there goes into the channel. */
  moveLane(from: string, to: string): void {
    this.#sql.exec('UPDATE outbox SET lane = ? WHERE lane = ?', to, from);
  }

  /** Drops what has waited since before then: how many these were, and which sessions were to be forgotten by then. */
  dropBefore(at: number): { readonly dropped: number; readonly forgotten: readonly string[] } {
    const forgetting = "SELECT errand ->> 'session_id' AS id FROM outbox WHERE at < ? AND errand ->> 'do' = 'forget'";
    const forgotten = [...this.#sql.exec<{ id: string }>(forgetting, at)].map(({ id }) => id);
    const dropped = this.#sql.exec('DELETE FROM outbox WHERE at < ? RETURNING n', at).toArray().length;
    return { dropped, forgotten };
  }

  #insert(lane: string, errand: Errand, at: number, next_at: number): void {
    const insert = 'INSERT INTO outbox (lane, errand, at, next_at) VALUES (?, ?, ?, ?)';
    this.#sql.exec(insert, lane, JSON.stringify(errand), at, next_at);
  }
}

function queuedOf({ errand, ...row }: Row): Queued {
  return { ...row, errand: JSON.parse(errand) as Errand };
}
