import { createHash } from 'node:crypto';
import { formatPatch, OMIT_HEADERS, structuredPatch } from 'diff';
import type { TreeEntry } from '../paths/tree-entry.ts';
import { bytesOf } from '../paths/byte-name.ts';
import { currentContent, type Change } from './changes.ts';
import { gitBinary } from './git-binary.ts';
import { gitName, gitAccepts } from './git-name.ts';
import { fromStorage, type StartTree } from './start-tree.ts';

/** Largest file in a patch, bytes. Its old and new content are in memory, one file at a time. */
const PATCH_BYTES = 8 * 1024 * 1024;
/** Beyond these limits there is no line-by-line comparison: the patch removes all old lines and adds all new ones. */
const LINES_BYTES = 1024 * 1024;
const SEARCH = { maxEditLength: 1000, timeout: 100, context: 3 };

const NONE = '0'.repeat(40);

/** One side of a change, as git knows it. */
interface Side {
  mode: '100644' | '100755' | '120000';
  content: Buffer;
}

/**
 * A change as a part of a patch for `git apply`. It is empty for what git does not track: folders, and mode bits other than
 * the executable one. A file that cannot be in a patch is named in a comment line, which git ignores.
 */
export async function gitPatch(change: Change, start: StartTree | null): Promise<Buffer> {
  const { path, before, now } = change;
  const [a, b] = [gitName('a/', path), gitName('b/', path)];
  if (!gitAccepts(path, before?.type === 'symlink' || now?.type === 'symlink'))
    return Buffer.from(`# ${b} is not in this patch: git takes no such name\n`);
  if ((before?.size ?? 0) > PATCH_BYTES || (now?.size ?? 0) > PATCH_BYTES)
    return Buffer.from(`# Binary files ${a} and ${b} differ: too large for this patch\n`);
  if (now?.unreadable === true)
    return Buffer.from(`# ${b} is not in this patch: its permissions keep the runner out\n`);
  const [old, fresh] = [await sideBefore(before, start), await sideNow(change)];
  if (old === undefined || fresh === undefined) return Buffer.alloc(0);
  if (old === null && fresh === null) return Buffer.alloc(0);
  return Buffer.from(await section(a, b, old, fresh), 'latin1');
}

async function section(a: string, b: string, old: Side | null, fresh: Side | null): Promise<string> {
  const [before, after] = [old?.content ?? Buffer.alloc(0), fresh?.content ?? Buffer.alloc(0)];
  const same = old !== null && fresh !== null && before.equals(after);
  let head = `diff --git ${a} ${b}\n`;
  if (old === null) head += `new file mode ${fresh?.mode}\n`;
  else if (fresh === null) head += `deleted file mode ${old.mode}\n`;
  else if (old.mode !== fresh.mode) head += `old mode ${old.mode}\nnew mode ${fresh.mode}\n`;
  else if (same) return '';
  if (same) return head;
  const unchanged = old !== null && fresh !== null && old.mode === fresh.mode ? ` ${old.mode}` : '';
  head += `index ${old === null ? NONE : blobId(before)}..${fresh === null ? NONE : blobId(after)}${unchanged}\n`;
  if (before.includes(0) || after.includes(0)) return head + (await gitBinary(before, after));
  if (before.length === 0 && after.length === 0) return head;
  const names = `--- ${old === null ? '/dev/null' : a}\n+++ ${fresh === null ? '/dev/null' : b}\n`;
  return head + names + hunks(before, after);
}

/** Text is handled as latin1, one character for each byte, so that its bytes stay unchanged in any encoding. */
function hunks(before: Buffer, after: Buffer): string {
  const [old, fresh] = [before.toString('latin1'), after.toString('latin1')];
  const large = old.length + fresh.length > LINES_BYTES;
  const found = large || old === '' || fresh === '' ? undefined : structuredPatch('', '', old, fresh, '', '', SEARCH);
  return found === undefined ? replaceAllLines(old, fresh) : formatPatch(found, OMIT_HEADERS);
}

function replaceAllLines(old: string, fresh: string): string {
  const [minus, plus] = [prefixed('-', old), prefixed('+', fresh)];
  return `@@ -${minus.range} +${plus.range} @@\n${minus.text}${plus.text}`;
}

function prefixed(sign: '-' | '+', content: string): { range: string; text: string } {
  if (content === '') return { range: '0,0', text: '' };
  const whole = content.endsWith('\n');
  const lines = (whole ? content.slice(0, -1) : content).split('\n');
  const text = lines.map((line) => `${sign}${line}\n`).join('');
  return { range: `1,${lines.length}`, text: whole ? text : `${text}\\ No newline at end of file\n` };
}

function blobId(content: Buffer): string {
  return createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
}

/** The old side; null: nothing that git tracks. */
async function sideBefore(entry: TreeEntry | null, start: StartTree | null): Promise<Side | null> {
  if (entry === null || start === null || entry.type === 'directory') return null;
  if (entry.type === 'symlink') return { mode: '120000', content: entry.target ?? Buffer.alloc(0) };
  const chunks: Uint8Array[] = [];
  for await (const chunk of fromStorage(start.content(entry))) chunks.push(chunk);
  return { mode: fileMode(entry.mode), content: Buffer.concat(chunks) };
}

/** The new side; null: nothing that git tracks; undefined: it has disappeared, or has become too large. */
async function sideNow({ now }: Change): Promise<Side | null | undefined> {
  if (now === null || now.type === 'directory') return null;
  if (now.type === 'symlink') return { mode: '120000', content: bytesOf(now.target ?? '') };
  const content = await currentContent(now, PATCH_BYTES);
  return content === null ? undefined : { mode: fileMode(now.mode), content };
}

function fileMode(mode: number): Side['mode'] {
  return (mode & 0o100) === 0 ? '100644' : '100755';
}
