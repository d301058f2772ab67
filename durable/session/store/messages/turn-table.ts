import * as z from 'zod';
import {
  turnResult,
  type TurnOrigin,
  type TurnResult,
  type TurnView,
} from '../../../../protocol/api/session/message.ts';
import { takePage } from '../page.ts';
import { messageError, type MessageError } from '../../../../protocol/reason.ts';

/** A turn that has ended. Times are epoch milliseconds. */
export interface EndedTurnRow {
  readonly turn_id: string;
  readonly origin: TurnOrigin;
  readonly status: TurnView['status'];
  readonly started: number;
  readonly finished: number;
  /** The messages that it answered, or from which it followed. */
  readonly message_ids: readonly string[];
  /** Null: it ended without a result, with its container. */
  readonly result: TurnResult | null;
  readonly error: MessageError | null;
}

interface Row extends Record<string, SqlStorageValue> {
  number: number;
  id: string;
  origin: string;
  status: string;
  started: number;
  finished: number;
  message_ids: string;
  result: string | null;
  error: string | null;
}

/** Most turns that are shown with a message. */
const MAX_TURNS_SHOWN = 200;

const ids = z.array(z.string());

/** The turns of one session that have ended, whoever began them. */
export class TurnTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Creates the tables if they do not exist. */
  create(): void {
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS turns (
      number INTEGER PRIMARY KEY, id TEXT NOT NULL, origin TEXT NOT NULL, status TEXT NOT NULL, started INTEGER NOT NULL,
      finished INTEGER NOT NULL, message_ids TEXT NOT NULL, result TEXT, error TEXT)`);
    this.#sql.exec(
      'CREATE TABLE IF NOT EXISTS message_turns (message_id TEXT, number INTEGER, PRIMARY KEY (message_id, number)) WITHOUT ROWID',
    );
  }

  add({ turn_id, origin, status, started, finished, message_ids, result, error }: EndedTurnRow): void {
    const { number } = this.#sql
      .exec<{ number: number }>(
        `INSERT INTO turns (id, origin, status, started, finished, message_ids, result, error)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING number`,
        turn_id,
        origin,
        status,
        started,
        finished,
        JSON.stringify(message_ids),
        result === null ? null : JSON.stringify(result),
        error === null ? null : JSON.stringify(error),
      )
      .one();
    for (const id of message_ids) this.#sql.exec('INSERT INTO message_turns VALUES (?, ?)', id, number);
  }

  /** What the turns of this message said is forgotten. What they cost stays. */
  forgetTexts(messageId: string): void {
    this.#sql.exec(
      `UPDATE turns SET result = json_set(result, '$.result', NULL)
        WHERE number IN (SELECT number FROM message_turns WHERE message_id = ?)`,
      messageId,
    );
  }

  /** The turns of a message, the oldest first; of very many, the newest. */
  ofMessage(messageId: string): TurnView[] {
    const rows = this.#sql.exec<Row>(
      'SELECT turns.* FROM message_turns JOIN turns USING (number) WHERE message_id = ? ORDER BY number DESC',
      messageId,
    );
    // Without end, an agent can have turns that follow from one message.
    return takePage(rows, MAX_TURNS_SHOWN, viewOf).views.toReversed();
  }

  /** Turns after `cursor`, the oldest first. */
  page(cursor: number, limit: number) {
    const rows = this.#sql.exec<Row>('SELECT * FROM turns WHERE number > ? ORDER BY number LIMIT ?', cursor, limit + 1);
    const { views, last, more } = takePage(rows, limit, (row) => ({
      ...viewOf(row),
      message_ids: ids.parse(JSON.parse(row.message_ids)),
    }));
    return { data: [...views], next_cursor: more ? String(last?.number ?? 0) : null };
  }
}

function viewOf(row: Row): TurnView {
  return {
    turn_id: row.id,
    origin: row.origin as TurnOrigin,
    status: row.status as TurnView['status'],
    started_at: new Date(row.started).toISOString(),
    finished_at: new Date(row.finished).toISOString(),
    ...(row.result === null ? {} : turnResult.parse(JSON.parse(row.result))),
    error: row.error === null ? null : messageError.parse(JSON.parse(row.error)),
  };
}
