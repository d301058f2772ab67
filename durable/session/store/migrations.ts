import { dateKeys } from '../../shared/keys/key-life.ts';
import type { Schema } from '../../shared/schema.ts';

type Json = Record<string, unknown>;

/** The versions of a session's stored state. */
export const SESSION_SCHEMA: Schema = {
  of: 'session',
  firstTable: 'record',
  migrations: [groupRecord, toVersion3, keepResults, toVersion5, shareDeliveries, keepTextsOnce],
};

/**
 * 1 → 2: the record's fields are grouped, and columns go that nobody reads. Early sessions of version 1 lack tables and
 * fields; the defaults here are what the code assumed of them.
 */
function groupRecord(sql: SqlStorage): void {
  // No row: the session's creation was cut off.
  const row = sql.exec<{ json: string }>('SELECT json FROM record').toArray()[0];
  if (row !== undefined) sql.exec('UPDATE record SET json = ?', JSON.stringify(grouped(JSON.parse(row.json) as Json)));
  dropColumn(sql, 'agent_calls', 'epoch');
  dropColumn(sql, 'deliveries', 'created');
}

/** 2 → 3: turns of `claude`'s own, tools in every session, and settings that change while it lives. */
function toVersion3(sql: SqlStorage): void {
  addTurns(sql);
  keepTools(sql);
  addSettings(sql);
}

/**
 * 3 → 4: a child's result is kept until the agent has read it. The children that the record listed as awaited become calls
 * of a container that has ended.
 */
function keepResults(sql: SqlStorage): void {
  addColumn(sql, 'agent_calls', 'tool_use_id', 'TEXT');
  addColumn(sql, 'agent_calls', 'answered', 'TEXT');
  addColumn(sql, 'agent_calls', 'over', 'INTEGER NOT NULL DEFAULT 0');
  const row = sql.exec<{ json: string }>('SELECT json FROM record').toArray()[0];
  if (row === undefined) return;
  const record = JSON.parse(row.json) as Json;
  const { awaited, ...children } = record['children'] as Json & { awaited?: string[] };
  for (const child_session_id of awaited ?? []) {
    const call = { tool: 'get_child_result', input: { child_session_id } };
    sql.exec(
      'INSERT OR IGNORE INTO agent_calls (call_id, call, made, over) VALUES (?, ?, ?, 1)',
      `awaited-${child_session_id}`,
      JSON.stringify(call),
      child_session_id,
    );
  }
  sql.exec('UPDATE record SET json = ?', JSON.stringify({ ...record, children }));
}

/** 4 → 5: what waits in a session has a size, and idempotency keys live for a day. */
function toVersion5(sql: SqlStorage): void {
  dateKeys(sql, 'message_keys');
  sizeMessages(sql);
}

/**
 * 5 → 6: what webhooks post may have several receivers. What waits of version 5 is of a child's callback, and is posted as it
 * was stored. Its events have no number there: numbers below zero are no event's.
 */
function shareDeliveries(sql: SqlStorage): void {
  if (!hasTable(sql, 'deliveries')) return;
  sql.exec(`CREATE TABLE webhook_notices (
    n INTEGER PRIMARY KEY AUTOINCREMENT, seq INTEGER, type TEXT NOT NULL, of TEXT NOT NULL, time INTEGER NOT NULL,
    json TEXT NOT NULL, UNIQUE (seq, type, of))`);
  sql.exec(`CREATE TABLE webhook_deliveries (
    n INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, receiver TEXT NOT NULL, notice INTEGER NOT NULL,
    state TEXT NOT NULL, attempts INTEGER NOT NULL, next_at INTEGER NOT NULL, last_status INTEGER, tried INTEGER,
    created INTEGER NOT NULL, detail TEXT, changes INTEGER NOT NULL, reported INTEGER NOT NULL)`);
  const waiting = sql.exec<{ n: number; id: string; body: string; attempts: number; next_at: number }>(
    'SELECT n, id, body, attempts, next_at FROM deliveries ORDER BY n',
  );
  for (const { n, id, body, attempts, next_at } of waiting.toArray()) {
    const { type, timestamp, data } = JSON.parse(body) as { type: string; timestamp: string; data: Json };
    const time = Date.parse(timestamp);
    sql.exec(
      `INSERT INTO webhook_notices (n, seq, type, of, time, json) VALUES (?, ?, ?, 'child', ?, ?)`,
      n,
      -n,
      type,
      time,
      JSON.stringify(data),
    );
    sql.exec(
      `INSERT INTO webhook_deliveries (id, receiver, notice, state, attempts, next_at, created, changes, reported)
        VALUES (?, 'callback', ?, 'waiting', ?, ?, ?, 1, 0)`,
      id,
      n,
      attempts,
      next_at,
      time,
    );
  }
  sql.exec('DROP TABLE deliveries');
}

