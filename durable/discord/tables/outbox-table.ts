import type { MessageBody, MessageFile } from '../core/wire/message.ts';

/** Where a message goes: the thread of a session, or the channel for all. */
export type Place = { readonly thread_of: string } | 'channel';

export const CHANNEL_LANE = 'channel';

/** The lane of jobs that post there. */
export const laneOf = (to: Place) => (to === 'channel' ? CHANNEL_LANE : `thread ${to.thread_of}`);

/** Something to do on Discord. Its request is made when it is sent: a thread may have to be opened first. */
export type Job =
  /** Opens a session's thread: a message in the channel, then the thread on it. */
  | { readonly do: 'open_thread'; readonly session_id: string }
  | { readonly do: 'say'; readonly to: Place; readonly body: MessageBody; readonly file: MessageFile | null }
  /** Posts a question. */
  | { readonly do: 'ask'; readonly to: Place; readonly interaction_id: string }
  /** Edits the message of a question, so that it shows the question's state. */
  | { readonly do: 'show_ask'; readonly interaction_id: string }
  | { readonly do: 'remind'; readonly interaction_id: string; readonly attempt: number; readonly of: number }
  /** Shows what a session does now, in the session's one message for that. */
  | { readonly do: 'progress'; readonly session_id: string; readonly text: string }
  /** The next progress is shown in another message. */
  | { readonly do: 'end_progress'; readonly session_id: string }
  /** The session is deleted. This is the last job for it. */
  | { readonly do: 'forget'; readonly session_id: string }
  /** Tells one person the outcome of their action, which took longer than Discord waits. */
  | { readonly do: 'whisper'; readonly token: string; readonly expires: number; readonly text: string }
  /** Answers an interaction that was deferred. Once its token has expired, the same text is posted in `to`. */
  | {
      readonly do: 'answer';
      /** Null: nobody else may see it. */
      readonly to: Place | null;
      readonly token: string;
      readonly expires: number;
      readonly body: MessageBody;
      readonly file: MessageFile | null;
    };

export interface QueuedJob {
  readonly n: number;
  /** Jobs of one lane are done in order. */
  readonly lane: string;
  readonly job: Job;
  readonly attempts: number;
  /** When it was queued, and when it is tried next, epoch milliseconds. */
  readonly at: number;
  readonly next_at: number;
  /** When it was first sent without a known outcome: Discord may have taken it. Epoch milliseconds; null: never. */
  readonly sent_at: number | null;
}

/** The first job of a lane. */
export type Head = Pick<QueuedJob, 'n' | 'lane' | 'next_at'>;

interface Row extends Record<string, SqlStorageValue> {
  n: number;
  lane: string;
  errand: string;
  attempts: number;
  at: number;
  next_at: number;
  sent_at: number | null;
}

/** The jobs that are not done yet, in lanes. A lane keeps its order, and does not wait for other lanes. */
export class OutboxTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS outbox (
      n INTEGER PRIMARY KEY AUTOINCREMENT, lane TEXT NOT NULL, errand TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
      at INTEGER NOT NULL, next_at INTEGER NOT NULL, sent_at INTEGER)`);
    // It includes `next_at`, so that `heads` reads the index alone: a job may be long.
    sql.exec('CREATE INDEX IF NOT EXISTS outbox_by_lane ON outbox (lane, n, next_at)');
  }

  add(lane: string, job: Job, now: number): void {
    // A progress job may only wait because progress is shown at a slow pace. It must not delay the new job.
    this.#sql.exec('UPDATE outbox SET next_at = ? WHERE lane = ? AND next_at > ? AND attempts = 0', now, lane, now);
    this.#insert(lane, job, now, now);
  }

  /**
   * Queues progress in place of progress that still waits: only the newest is shown. A job that Discord may have taken stays.
   *
   * @param next_at when to show it
   */
  replaceProgress(
    lane: string,
    job: Extract<Job, { do: 'progress' }>,
    { now, next_at }: { readonly now: number; readonly next_at: number },
  ): void {
    const last = this.last(lane);
    if (last?.job.do !== 'progress' || last.sent_at !== null) return this.#insert(lane, job, now, next_at);
    this.#sql.exec('UPDATE outbox SET errand = ? WHERE n = ?', JSON.stringify(job), last.n);
  }

  /** The last job of a lane; null: the lane is empty. */
  last(lane: string): QueuedJob | null {
    const [row] = [...this.#sql.exec<Row>('SELECT * FROM outbox WHERE lane = ? ORDER BY n DESC LIMIT 1', lane)];
    return row === undefined ? null : jobOf(row);
  }

  /** The first job of each lane. */
  heads(): Head[] {
    return [...this.#sql.exec<Head>('SELECT min(n) AS n, lane, next_at FROM outbox GROUP BY lane ORDER BY n')];
  }

  get(n: number): QueuedJob | null {
    const [row] = [...this.#sql.exec<Row>('SELECT * FROM outbox WHERE n = ?', n)];
    return row === undefined ? null : jobOf(row);
  }

  /** @param at when it was first sent without a known outcome; null: Discord does not have it */
  setSent(n: number, at: number | null): void {
    this.#sql.exec('UPDATE outbox SET sent_at = ? WHERE n = ?', at, n);
  }

  /** Tries the job again later. */
  postpone(n: number, next_at: number, failed: boolean): void {
    this.#sql.exec('UPDATE outbox SET next_at = ?, attempts = attempts + ? WHERE n = ?', next_at, failed ? 1 : 0, n);
  }

  remove(n: number): void {
    this.#sql.exec('DELETE FROM outbox WHERE n = ?', n);
  }

  /** Moves the jobs of a thread that is gone to another lane. */
  moveLane(from: string, to: string): void {
    this.#sql.exec('UPDATE outbox SET lane = ? WHERE lane = ?', to, from);
  }

  /** Drops jobs that were queued before `at`. @returns their number, and the sessions that were to be forgotten */
  dropBefore(at: number): { readonly dropped: number; readonly forgotten: readonly string[] } {
    const forgetting = "SELECT errand ->> 'session_id' AS id FROM outbox WHERE at < ? AND errand ->> 'do' = 'forget'";
    const forgotten = [...this.#sql.exec<{ id: string }>(forgetting, at)].map(({ id }) => id);
    const dropped = this.#sql.exec('DELETE FROM outbox WHERE at < ? RETURNING n', at).toArray().length;
    return { dropped, forgotten };
  }

  #insert(lane: string, job: Job, at: number, next_at: number): void {
    const insert = 'INSERT INTO outbox (lane, errand, at, next_at) VALUES (?, ?, ?, ?)';
    this.#sql.exec(insert, lane, JSON.stringify(job), at, next_at);
  }
}

function jobOf({ errand, ...row }: Row): QueuedJob {
  return { ...row, job: JSON.parse(errand) as Job };
}
