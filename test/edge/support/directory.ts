import { env, runInDurableObject } from 'cloudflare:test';
import { Directory } from '../../../durable/directory/directory.ts';
import type { User } from './api.ts';

export const directoryObject = ({ name }: User) => env.DIRECTORY.get(env.DIRECTORY.idFromName(name));

/** Works with a user's directory as it would be with these settings. */
export function withSettings<T>(
  user: User,
  settings: Readonly<Record<string, string>>,
  work: (directory: Directory, sql: SqlStorage) => T | Promise<T>,
): Promise<T> {
  return runInDurableObject(directoryObject(user), (_, ctx) =>
    work(new Directory(ctx, { ...env, ...settings }), ctx.storage.sql),
  );
}

/** Makes of a directory what version 4 of its state was: without an inbox and a feed. */
export function toVersion4(sql: SqlStorage): void {
  for (const table of ['waiting', 'inbox_sessions', 'gone', 'feed_versions']) sql.exec(`DROP TABLE ${table}`);
  sql.exec('ALTER TABLE sessions DROP COLUMN version');
  sql.exec('UPDATE schema_version SET version = 4');
}
