import type { InteractionView } from '../../../protocol/api/session/interaction.ts';
import type { Draft } from '../core/components.ts';
import type { Interaction } from '../../shared/interactions/interaction.ts';
import { KEY_LIFE_MS } from '../../shared/keys/key-life.ts';

/** A question or permission that people on Discord are asked, and its message. */
export interface Ask {
  readonly interaction_id: string;
  /** A question that no session asks has its own id here. */
  readonly session_id: string;
  /** The session's owner, or who asked. */
  readonly owner: string;
  readonly view: InteractionView;
  readonly channel_id: string | null;
  readonly message_id: string | null;
  /** When people were asked or reminded last, epoch milliseconds; null: not asked yet. */
  readonly told_at: number | null;
  /** The Discord account that answered. */
  readonly answered_by: string | null;
  /** What was chosen so far, if it asks several questions. */
  readonly draft: Draft;
  readonly page: number;
}

interface Row extends Record<string, SqlStorageValue> {
  interaction_id: string;
  session_id: string;
  owner: string;
  view: string;
  channel_id: string | null;
  message_id: string | null;
  told_at: number | null;
  answered_by: string | null;
  draft: string;
  page: number;
}

/** What people on Discord are asked: by sessions, and by `POST /discord/ask` ("own"). */
export class AskTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS asks (
      interaction_id TEXT PRIMARY KEY, session_id TEXT NOT NULL, owner TEXT NOT NULL, state TEXT NOT NULL, changed INTEGER NOT NULL,
      view TEXT NOT NULL, channel_id TEXT, message_id TEXT, told_at INTEGER, answered_by TEXT,
      draft TEXT NOT NULL DEFAULT '[]', page INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID`);
    sql.exec('CREATE INDEX IF NOT EXISTS asks_by_session ON asks (session_id, state)');
    sql.exec('CREATE INDEX IF NOT EXISTS asks_by_change ON asks (changed)');
    // Questions by `POST /discord/ask`, which no session asks.
    sql.exec(`CREATE TABLE IF NOT EXISTS own_asks (
      id TEXT PRIMARY KEY, owner TEXT NOT NULL, state TEXT NOT NULL, due INTEGER, changed INTEGER NOT NULL, json TEXT NOT NULL,
      key TEXT, body TEXT) WITHOUT ROWID`);
    sql.exec('CREATE UNIQUE INDEX IF NOT EXISTS own_asks_by_key ON own_asks (owner, key)');
    sql.exec('CREATE INDEX IF NOT EXISTS own_asks_by_due ON own_asks (due)');
    sql.exec('CREATE INDEX IF NOT EXISTS own_asks_by_owner ON own_asks (owner, state)');
    sql.exec('CREATE INDEX IF NOT EXISTS own_asks_by_change ON own_asks (changed)');
  }

  get(interactionId: string): Ask | null {
    const [row] = [...this.#sql.exec<Row>('SELECT * FROM asks WHERE interaction_id = ?', interactionId)];
    return row === undefined ? null : askOf(row);
  }

  save(view: InteractionView, owner: string, now: number): void {
    const { interaction_id, session_id, state } = view;
    this.#sql.exec(
      `INSERT INTO asks (interaction_id, session_id, owner, state, changed, view) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (interaction_id) DO UPDATE SET view = excluded.view, state = excluded.state, changed = excluded.changed`,
      interaction_id,
      session_id,
      owner,
      state,
      now,
      JSON.stringify(view),
    );
  }

  /** The message that asks was posted. */
  posted(interactionId: string, channelId: string, messageId: string, now: number): void {
    const set = 'UPDATE asks SET channel_id = ?, message_id = ?, told_at = ? WHERE interaction_id = ?';
    this.#sql.exec(set, channelId, messageId, now, interactionId);
  }

  reminded(interactionId: string, now: number): void {
    this.#sql.exec('UPDATE asks SET told_at = ? WHERE interaction_id = ?', now, interactionId);
  }

  /** The message that asked was deleted. */
  lost(interactionId: string): void {
    this.#sql.exec('UPDATE asks SET channel_id = NULL, message_id = NULL WHERE interaction_id = ?', interactionId);
  }

  setDraft(interactionId: string, draft: Draft, page: number): void {
    const set = 'UPDATE asks SET draft = ?, page = ? WHERE interaction_id = ?';
    this.#sql.exec(set, JSON.stringify(draft), page, interactionId);
  }

  /** Keeps the account that answered. A later one does not replace it. */
  answered(interactionId: string, user: string): void {
    const set = 'UPDATE asks SET answered_by = ? WHERE interaction_id = ? AND answered_by IS NULL';
    this.#sql.exec(set, user, interactionId);
  }

  /** The open questions of a session. */
  openOf(sessionId: string): Ask[] {
    const rows = this.#sql.exec<Row>("SELECT * FROM asks WHERE session_id = ? AND state = 'open'", sessionId);
    return [...rows].map(askOf);
  }

  forget(sessionId: string): void {
    this.#sql.exec('DELETE FROM asks WHERE session_id = ?', sessionId);
  }

  own(id: string): { readonly owner: string; readonly interaction: Interaction } | null {
    const rows = this.#sql.exec<{ owner: string; json: string }>('SELECT owner, json FROM own_asks WHERE id = ?', id);
    const [row] = [...rows];
    return row === undefined ? null : { owner: row.owner, interaction: JSON.parse(row.json) as Interaction };
  }

  /** @param due its next deadline or reminder, epoch milliseconds; null: none */
  saveOwn(owner: string, interaction: Interaction, due: number | null, now: number): void {
    this.#sql.exec(
      `INSERT INTO own_asks (id, owner, state, due, changed, json) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET state = excluded.state, due = excluded.due, changed = excluded.changed, json = excluded.json`,
      interaction.interaction_id,
      owner,
      interaction.state,
      due,
      now,
      JSON.stringify(interaction),
    );
  }

  /** Keeps the idempotency key of a question, with its request as text. Keys belong to their owner. */
  setKey(id: string, owner: string, key: string, body: string): void {
    // An older question had it, a day ago.
    this.#sql.exec('UPDATE own_asks SET key = NULL, body = NULL WHERE owner = ? AND key = ?', owner, key);
    this.#sql.exec('UPDATE own_asks SET key = ?, body = ? WHERE id = ?', key, body, id);
  }

  /** The question that this owner asked with this key within the last day. */
  ownByKey(owner: string, key: string, now: number): { readonly id: string; readonly body: string } | null {
    const select = "SELECT id, body FROM own_asks WHERE owner = ? AND key = ? AND json ->> '$.created' > ?";
    return [...this.#sql.exec<{ id: string; body: string }>(select, owner, key, now - KEY_LIFE_MS)][0] ?? null;
  }

  /** The own questions whose `due` has come. */
  ownDue(now: number): string[] {
    const rows = this.#sql.exec<{ id: string }>('SELECT id FROM own_asks WHERE due <= ? ORDER BY due', now);
    return [...rows].map(({ id }) => id);
  }

  countOpenOwn(owner: string): number {
    const count = "SELECT count(*) AS n FROM own_asks WHERE owner = ? AND state = 'open'";
    return this.#sql.exec<{ n: number }>(count, owner).one().n;
  }

  /** The earliest `due`, epoch milliseconds; null: none. */
  nextOwn(): number | null {
    return this.#sql.exec<{ at: number | null }>('SELECT min(due) AS at FROM own_asks').one().at;
  }

  /** Removes questions that were closed before `closed`, epoch milliseconds, and keys that have expired. */
  prune(closed: number, now: number): void {
    this.#sql.exec("DELETE FROM asks WHERE changed < ? AND state != 'open'", closed);
    this.#sql.exec("DELETE FROM own_asks WHERE changed < ? AND state != 'open'", closed);
    this.#sql.exec(
      "UPDATE own_asks SET key = NULL, body = NULL WHERE key IS NOT NULL AND json ->> '$.created' <= ?",
      now - KEY_LIFE_MS,
    );
  }
}

function askOf(row: Row): Ask {
  return { ...row, view: JSON.parse(row.view) as InteractionView, draft: JSON.parse(row.draft) as Draft };
}
