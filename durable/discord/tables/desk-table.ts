import { KEY_LIFE_MS } from '../../shared/keys/key-life.ts';
import { AskTable } from './ask-table.ts';
import type { Place } from './outbox-table.ts';

/** How long an interaction's id is kept, so that it counts once, milliseconds. Its signature expires earlier. */
const SEEN_MS = 15 * 60_000;
/** How long closed questions can be looked up, milliseconds. */
const CLOSED_MS = 30 * 86_400_000;

/** The thread of a session. */
export interface Thread {
  readonly session_id: string;
  /** The account that began the session. */
  readonly user: string;
  readonly name: string;
  /** The message in the channel that the thread is on; null: not sent yet. */
  readonly anchor_id: string | null;
  /** Null: not opened yet. */
  readonly thread_id: string | null;
  /** The message that shows the session's progress; null: none. */
  readonly progress_id: string | null;
}

interface ThreadRow extends Record<string, SqlStorageValue> {
  session_id: string;
  user: string;
  name: string;
  anchor_id: string | null;
  thread_id: string | null;
  progress_id: string | null;
}

/** Linked accounts, the threads of sessions, and what people are asked. */
export class DeskTable {
  readonly asks: AskTable;
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    this.asks = new AskTable(sql);
    sql.exec('CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID');
    sql.exec('CREATE TABLE IF NOT EXISTS links (user TEXT PRIMARY KEY, owner TEXT NOT NULL) WITHOUT ROWID');
    sql.exec(
      'CREATE TABLE IF NOT EXISTS codes (code TEXT PRIMARY KEY, owner TEXT NOT NULL, expires INTEGER NOT NULL) WITHOUT ROWID',
    );
    sql.exec(`CREATE TABLE IF NOT EXISTS threads (
      session_id TEXT PRIMARY KEY, user TEXT NOT NULL, name TEXT NOT NULL,
      anchor_id TEXT, thread_id TEXT, progress_id TEXT) WITHOUT ROWID`);
    sql.exec('CREATE INDEX IF NOT EXISTS threads_by_thread ON threads (thread_id)');
    sql.exec(`CREATE TABLE IF NOT EXISTS said (
      owner TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (owner, key)) WITHOUT ROWID`);
    sql.exec('CREATE TABLE IF NOT EXISTS heard (session_id TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID');
  }

  /** Records an interaction. @returns whether it is new */
  isFirst(id: string, now: number): boolean {
    return (
      this.#sql.exec('INSERT INTO seen (id, at) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING id', id, now).toArray()
        .length > 0
    );
  }

  /** Records a notification under its key. The answer is `first`, or what was said with that key before. */
  say(owner: string, key: string, body: string, now: number): 'first' | { readonly said: string } {
    const [known] = [
      ...this.#sql.exec<{ body: string }>(
        'SELECT body FROM said WHERE owner = ? AND key = ? AND at > ?',
        owner,
        key,
        now - KEY_LIFE_MS,
      ),
    ];
    if (known !== undefined) return { said: known.body };
    this.#sql.exec('INSERT OR REPLACE INTO said (owner, key, body, at) VALUES (?, ?, ?, ?)', owner, key, body, now);
    return 'first';
  }

  /** The owner that an account is linked to; null: none. */
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
    this.#sql.exec('DELETE FROM codes WHERE owner = ?', owner);
  }

  addCode(code: string, owner: string, expires: number): void {
    // An owner has one code at a time.
    this.#sql.exec('DELETE FROM codes WHERE owner = ?', owner);
    this.#sql.exec('INSERT INTO codes (code, owner, expires) VALUES (?, ?, ?)', code, owner, expires);
  }

  /** Uses up a code. @returns its owner; null: unknown or expired */
  takeCode(code: string, now: number): string | null {
    this.#sql.exec('DELETE FROM codes WHERE expires <= ?', now);
    return (
      [...this.#sql.exec<{ owner: string }>('DELETE FROM codes WHERE code = ? RETURNING owner', code)][0]?.owner ?? null
    );
  }

  addThread(thread: Omit<Thread, 'anchor_id' | 'thread_id' | 'progress_id'>): void {
    const { session_id, user, name } = thread;
    this.#sql.exec(
      'INSERT INTO threads (session_id, user, name) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
      session_id,
      user,
      name,
    );
  }

  thread(sessionId: string): Thread | null {
    return [...this.#sql.exec<ThreadRow>('SELECT * FROM threads WHERE session_id = ?', sessionId)][0] ?? null;
  }

  /** Where messages of a session are posted. */
  placeOf(sessionId: string): Place {
    return this.thread(sessionId) === null ? 'channel' : { thread_of: sessionId };
  }

  /** The session whose thread this channel is. */
  sessionIn(channelId: string): string | null {
    const rows = this.#sql.exec<{ session_id: string }>(
      'SELECT session_id FROM threads WHERE thread_id = ?',
      channelId,
    );
    return [...rows][0]?.session_id ?? null;
  }

  /** Whether this message belongs to a session's thread, opened or not. */
  isAnchor(messageId: string): boolean {
    return this.#sql.exec('SELECT 1 FROM threads WHERE anchor_id = ? LIMIT 1', messageId).toArray().length > 0;
  }

  setAnchor(sessionId: string, messageId: string | null): void {
    this.#sql.exec('UPDATE threads SET anchor_id = ? WHERE session_id = ?', messageId, sessionId);
  }

  setThread(sessionId: string, threadId: string): void {
    this.#sql.exec('UPDATE threads SET thread_id = ? WHERE session_id = ?', threadId, sessionId);
  }

  setProgress(sessionId: string, messageId: string | null): void {
    this.#sql.exec('UPDATE threads SET progress_id = ? WHERE session_id = ?', messageId, sessionId);
  }

  /** The thread was deleted on Discord. */
  removeThread(sessionId: string): void {
    this.#sql.exec('DELETE FROM threads WHERE session_id = ?', sessionId);
  }

  /** The number of the session's last update that was applied; 0: none. */
  lastUpdate(sessionId: string): number {
    return [...this.#sql.exec<{ n: number }>('SELECT n FROM heard WHERE session_id = ?', sessionId)][0]?.n ?? 0;
  }

  setLastUpdate(sessionId: string, n: number): void {
    this.#sql.exec('INSERT OR REPLACE INTO heard (session_id, n) VALUES (?, ?)', sessionId, n);
  }

  /** The session was deleted. */
  forget(sessionId: string): void {
    this.removeThread(sessionId);
    this.asks.forget(sessionId);
    this.#sql.exec('DELETE FROM heard WHERE session_id = ?', sessionId);
  }

  /** Removes data of no further use. */
  prune(now: number): void {
    this.#sql.exec('DELETE FROM seen WHERE at < ?', now - SEEN_MS);
    this.#sql.exec('DELETE FROM said WHERE at < ?', now - KEY_LIFE_MS);
    this.#sql.exec('DELETE FROM codes WHERE expires <= ?', now);
    this.asks.prune(now - CLOSED_MS, now);
  }
}
