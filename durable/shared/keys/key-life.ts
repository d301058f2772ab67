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
  const columns = sql.exec<{ name: string }>('SELECT name FROM pragma_table_info(?)', table).toArray();
  // A table that is missing is created with the column.
  if (columns.length === 0 || columns.some(({ name }) => name === 'made')) return;
  sql.exec(`ALTER TABLE ${table} ADD COLUMN made INTEGER NOT NULL DEFAULT 0`);
  sql.exec(`UPDATE ${table} SET made = ?`, Date.now());
}
