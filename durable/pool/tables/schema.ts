import type { Schema } from '../../shared/schema.ts';

/** The versions of a pool's stored state. */
export const POOL_SCHEMA: Schema = { of: 'pool', firstTable: 'runners', migrations: [dateWaits] };

/** 1 → 2: since when a session waits. Of those that do, version 1 did not say: their time begins now. */
function dateWaits(sql: SqlStorage): void {
  const has = (query: string) => sql.exec(query).toArray().length > 0;
  // The first releases made a table when its object first needed it.
  if (!has("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'places'")) return;
  sql.exec('ALTER TABLE places ADD COLUMN since INTEGER NOT NULL DEFAULT 0');
  sql.exec('UPDATE places SET since = unixepoch() * 1000');
}
