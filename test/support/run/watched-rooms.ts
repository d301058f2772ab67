import { existsSync, globSync } from 'node:fs';
import path from 'node:path';

const TESTS = path.resolve(import.meta.dirname, '../..');

/**
 * What `npm run test:watch` runs after an edit of the edge's source: the tests of its room, in workerd, and all of the edge's
 * pure code. By what imports it, that would be every test in workerd, for each of them begins with the whole edge.
 *
 * @param source within the repository, like `durable/session/core/webhooks/delivery.ts`
 */
export function testsOfRoom(source: string): string[] {
  const { dir, name } = path.parse(source);
  const [top = '', ...folders] = dir.split('/');
  // What is decided, stored and linked for a room is tested with the room; interactions are a session's.
  const within = folders.filter((folder) => !['core', 'store', 'tables', 'container'].includes(folder));
  if (within.join('/') === 'shared/interactions') within[0] = 'session';
  const rooms = [...(top === 'functions' ? [top] : []), ...within, name];
  while (rooms.length > 0 && !existsSync(path.join(TESTS, 'edge', ...rooms))) rooms.pop();
  if (rooms.length === 0) rooms.push('session');
  return [
    ...globSync(`unit/${top}/**/*.test.ts`, { cwd: TESTS }),
    ...globSync(`${path.join('edge', ...rooms)}/*.test.ts`, { cwd: TESTS }),
  ].map((test) => path.join(TESTS, test));
}
