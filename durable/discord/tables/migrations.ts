import type { Schema } from '../../shared/schema.ts';

/** The versions of the desk's stored state. */
export const DESK_SCHEMA: Schema = {
  of: 'Discord desk',
  firstTable: 'threads',
  migrations: [dropThreadOwner],
};

/** 1 → 2: nobody reads `threads.owner`. */
function dropThreadOwner(sql: SqlStorage): void {
  sql.exec('ALTER TABLE threads DROP COLUMN owner');
}
