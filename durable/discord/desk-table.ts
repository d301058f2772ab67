import type { InteractionView } from '../../protocol/interaction.ts';
import type { Draft } from '../core/discord/components.ts';
import type { Interaction } from '../core/interactions.ts';

/** How long a person's interaction is remembered, so that it counts once, milliseconds: longer than its signature is taken. */
const SEEN_MS = 15 * 60_000;

/** Where a session is shown. */
export interface Thread {
  readonly session_id: string;
  readonly owner: string;
  /** Who began it. */
  readonly user: string;
  readonly name: string;
  /** Null: it is not there yet. */
  readonly thread_id: string | null;
  /** The message that shows how it goes on; null: none yet. */
  readonly progress_id: string | null;
}

/** Something that waits for a person, and the message that says so. */
export interface Ask {
  readonly interaction_id: string;
  readonly session_id: string;
  readonly view: InteractionView;
  readonly channel_id: string | null;
  readonly message_id: string | null;
  /** Of several questions: what was chosen so far. */
  readonly draft: Draft;
  readonly page: number;
}

interface ThreadRow extends Record<string, SqlStorageValue> {
  session_id: string;
  owner: string;
  user: string;
  name: string;
  thread_id: string | null;
  progress_id: string | null;
}

interface AskRow extends Record<string, SqlStorageValue> {
  interaction_id: string;
  session_id: string;
  view: string;
  channel_id: string | null;
  message_id: string | null;
  draft: string;
  page: number;
}

