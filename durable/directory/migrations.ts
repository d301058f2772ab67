import type { Schema } from '../shared/schema.ts';

/** The versions of a directory's stored state. */
export const DIRECTORY_SCHEMA: Schema = {
  of: 'directory',
  firstTable: 'sessions',
  migrations: [renameCreation],
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
