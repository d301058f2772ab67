import { expect, test } from 'vitest';
import type { FileEntry } from '../../../../../client/main.ts';
import {
  fileHref,
  folderOf,
  nameOf,
  rowsOf,
  sorted,
  wayTo,
  type Folder,
} from '../../../../../console/session/files/tree.ts';

const entry = (path: string, type: FileEntry['type'] = 'file'): FileEntry => ({
  path,
  type,
  size: 1,
  mode: '0644',
  modified_at: '2026-01-01T00:00:00.000Z',
});
const folder = (entries: FileEntry[] | null, more: Partial<Folder> = {}): Folder => ({
  isOpen: true,
  entries,
  isCut: false,
  problem: null,
  ...more,
});

test('rows are those of open folders, at their depth, with a word where there is nothing', () => {
  const folders = new Map([
    ['', folder([entry('src', 'directory'), entry('docs', 'directory'), entry('a.txt')])],
    ['src', folder([entry('src/lib', 'directory'), entry('src/b.ts')])],
    ['src/lib', folder([], { isOpen: false })],
    ['docs', folder(null)],
  ]);
  expect(
    rowsOf(folders).map((row) => (row.kind === 'entry' ? [row.depth, row.entry.path] : [row.depth, row.text])),
  ).toEqual([
    [0, 'src'],
    [1, 'src/lib'],
    [1, 'src/b.ts'],
    [0, 'docs'],
    [1, 'Loading…'],
    [0, 'a.txt'],
  ]);
  const broken = new Map([['', folder(null, { problem: 'No.' })]]);
  expect(rowsOf(broken)).toEqual([{ kind: 'note', of: '', text: 'No.', depth: 0 }]);
  expect(rowsOf(new Map([['', folder([])]]))).toEqual([{ kind: 'note', of: '', text: 'Empty', depth: 0 }]);
});

test('folders come first, and numbers in names count as people count them', () => {
  const entries = [entry('a10'), entry('b', 'directory'), entry('a2'), entry('B1')];
  expect(sorted(entries).map(({ path }) => path)).toEqual(['b', 'a2', 'a10', 'B1']);
});

test('a path has a name, a folder, and a way to it', () => {
  expect([nameOf('a/b/c.ts'), nameOf('c.ts')]).toEqual(['c.ts', 'c.ts']);
  expect([folderOf('a/b/c.ts'), folderOf('c.ts')]).toEqual(['a/b', '']);
  expect(wayTo('a/b/c.ts')).toEqual(['', 'a', 'a/b']);
  expect(wayTo('')).toEqual([]);
  expect(fileHref('id', 'a b/ü&#.ts')).toBe('/sessions/id/files?path=a%20b%2F%C3%BC%26%23.ts');
});
