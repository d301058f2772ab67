import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Ids of messages, tools and requests, which a log has once: a copy gets others. */
const IDS = /\b(msg|toolu|req)_\w+|"(?:uuid|message_id|interaction_id)":"[\w-]+"/g;

/**
 * Lengthens the log of the one session of a service whose edge is stopped: what it has is appended again and again, as if the agent had
 * done the same so often. To have `claude` do that would take minutes.
 *
 * @param stateFolder of the edge
 * @param count how many events there are to be in all
 */
export async function lengthenLog(stateFolder: string, count: number): Promise<void> {
  const file = await longestLog(stateFolder);
  using database = new DatabaseSync(file);
  const events = database.prepare('SELECT time, type, data FROM events WHERE parts = 0 ORDER BY seq').all() as {
    time: number;
    type: string;
    data: string;
  }[];
  const { last } = database.prepare('SELECT max(seq) AS last FROM events').get() as { last: number };
  const insert = database.prepare('INSERT INTO events (seq, time, type, data, parts) VALUES (?, ?, ?, ?, 0)');
  let bytes = 0;
  database.exec('BEGIN');
  for (let seq = last + 1; seq <= count; seq += 1) {
    const copied = events[(seq - last - 1) % events.length];
    if (copied === undefined) throw new Error('the log is empty');
    const copy = Math.floor((seq - last - 1) / events.length);
    const data = copied.data.replaceAll(IDS, (id) =>
      id.endsWith('"') ? `${id.slice(0, -1)}-${copy}"` : `${id}-${copy}`,
    );
    insert.run(seq, copied.time, copied.type, data);
    bytes += Buffer.byteLength(data);
  }
  database.prepare('UPDATE log_extent SET bytes = bytes + ?').run(bytes);
  database.exec('COMMIT');
}

/** The state of the object that has the most events. */
async function longestLog(stateFolder: string): Promise<string> {
  const files = (await readdir(stateFolder, { recursive: true })).filter((name) => name.endsWith('.sqlite'));
  const lengths = files.map((name) => {
    using database = new DatabaseSync(path.join(stateFolder, name), { readOnly: true });
    const isLog = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'events'").get() !== undefined;
    const { length } = (isLog ? database.prepare('SELECT count(*) AS length FROM events').get() : { length: 0 }) as {
      length: number;
    };
    return { name, length };
  });
  const [longest] = lengths.toSorted((a, b) => b.length - a.length);
  if (longest === undefined || longest.length === 0) throw new Error(`no log in ${stateFolder}`);
  return path.join(stateFolder, longest.name);
}