/** What the desk knows: who is who, which session is shown where, and what is asked. */
export class DeskTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec('CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID');
    sql.exec('CREATE TABLE IF NOT EXISTS links (user TEXT PRIMARY KEY, owner TEXT NOT NULL) WITHOUT ROWID');
    sql.exec(
      'CREATE TABLE IF NOT EXISTS codes (code TEXT PRIMARY KEY, owner TEXT NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID',
    );
    sql.exec(`CREATE TABLE IF NOT EXISTS threads (
      session_id TEXT PRIMARY KEY, owner TEXT NOT NULL, user TEXT NOT NULL, name TEXT NOT NULL, thread_id TEXT, progress_id TEXT) WITHOUT ROWID`);
    sql.exec('CREATE INDEX IF NOT EXISTS threads_by_thread ON threads (thread_id)');
    sql.exec(`CREATE TABLE IF NOT EXISTS asks (
      interaction_id TEXT PRIMARY KEY, session_id TEXT NOT NULL, view TEXT NOT NULL, channel_id TEXT, message_id TEXT,
      draft TEXT NOT NULL DEFAULT '[]', page INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID`);
    // Questions of the desk's own, which no session asks.
    sql.exec(`CREATE TABLE IF NOT EXISTS own_asks (
      id TEXT PRIMARY KEY, owner TEXT NOT NULL, state TEXT NOT NULL, due INTEGER, json TEXT NOT NULL) WITHOUT ROWID`);
    sql.exec('CREATE TABLE IF NOT EXISTS heard (session_id TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID');
  }

  /** Whether an interaction comes for the first time. */
  isFirst(id: string, now: number): boolean {
    this.#sql.exec('DELETE FROM seen WHERE at < ?', now - SEEN_MS);
    return (
      this.#sql.exec('INSERT INTO seen (id, at) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING id', id, now).toArray()
        .length > 0
    );
  }

  /** Whose account it is; null: nobody's that we know. */
  ownerOf(user: string): string | null {
    return [...this.#sql.exec<{ owner: string }>('SELECT owner FROM links WHERE user = ?', user)][0]?.owner ?? null;
  }

  usersOf(owner: string): string[] {
    return [...this.#sql.exec<{ user: string }>('SELECT user FROM links WHERE owner = ? ORDER BY user', owner)].map(
      ({ user }) => user,
    );
  }

  link(user: string, owner: string): void {
    this.#sql.exec('INSERT OR REPLACE INTO links (user, owner) VALUES (?, ?)', user, owner);
  }

  unlink(owner: string): void {
    this.#sql.exec('DELETE FROM links WHERE owner = ?', owner);
  }

  addCode(code: string, owner: string, expires: number): void {
    // One at a time: who asks for another has lost the first.
    this.#sql.exec('DELETE FROM codes WHERE owner = ?', owner);
    this.#sql.exec('INSERT INTO codes (code, owner, expires) VALUES (?, ?, ?)', code, owner, expires);
  }

  /** Uses a code up: whose it is; null: nobody's, or it is too old. */
  takeCode(code: string, now: number): string | null {
    this.#sql.exec('DELETE FROM codes WHERE expires <= ?', now);
    return (
      [...this.#sql.exec<{ owner: string }>('DELETE FROM codes WHERE code = ? RETURNING owner', code)][0]?.owner ?? null
    );
  }

  addThread(thread: Omit<Thread, 'thread_id' | 'progress_id'>): void {
    const { session_id, owner, user, name } = thread;
    this.#sql.exec(
      'INSERT INTO threads (session_id, owner, user, name) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
      session_id,
      owner,
      user,
      name,
    );
  }

  thread(sessionId: string): Thread | null {
    return [...this.#sql.exec<ThreadRow>('SELECT * FROM threads WHERE session_id = ?', sessionId)][0] ?? null;
  }

  /** The session that is shown there. */
  sessionIn(channelId: string): string | null {
    const rows = this.#sql.exec<{ session_id: string }>(
      'SELECT session_id FROM threads WHERE thread_id = ?',
      channelId,
    );
    return [...rows][0]?.session_id ?? null;
  }

  setThread(sessionId: string, threadId: string): void {
    this.#sql.exec('UPDATE threads SET thread_id = ? WHERE session_id = ?', threadId, sessionId);
  }

  setProgress(sessionId: string, messageId: string | null): void {
    this.#sql.exec('UPDATE threads SET progress_id = ? WHERE session_id = ?', messageId, sessionId);
  }

  /** It was deleted on Discord. */
  removeThread(sessionId: string): void {
    this.#sql.exec('DELETE FROM threads WHERE session_id = ?', sessionId);
  }

  ask(interactionId: string): Ask | null {
    const [row] = [...this.#sql.exec<AskRow>('SELECT * FROM asks WHERE interaction_id = ?', interactionId)];
    if (row === undefined) return null;
    return { ...row, view: JSON.parse(row.view) as InteractionView, draft: JSON.parse(row.draft) as Draft };
  }

  saveAsk(view: InteractionView): void {
    this.#sql.exec(
      'INSERT INTO asks (interaction_id, session_id, view) VALUES (?, ?, ?) ON CONFLICT (interaction_id) DO UPDATE SET view = excluded.view',
      view.interaction_id,
      view.session_id,
      JSON.stringify(view),
    );
  }

  setAskMessage(interactionId: string, channelId: string, messageId: string): void {
    this.#sql.exec(
      'UPDATE asks SET channel_id = ?, message_id = ? WHERE interaction_id = ?',
      channelId,
      messageId,
      interactionId,
    );
  }

  setDraft(interactionId: string, draft: Draft, page: number): void {
    this.#sql.exec(
      'UPDATE asks SET draft = ?, page = ? WHERE interaction_id = ?',
      JSON.stringify(draft),
      page,
      interactionId,
    );
  }

  /** The number of the last of a session's news that was heard. */
  heard(sessionId: string): number {
    return [...this.#sql.exec<{ n: number }>('SELECT n FROM heard WHERE session_id = ?', sessionId)][0]?.n ?? 0;
  }

  hear(sessionId: string, n: number): void {
    this.#sql.exec('INSERT OR REPLACE INTO heard (session_id, n) VALUES (?, ?)', sessionId, n);
  }

  ownAsk(id: string): { readonly owner: string; readonly interaction: Interaction } | null {
    const rows = this.#sql.exec<{ owner: string; json: string }>('SELECT owner, json FROM own_asks WHERE id = ?', id);
    const [row] = [...rows];
    return row === undefined ? null : { owner: row.owner, interaction: JSON.parse(row.json) as Interaction };
  }

  /** @param due when it is to be looked at next, epoch milliseconds; null: never */
  saveOwnAsk(owner: string, interaction: Interaction, due: number | null): void {
    this.#sql.exec(
      'INSERT OR REPLACE INTO own_asks (id, owner, state, due, json) VALUES (?, ?, ?, ?, ?)',
      interaction.interaction_id,
      owner,
      interaction.state,
      due,
      JSON.stringify(interaction),
    );
  }

  ownAsksDue(now: number): string[] {
    return [...this.#sql.exec<{ id: string }>('SELECT id FROM own_asks WHERE due <= ? ORDER BY due', now)].map(
      ({ id }) => id,
    );
  }

  countOpenOwnAsks(owner: string): number {
    return this.#sql
      .exec<{ n: number }>("SELECT count(*) AS n FROM own_asks WHERE owner = ? AND state = 'open'", owner)
      .one().n;
  }

  nextOwnAsk(): number | null {
    return this.#sql.exec<{ at: number | null }>('SELECT min(due) AS at FROM own_asks').one().at;
  }
}
