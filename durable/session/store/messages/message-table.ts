import type { MessageStatus, TurnOrigin, TurnResult } from '../../../../protocol/api/session/message.ts';
import { promptBytes } from '../../core/queue-bound.ts';
import { addTurn } from '../../core/turns/sum.ts';
import { takePage } from '../page.ts';
import type { EventLog } from '../tables/event-log.ts';
import type { TurnTable } from './turn-table.ts';
import { turnResult } from '../../../../protocol/api/session/message.ts';
import type { ContentBlock, Prompt } from '../../../../protocol/content/blocks.ts';
import { messageError, type MessageError } from '../../../../protocol/reason.ts';
import { dropExpiredKeys, KEY_LIFE_MS } from '../../../shared/keys/key-life.ts';
import { MessageTexts } from './message-texts.ts';
import { iso, type StoredMessage } from './message-view.ts';

interface Row extends Record<string, SqlStorageValue> {
  id: string;
  origin: string;
  status: string;
  prompt: string;
  text_seq: number | null;
  created: number;
  started: number | null;
  finished: number | null;
  settled: number | null;
  error: string | null;
  turn: string | null;
}

/** Most messages whose text goes in one step. */
const FORGOTTEN_AT_ONCE = 200;

/** Of the messages: what they say is still known, and nothing needs it. */
const TO_FORGET = "settled IS NOT NULL AND (prompt <> '' OR text_seq IS NOT NULL)";
/** They need what they say, and an event has it. */
const GOES_ON = 'settled IS NULL AND text_seq IS NOT NULL';

/** What there is to say of a new message. */
export interface NewMessageRow {
  readonly id: string;
  readonly prompt: Prompt;
  readonly origin: TurnOrigin;
  /** `seq` of its event `message.queued`. */
  readonly queued: number;
}

/** The messages of one session: their prompts, states and results. */
export class MessageTable {
  readonly #sql: SqlStorage;
  readonly #turns: TurnTable;
  readonly #texts: MessageTexts;

  constructor(sql: SqlStorage, turns: TurnTable, log: EventLog) {
    this.#sql = sql;
    this.#turns = turns;
    this.#texts = new MessageTexts(sql, log);
  }

