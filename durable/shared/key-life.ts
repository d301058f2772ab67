/** How long an idempotency key is known, milliseconds. After that it may be used anew. */
export const KEY_LIFE_MS = 86_400_000;

/** Most expired keys that one call deletes. A call adds one key at most, so a table of old ones shrinks. */
const STEP = 100;

/**
 * Deletes some of the keys that have expired.
 *
 * @param table has the columns `key` and `made`, epoch milliseconds
 */
export function dropExpiredKeys(sql: SqlStorage, table: 'session_keys' | 'message_keys', now: number): void {
  sql.exec(
    `DELETE FROM ${table} WHERE key IN (SELECT key FROM ${table} WHERE made <= ? ORDER BY made LIMIT ${STEP})`,
    now - KEY_LIFE_MS,
  );
}

/** Keys of a version that noted no time: their day begins now. For a migration. */
export function dateKeys(sql: SqlStorage, table: 'session_keys' | 'message_keys'): void {
  const exists = sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", table).toArray().length > 0;
  // A table that is missing is created with the column.
  if (!exists) return;
  sql.exec(`ALTER TABLE ${table} ADD COLUMN made INTEGER NOT NULL DEFAULT 0`);
  sql.exec(`UPDATE ${table} SET made = ?`, Date.now());
}
