import { dateKeys } from '../shared/keys/key-life.ts';
import type { Schema } from '../shared/schema.ts';

/** The versions of a directory's stored state. */
export const DIRECTORY_SCHEMA: Schema = {
  of: 'directory',
  firstTable: 'sessions',
  migrations: [renameCreation, keysWithoutTools, keysWithTime, feedVersions],
};

/** What version 1 stored of how a session was created. The first sessions of version 1 have no `birth`: they had no children then. */
interface Begun1 {
  readonly birth?: { readonly leave: 'free' | 'due'; readonly spawn: object | null };
}

/** 1 → 2: `birth.leave` of a created session is `creation.permit`. */
function renameCreation(sql: SqlStorage): void {
  for (const { id, json } of sql.exec<{ id: string; json: string }>('SELECT id, json FROM begun').toArray()) {
    const { birth = { leave: 'free', spawn: null }, ...begun } = JSON.parse(json) as Begun1;
    const creation = { permit: birth.leave, spawn: birth.spawn };
    sql.exec('UPDATE begun SET json = ? WHERE id = ?', JSON.stringify({ ...begun, creation }), id);
  }
}

/** What version 2 stored of a request that created a session. */
interface Asked2 {
  readonly config?: { readonly agent_tools?: readonly string[] };
}

/**
 * 2 → 3: a request that names no `agent_tools` was stored with its default, an empty list. There is no default any more, so
 * the same request with the same key has to be known without it.
 */
function keysWithoutTools(sql: SqlStorage): void {
  // The first directories had no keys.
  if (sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'session_keys'").toArray().length === 0)
    return;
  for (const { key, body } of sql.exec<{ key: string; body: string }>('SELECT key, body FROM session_keys').toArray()) {
    // Of a fork or a child it is an array.
    const { config, ...asked } = JSON.parse(body) as Asked2;
    if (config?.agent_tools?.length !== 0) continue;
    const { agent_tools: _none, ...named } = config;
    sql.exec('UPDATE session_keys SET body = ? WHERE key = ?', JSON.stringify({ ...asked, config: named }), key);
  }
}

/** 3 → 4: idempotency keys live for a day. */
function keysWithTime(sql: SqlStorage): void {
  dateKeys(sql, 'session_keys');
}

/**
 * 4 → 5: a session has the version of its last change in the feed. What waits for people in those that were stored before is not
 * known here: they are asked.
 */
function feedVersions(sql: SqlStorage): void {
  sql.exec('ALTER TABLE sessions ADD COLUMN version INTEGER NOT NULL DEFAULT 0');
  sql.exec(`UPDATE sessions SET version = numbered.n
    FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM sessions) numbered WHERE numbered.id = sessions.id`);
  sql.exec('CREATE TABLE feed_versions (id INTEGER PRIMARY KEY CHECK (id = 1), reserved INTEGER NOT NULL)');
  sql.exec('INSERT INTO feed_versions (id, reserved) SELECT 1, count(*) FROM sessions');
  sql.exec('CREATE TABLE inbox_sessions (session_id TEXT PRIMARY KEY, changes INTEGER NOT NULL) WITHOUT ROWID');
  sql.exec(`INSERT INTO inbox_sessions (session_id, changes)
    SELECT id, -1 FROM sessions WHERE coalesce(summary ->> '$.open_interactions', 0) > 0`);
}