  /** Creates the tables if they do not exist. */
  create(): void {
    this.#texts.create();
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS messages (
      id TEXT PRIMARY KEY, status TEXT NOT NULL, prompt TEXT NOT NULL, created INTEGER NOT NULL,
      started INTEGER, finished INTEGER, error TEXT, turn TEXT, origin TEXT NOT NULL DEFAULT 'user', settled INTEGER, text_seq INTEGER)`);
    this.#sql.exec(
      'CREATE TABLE IF NOT EXISTS message_uuids (message_id TEXT PRIMARY KEY, uuid TEXT NOT NULL UNIQUE) WITHOUT ROWID',
    );
    // What each message takes that has not ended, so that the queue is summed up without reading it.
    this.#sql.exec(
      'CREATE TABLE IF NOT EXISTS message_sizes (id TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID',
    );
    this.#sql.exec(`CREATE INDEX IF NOT EXISTS messages_to_forget ON messages (created) WHERE ${TO_FORGET}`);
    this.#sql.exec(`CREATE INDEX IF NOT EXISTS messages_in_log ON messages (text_seq) WHERE ${GOES_ON}`);
    // The same key is the same message: a client that does not know whether its chat request arrived may repeat it.
    this.#sql.exec(
      'CREATE TABLE IF NOT EXISTS message_keys (key TEXT PRIMARY KEY, id TEXT NOT NULL, body TEXT NOT NULL, made INTEGER NOT NULL)',
    );
    this.#sql.exec('CREATE INDEX IF NOT EXISTS message_keys_by_time ON message_keys (made)');
  }

  /**
   * The message goes back to those that wait. It will be handed over under a new `uuid`: Claude Code takes each only once. What
   * its turn said is no answer, but what the turn cost counts.
   */
  hold(id: string, uuid: string): void {
    this.#sql.exec(
      "UPDATE messages SET status = 'queued', started = NULL, turn = json_set(turn, '$.result', NULL) WHERE id = ?",
      id,
    );
    this.#sql.exec('INSERT OR REPLACE INTO message_uuids (message_id, uuid) VALUES (?, ?)', id, uuid);
  }

  /** The `uuid` under which Claude Code gets a message. */
  uuidOf(id: string): string {
    const rows = this.#sql.exec<{ uuid: string }>('SELECT uuid FROM message_uuids WHERE message_id = ?', id);
    return [...rows][0]?.uuid ?? id;
  }

  /** The message that Claude Code has under a `uuid`; null: it has another one by now. */
  ofUuid(uuid: string): string | null {
    const rows = this.#sql.exec<{ message_id: string; uuid: string }>(
      'SELECT message_id, uuid FROM message_uuids WHERE uuid = ?1 OR message_id = ?1',
      uuid,
    );
    const row = [...rows][0];
    if (row === undefined) return uuid;
    return row.uuid === uuid ? row.message_id : null;
  }

  add({ id, prompt, origin, queued }: NewMessageRow, now: number): void {
    const place = this.#texts.add(id, prompt, queued);
    this.#sql.exec(
      "INSERT INTO messages (id, status, prompt, text_seq, origin, created) VALUES (?, 'queued', ?, ?, ?, ?)",
      id,
      place.prompt,
      place.text_seq,
      origin,
      now,
    );
    this.#sql.exec('INSERT INTO message_sizes (id, bytes) VALUES (?, ?)', id, promptBytes(prompt));
  }

  /** Bytes of the messages that wait. */
  waitingBytes(): number {
    const waiting = this.#sql.exec<{ bytes: number | null }>(
      "SELECT sum(bytes) AS bytes FROM message_sizes JOIN messages USING (id) WHERE status = 'queued'",
    );
    return waiting.one().bytes ?? 0;
  }

  has(id: string): boolean {
    return this.#sql.exec('SELECT 1 FROM messages WHERE id = ?', id).toArray().length > 0;
  }

  /** The id of the newest message; null: there is none. */
  newest(): string | null {
    const rows = this.#sql.exec<{ id: string }>('SELECT id FROM messages ORDER BY rowid DESC LIMIT 1');
    return [...rows][0]?.id ?? null;
  }

  /** The key is new, or has expired. */
  rememberKey(key: string, id: string, body: string, now: number): void {
    dropExpiredKeys(this.#sql, 'message_keys', now);
    const insert = 'INSERT OR REPLACE INTO message_keys (key, id, body, made) VALUES (?, ?, ?, ?)';
    this.#sql.exec(insert, key, id, body, now);
  }

  byKey(key: string, now: number): { id: string; body: string } | null {
    const select = 'SELECT id, body FROM message_keys WHERE key = ? AND made > ?';
    return [...this.#sql.exec<{ id: string; body: string }>(select, key, now - KEY_LIFE_MS)][0] ?? null;
  }

  /** Its text; empty if that is long. */
  shortPrompt(id: string): string {
    return this.#sql.exec<{ prompt: string }>('SELECT prompt FROM messages WHERE id = ?', id).one().prompt;
  }

  /** What the container gets of the message that Claude Code is to have under a `uuid`; null: it has ended, or has another one. */
  handover(uuid: string): { prompt: string; content?: ContentBlock[] } | null {
    const id = this.ofUuid(uuid);
    if (id === null) return null;
    const select = 'SELECT prompt, text_seq FROM messages WHERE id = ? AND finished IS NULL';
    const row = [...this.#sql.exec<Pick<Row, 'prompt' | 'text_seq'>>(select, id)][0];
    return row === undefined ? null : this.#texts.whole(id, row);
  }

  begin(id: string, now: number): void {
    this.#sql.exec("UPDATE messages SET status = 'processing', started = ? WHERE id = ?", now, id);
  }

  /** @param settled nothing that it began is still to be reported on */
  finish(id: string, status: MessageStatus, error: MessageError | null, settled: boolean, now: number): void {
    this.#sql.exec(
      'UPDATE messages SET status = ?, error = ?, finished = ?, settled = ? WHERE id = ?',
      status,
      error === null ? null : JSON.stringify(error),
      now,
      settled ? now : null,
      id,
    );
    this.#texts.ended(id);
    this.#sql.exec('DELETE FROM message_sizes WHERE id = ?', id);
  }

  /**
   * The events up to `time` are pruned: what the messages of that time said goes too, and what was answered. What they cost
   * stays. A bounded number; the others follow with what is pruned next.
   */
  forgetTexts(time: number): void {
    const rows = this.#sql.exec<{ id: string }>(
      `SELECT id FROM messages WHERE created <= ? AND ${TO_FORGET} ORDER BY created LIMIT ?`,
      time,
      FORGOTTEN_AT_ONCE,
    );
    for (const { id } of rows.toArray()) {
      this.#sql.exec(
        "UPDATE messages SET prompt = '', text_seq = NULL, turn = json_set(turn, '$.result', NULL) WHERE id = ?",
        id,
      );
      this.#texts.forget(id);
      this.#turns.forgetTexts(id);
    }
  }

  /** The events up to `last` are about to be pruned: messages that go on keep what these say of them. */
  keepTexts(last: number): void {
    const rows = this.#sql.exec<{ id: string; text_seq: number; finished: number | null }>(
      `SELECT id, text_seq, finished FROM messages WHERE ${GOES_ON} AND text_seq <= ?`,
      last,
    );
    for (const { id, text_seq, finished } of rows.toArray()) {
      const prompt = this.#texts.keep(id, text_seq, finished === null);
      this.#sql.exec('UPDATE messages SET prompt = ?, text_seq = NULL WHERE id = ?', prompt, id);
    }
  }

  settle(id: string, now: number): void {
    this.#sql.exec('UPDATE messages SET settled = ? WHERE id = ?', now, id);
  }

  /** Adds a turn to what a message has led to. `answers`: what it says is the message's answer from now on. */
  addTurn(id: string, turn: TurnResult, answers: boolean): void {
    const row = [...this.#sql.exec<Pick<Row, 'turn'>>('SELECT turn FROM messages WHERE id = ?', id)][0];
    if (row === undefined) return;
    const before = row.turn === null ? null : turnResult.parse(JSON.parse(row.turn));
    this.#sql.exec('UPDATE messages SET turn = ? WHERE id = ?', JSON.stringify(addTurn(before, turn, answers)), id);
  }

  /** When its turn began, epoch milliseconds, and who sent it; null: there is no such message. */
  begun(id: string): { readonly started: number | null; readonly origin: TurnOrigin } | null {
    const rows = this.#sql.exec<Pick<Row, 'started' | 'origin'>>(
      'SELECT started, origin FROM messages WHERE id = ?',
      id,
    );
    const row = [...rows][0];
    return row === undefined ? null : { started: row.started, origin: row.origin as TurnOrigin };
  }

  /** Messages after `cursor`, the oldest first. `status` absent: in any. */
  page(sessionId: string, status: MessageStatus | undefined, cursor: number, limit: number) {
    // The cursor stays good while the tables of the rows are read.
    const rows = this.#sql.exec<Row & { rowid: number }>(
      'SELECT rowid, * FROM messages WHERE rowid > ?1 AND (?2 IS NULL OR status = ?2) ORDER BY rowid LIMIT ?3',
      cursor,
      status ?? null,
      limit + 1,
    );
    const { views, last, more } = takePage(rows, limit, (row) => this.#view(sessionId, row));
    return { rows: views, next_cursor: more ? String(last?.rowid ?? 0) : null };
  }

  view(sessionId: string, id: string): StoredMessage | null {
    const row = [...this.#sql.exec<Row>('SELECT * FROM messages WHERE id = ?', id)][0];
    return row === undefined ? null : this.#view(sessionId, row);
  }

  #view(sessionId: string, row: Row): StoredMessage {
    const { prompt, content } = this.#texts.shown(row.id, row);
    return {
      message_id: row.id,
      session_id: sessionId,
      status: row.status as MessageStatus,
      origin: row.origin as TurnOrigin,
      prompt,
      ...(content === null ? {} : { content }),
      created_at: new Date(row.created).toISOString(),
      started_at: iso(row.started),
      finished_at: iso(row.finished),
      settled_at: iso(row.settled),
      // Of one that waits anew, `turns` has what came of it before.
      ...(row.turn === null || row.status === 'queued' ? {} : turnResult.parse(JSON.parse(row.turn))),
      error: row.error === null ? null : messageError.parse(JSON.parse(row.error)),
      turns: this.#turns.ofMessage(row.id),
    };
  }
}
