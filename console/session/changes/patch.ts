import { sizeOf } from '../../safe/diff/lines.ts';
import { readPatch } from '../../safe/diff/read-patch.ts';

/** A file's part of a patch. */
export interface FilePatch {
  /** Without what only git needs. */
  readonly text: string;
  /** Lines. */
  readonly added: number;
  readonly removed: number;
}

/** A patch by file, each by the path that it has afterwards. What stands before the first file is left out. */
export function byFile(patch: string): ReadonlyMap<string, FilePatch> {
  const files = new Map<string, FilePatch>();
  for (const text of patch.split(/^(?=diff --git )/m)) {
    if (!text.startsWith('diff --git ')) continue;
    const [file] = readPatch(text);
    const path = file?.path ?? file?.oldPath;
    if (file !== undefined && typeof path === 'string') files.set(path, { text: forPeople(text), ...sizeOf(file) });
  }
  return files;
}

/** The card above says that a file is new or gone; what git calls its content is for nobody. */
function forPeople(text: string): string {
  const at = text.search(/^(?:--- |@@ |Binary files )/m);
  const end = at === -1 ? text.length : at;
  return text.slice(0, end).replaceAll(/^(?:new file mode|deleted file mode|index) .*\n/gm, '') + text.slice(end);
}