/** 6 → 7: a long text is stored once, in the event that says it. What is stored of version 6 stays where it is. */
function keepTextsOnce(sql: SqlStorage): void {
  addColumn(sql, 'messages', 'text_seq', 'INTEGER');
  sql.exec('DROP INDEX IF EXISTS messages_with_text');
  // A child's first prompt: its message has it.
  sql.exec("UPDATE record SET json = json_remove(json, '$.identity.spawn.prompt')");
}

/** What each message takes that has not ended. */
function sizeMessages(sql: SqlStorage): void {
  sql.exec('CREATE TABLE IF NOT EXISTS message_sizes (id TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID');
  if (!hasTable(sql, 'messages')) return;
  sql.exec(`INSERT OR IGNORE INTO message_sizes SELECT id, length(CAST(prompt AS BLOB)) FROM messages
    WHERE status IN ('queued', 'processing')`);
  if (!hasTable(sql, 'message_content')) return;
  sql.exec(`UPDATE message_sizes SET bytes = data.bytes FROM (
    SELECT id, sum(length(CAST(json AS BLOB))) AS bytes FROM message_content WHERE kind = 'data' GROUP BY id
  ) AS data WHERE message_sizes.id = data.id`);
}

/** Turns of `claude`'s own, work in the background, and messages that settle after they have ended. */
function addTurns(sql: SqlStorage): void {
  addColumn(sql, 'messages', 'origin', "TEXT NOT NULL DEFAULT 'user'");
  addColumn(sql, 'messages', 'settled', 'INTEGER');
  sql.exec('UPDATE messages SET settled = finished');
  addColumn(sql, 'snapshots', 'conversation', 'TEXT');
  const row = sql.exec<{ json: string }>('SELECT json FROM record').toArray()[0];
  if (row === undefined) return;
  const record = JSON.parse(row.json) as Json;
  const state = record['state'] as Json;
  const current = state['current'] as Json | null;
  const changed = {
    ...record,
    conversation: { id: null, isReset: false },
    children: { awaited: [], ...(record['children'] as Json) },
    state: {
      failed_starts: 0,
      retry_at: null,
      steered: [],
      agent_turn: null,
      tasks: [],
      due_reports: [],
      reporting: [],
      unsettled: [],
      last_message: current?.['message_id'] ?? null,
      ...state,
      current: current === null ? null : { timeout: null, done: false, ...current },
    },
  };
  sql.exec('UPDATE record SET json = ?', JSON.stringify(changed));
}

