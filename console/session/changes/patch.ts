import { sizeOf } from '../../safe/diff/lines.ts';
import { readPatch } from '../../safe/diff/read-patch.ts';

/** A file's part of a patch. */
export interface FilePatch {
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
    if (file !== undefined && typeof path === 'string') files.set(path, { text, ...sizeOf(file) });
  }
  return files;
}
