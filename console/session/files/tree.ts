import type { FileEntry } from '../../../client/main.ts';

/** A folder, as far as the page knows it. Paths are within the workspace; `''` is the workspace itself. */
export interface Folder {
  readonly isOpen: boolean;
  /** What is in it; null: not loaded. */
  readonly entries: readonly FileEntry[] | null;
  /** There is more in it than is shown. */
  readonly isCut: boolean;
  /** Why it could not be loaded. */
  readonly problem: string | null;
}
export type Folders = ReadonlyMap<string, Folder>;

/** A row of the tree. */
export type Row =
  | { readonly kind: 'entry'; readonly entry: FileEntry; readonly depth: number; readonly isOpen: boolean }
  /** Below an open folder: that it is empty, being loaded, cut, or could not be loaded. */
  | { readonly kind: 'note'; readonly of: string; readonly text: string; readonly depth: number };

/** The rows below a folder, in the order in which they are shown. */
export function rowsOf(folders: Folders, path = '', depth = 0): Row[] {
  const folder = folders.get(path);
  const note = (text: string): Row => ({ kind: 'note', of: path, text, depth });
  if (folder === undefined) return [];
  if (folder.entries === null) return [note(folder.problem ?? 'Loading…')];
  if (folder.entries.length === 0) return [note('Empty')];
  const rows = folder.entries.flatMap((entry): Row[] => {
    const isOpen = entry.type === 'directory' && folders.get(entry.path)?.isOpen === true;
    const row: Row = { kind: 'entry', entry, depth, isOpen };
    return isOpen ? [row, ...rowsOf(folders, entry.path, depth + 1)] : [row];
  });
  if (folder.isCut) rows.push(note('There is more. Save the folder to see all of it.'));
  return folder.problem === null ? rows : [...rows, note(folder.problem)];
}

/** The last part of a path. */
export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** The folder that a path is in. */
export const folderOf = (path: string): string => (path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '');

/** A path below a folder. */
export const below = (folder: string, name: string): string => (folder === '' ? name : `${folder}/${name}`);

/** The folders on the way to a path, from the workspace on: of `a/b/c`, these are ``, `a` and `a/b`. */
export function wayTo(path: string): string[] {
  if (path === '') return [];
  const parts = path.split('/');
  return parts.map((_, index) => parts.slice(0, index).join('/'));
}

/** Folders first, then by name, as people count: `a2` before `a10`. */
export function sorted(entries: readonly FileEntry[]): FileEntry[] {
  const byName = new Intl.Collator('en', { numeric: true });
  return [...entries].sort((a, b) => rank(a) - rank(b) || byName.compare(nameOf(a.path), nameOf(b.path)));
}

const rank = ({ type }: FileEntry): number => (type === 'directory' ? 0 : 1);

/** The address of a path's view. */
export const fileHref = (sessionId: string, path: string): string =>
  `/sessions/${sessionId}/files${path === '' ? '' : `?path=${encodeURIComponent(path)}`}`;

/** The address of a path's change. */
export const changeHref = (sessionId: string, path: string): string =>
  `/sessions/${sessionId}/changes?path=${encodeURIComponent(path)}`;