function grouped(old: Json): Json {
  const identity = old['identity'] as Json;
  const request = identity['request'] as Json;
  const { host_stored, ...link } = old['link'] as Json;
  const { leave = 'free', held = null, current = null, ...state } = old['state'] as Json;
  return {
    identity: {
      ...identity,
      spawn: identity['spawn'] ?? null,
      request: { ...request, config: { answerers: [], interaction_reminders: 0, ...(request['config'] as Json) } },
    },
    state: {
      asking: false,
      crowded: false,
      shared: false,
      ...state,
      permit: leave === 'held' ? 'suspended' : leave,
      suspended: held,
      current: current === null ? null : { own_deadline: true, paused: null, ...(current as Json) },
    },
    files: old['files'],
    link: { ...link, notices_stored: host_stored },
    container: old['container'],
    place_request: old['pool'],
    leased: old['holding'],
    sharing: { sharers: old['sharers'] ?? [], reported: old['sharing'] ?? false },
    open_interactions: old['open_interactions'] ?? 0,
    usage: { turns: old['turns'], cost_usd: old['cost_usd'], live_usd: old['live_usd'] ?? 0 },
    children: { ids: old['children'] ?? [], verdict_version: old['leave_version'] ?? 0, spent: old['spent'] ?? null },
    on_discord: old['on_discord'] ?? false,
    list: { changes: old['changes'], listed: old['told'] },
    last_activity: old['last_activity'],
  };
}

function hasTable(sql: SqlStorage, table: string): boolean {
  return sql.exec('SELECT 1 FROM sqlite_master WHERE type = ? AND name = ?', 'table', table).toArray().length > 0;
}

function addColumn(sql: SqlStorage, table: string, column: string, type: string): void {
  const exists = hasTable(sql, table);
  const columns = sql.exec('SELECT 1 FROM pragma_table_info(?) WHERE name = ?', table, column).toArray();
  // A table that is missing is created with the column.
  if (exists && columns.length === 0) sql.exec(`ALTER TABLE ${table} ADD COLUMN ${column} ${type}`);
}

/** A session without `agent_tools` now has all of them. One that was made before keeps what it was made with: none. */
function keepTools(sql: SqlStorage): void {
  sql.exec(
    `UPDATE record SET json = json_insert(json, '$.identity.request.config.agent_tools', json('[]'))
      WHERE json_extract(json, '$.identity.request.config') IS NOT NULL`,
  );
}

/**
 * Settings that change while the session lives, and all four counters of a turn's usage. Version 2 stored two of them;
 * the log has the lines with all.
 */
function addSettings(sql: SqlStorage): void {
  const row = sql.exec<{ json: string }>('SELECT json FROM record').toArray()[0];
  if (row !== undefined) {
    const record = JSON.parse(row.json) as Json;
    const { config } = (record['identity'] as Json)['request'] as { config: Json };
    const mode = config['permission_mode'];
    const live = { model: null, permission_mode: null, title: null };
    const changed = {
      ...record,
      state: { limited: null, ...(record['state'] as Json) },
      live: { ...live, started_mode: mode, granted_mode: mode, unanswered: [] },
    };
    sql.exec('UPDATE record SET json = ?', JSON.stringify(changed));
  }
  sql.exec(`UPDATE messages SET turn = json_set(turn,
    '$.usage.cache_creation_input_tokens', 0, '$.usage.cache_read_input_tokens', 0) WHERE turn IS NOT NULL`);
  // What a container wrote may be anything, so only whole numbers are taken.
  sql.exec(`UPDATE messages SET turn = json_set(turn,
    '$.usage.cache_creation_input_tokens', iif(typeof(said.created) = 'integer', said.created, 0),
    '$.usage.cache_read_input_tokens', iif(typeof(said.read) = 'integer', said.read, 0))
    FROM (
      SELECT json_extract(line.data, '$.usage.cache_creation_input_tokens') AS created,
        json_extract(line.data, '$.usage.cache_read_input_tokens') AS read, answered.value AS id
      FROM (SELECT data FROM events WHERE type = 'result' AND parts = 0) AS line,
        json_each(line.data, '$.user_message_uuids') AS answered
    ) AS said
    WHERE messages.id = said.id AND turn IS NOT NULL`);
}

function dropColumn(sql: SqlStorage, table: string, column: string): void {
  const columns = sql.exec('SELECT 1 FROM pragma_table_info(?) WHERE name = ?', table, column).toArray();
  if (columns.length > 0) sql.exec(`ALTER TABLE ${table} DROP COLUMN ${column}`);
}
