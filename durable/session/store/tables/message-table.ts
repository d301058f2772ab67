import type { MessageStatus, MessageView, TurnResult } from '../../../../protocol/api/message.ts';
import { turnResult } from '../../../../protocol/api/message.ts';
import type { Prompt } from '../../../../protocol/content/blocks.ts';
import { blocksOf, promptText } from '../../../../protocol/content/prompt.ts';
import { messageError, type MessageError } from '../../../../protocol/reason.ts';
import { ContentTable } from './content-table.ts';

interface Row extends Record<string, SqlStorageValue> {
  id: string;
  status: string;
  prompt: string;
  created: number;
  started: number | null;
  finished: number | null;
  error: string | null;
  turn: string | null;
}

const iso = (time: number | null) => (time === null ? null : new Date(time).toISOString());

/** The messages of one session: their prompts, states and results. */
export class MessageTable {
  /** The blocks of those that are not text alone. `prompt` has their text. */
  readonly content: ContentTable;
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.content = new ContentTable(sql);
  }

  /** Creates the tables if they do not exist. */
  create(): void {
    this.content.create();
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS messages (
      id TEXT PRIMARY KEY, status TEXT NOT NULL, prompt TEXT NOT NULL, created INTEGER NOT NULL,
      started INTEGER, finished INTEGER, error TEXT, turn TEXT)`);
    // The same key is the same message: a client that does not know whether its chat request arrived may repeat it.
    this.#sql.exec(
      'CREATE TABLE IF NOT EXISTS message_keys (key TEXT PRIMARY KEY, id TEXT NOT NULL, body TEXT NOT NULL)',
    );
  }

  add(id: string, prompt: Prompt, now: number): void {
    const text = promptText(prompt);
    this.#sql.exec('INSERT INTO messages (id, status, prompt, created) VALUES (?, ?, ?, ?)', id, 'queued', text, now);
    const blocks = blocksOf(prompt);
    if (blocks !== undefined) this.content.add(id, blocks);
  }

  has(id: string): boolean {
    return this.#sql.exec('SELECT 1 FROM messages WHERE id = ?', id).toArray().length > 0;
  }

  /** The id of the newest message; null: there is none. */
  newest(): string | null {
    const rows = this.#sql.exec<{ id: string }>('SELECT id FROM messages ORDER BY rowid DESC LIMIT 1');
    return [...rows][0]?.id ?? null;
  }

  rememberKey(key: string, id: string, body: string): void {
    this.#sql.exec('INSERT INTO message_keys (key, id, body) VALUES (?, ?, ?)', key, id, body);
  }

  byKey(key: string): { id: string; body: string } | null {
    const rows = this.#sql.exec<{ id: string; body: string }>('SELECT id, body FROM message_keys WHERE key = ?', key);
    return [...rows][0] ?? null;
  }

  prompt(id: string): string {
    return this.#sql.exec<{ prompt: string }>('SELECT prompt FROM messages WHERE id = ?', id).one().prompt;
  }

  begin(id: string, now: number): void {
    this.#sql.exec("UPDATE messages SET status = 'processing', started = ? WHERE id = ?", now, id);
  }

  finish(id: string, status: MessageStatus, error: MessageError | null, now: number): void {
    const errorJson = error === null ? null : JSON.stringify(error);
    this.#sql.exec('UPDATE messages SET status = ?, error = ?, finished = ? WHERE id = ?', status, errorJson, now, id);
    // Nothing will hand it over any more.
    this.content.dropData(id);
  }

  setTurn(id: string, turn: TurnResult): void {
    this.#sql.exec('UPDATE messages SET turn = ? WHERE id = ?', JSON.stringify(turn), id);
  }

  view(sessionId: string, id: string): MessageView | null {
    const row = [...this.#sql.exec<Row>('SELECT * FROM messages WHERE id = ?', id)][0];
    if (row === undefined) return null;
    const content = this.content.shown(id);
    return {
      message_id: row.id,
      session_id: sessionId,
      status: row.status as MessageStatus,
      prompt: row.prompt,
      ...(content === null ? {} : { content }),
      created_at: new Date(row.created).toISOString(),
      started_at: iso(row.started),
      finished_at: iso(row.finished),
      ...(row.turn === null ? {} : turnResult.parse(JSON.parse(row.turn))),
      error: row.error === null ? null : messageError.parse(JSON.parse(row.error)),
    };
  }
}
