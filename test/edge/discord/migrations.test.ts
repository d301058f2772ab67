import { expect, it } from 'vitest';
import { DeskTable } from '../../../durable/discord/tables/desk-table.ts';
import { DeskScene, withDesk } from './support/desk.ts';

const A = '019ac1de-0000-7000-8000-0000000000aa';

it('threads of the first version, which had an owner, are kept; new ones are stored beside them', () =>
  withDesk({}, async (scene) => {
    const { sql } = scene.storage;
    sql.exec('DROP TABLE schema_version');
    sql.exec('DROP TABLE threads');
    sql.exec(`CREATE TABLE threads (
      session_id TEXT PRIMARY KEY, owner TEXT NOT NULL, user TEXT NOT NULL, name TEXT NOT NULL,
      anchor_id TEXT, thread_id TEXT, progress_id TEXT) WITHOUT ROWID`);
    sql.exec('CREATE INDEX threads_by_thread ON threads (thread_id)');
    sql.exec("INSERT INTO threads VALUES (?, 'alice', '51', 'work', '900', '900', NULL)", A);

    const later = new DeskScene(scene.state, {});
    const table = new DeskTable(sql);
    const thread = { session_id: A, user: '51', name: 'work', anchor_id: '900', thread_id: '900', progress_id: null };
    expect(table.thread(A)).toEqual(thread);
    expect(table.sessionIn('900')).toBe(A);
    table.addThread({ session_id: crypto.randomUUID(), user: '51', name: 'more' });
    expect([...sql.exec('SELECT version FROM schema_version')]).toEqual([{ version: 2 }]);
    later.desk.progress(A, 'Reading');
    await expect
      .poll(() => [...sql.exec('SELECT progress_id FROM threads WHERE session_id = ?', A)])
      .not.toEqual([{ progress_id: null }]);
  }));

it('state of a newer version is refused', () =>
  withDesk({}, async (scene) => {
    scene.storage.sql.exec('UPDATE schema_version SET version = 99');
    expect(() => new DeskScene(scene.state, {})).toThrow(/Discord desk was stored by a newer version/);
    await Promise.resolve();
  }));
