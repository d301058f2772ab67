import type { MessageBody, MessageFile } from '../core/discord/interaction-message.ts';

/** Where a message goes: into a session's thread, or the channel for all. */
export type Place = { readonly thread_of: string } | 'channel';

/** What is to be done on Discord. What its request is, is known when it goes: a thread may have to be there first. */
export type Errand =
  /** Opens a session's thread. */
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
  /** Epoch milliseconds. */
  readonly next_at: number;
}

interface Row extends Record<string, SqlStorageValue> {
  n: number;
  lane: string;
  errand: string;
  attempts: number;
  next_at: number;
}

/** What is to be done on Discord and is not done yet, in lanes: each is kept in order, and one that waits keeps no other waiting. */
export class OutboxTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS outbox (
      n INTEGER PRIMARY KEY AUTOINCREMENT, lane TEXT NOT NULL, errand TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, next_at INTEGER NOT NULL)`);
    sql.exec('CREATE INDEX IF NOT EXISTS outbox_by_lane ON outbox (lane, n)');
  }

  add(lane: string, errand: Errand, now: number): void {
    this.#sql.exec('INSERT INTO outbox (lane, errand, next_at) VALUES (?, ?, ?)', lane, JSON.stringify(errand), now);
  }

  /** What a session does now is shown once, not each step that it took meanwhile. @param sending the one that is under way */
  replaceProgress(
    lane: string,
    errand: Extract<Errand, { do: 'progress' }>,
    now: number,
    sending: number | null,
  ): void {
    const rows = this.#sql.exec<{ n: number; errand: string }>(
      'SELECT n, errand FROM outbox WHERE lane = ? ORDER BY n DESC LIMIT 1',
      lane,
    );
    const [last] = [...rows];
    const isProgress = last !== undefined && (JSON.parse(last.errand) as Errand).do === 'progress';
    if (!isProgress || last.n === sending) return this.add(lane, errand, now);
    this.#sql.exec('UPDATE outbox SET errand = ? WHERE n = ?', JSON.stringify(errand), last.n);
  }

  /** The first of each lane. */
  heads(): Queued[] {
    const rows = this.#sql.exec<Row>(
      'SELECT o.* FROM outbox o JOIN (SELECT lane, min(n) AS n FROM outbox GROUP BY lane) h ON o.n = h.n ORDER BY o.n',
    );
    return [...rows].map(({ errand, ...row }) => ({ ...row, errand: JSON.parse(errand) as Errand }));
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

  count(): number {
    return this.#sql.exec<{ n: number }>('SELECT count(*) AS n FROM outbox').one().n;
  }
}
