import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { FileChange } from '../../../protocol/api/files/files.ts';
import { KEPT_MODE, type TreeEntry } from '../paths/tree-entry.ts';
import { linkTarget, openKnownFile, openWorkspace } from '../paths/safe-path.ts';
import { textOf, type ByteName } from '../paths/byte-name.ts';
import { modeText, typeOf } from '../read/file-facts.ts';
import { bytesFrom } from '../read/read-path.ts';
import { errnoOf, FilesRefused, isDenied } from '../paths/refused.ts';
import { fromStorage, type StartTree } from './start-tree.ts';
import { walk, type WalkEntry } from '../paths/tree-walk.ts';

/** An entry of the current workspace. `found.folder` is open until the next change is requested. */
export interface CurrentEntry {
  found: WalkEntry;
  type: TreeEntry['type'];
  mode: number;
  size: number;
  /** A symlink's target. */
  target: ByteName | null;
  /** Its permissions keep the runner out. */
  unreadable: boolean;
}

/** The change of one path. If its type has changed, it is deleted and then added. */
export interface Change {
  path: ByteName;
  before: TreeEntry | null;
  now: CurrentEntry | null;
}

/**
 * The changes in a workspace since its start. Files are compared by content, because the agent can set a file's times. Git's
 * folders (`.git`) are left out, because a patch cannot hold them.
 *
 * @param start null: the workspace began empty
 */
export async function* changesSince(workspace: string, start: StartTree | null): AsyncGenerator<Change> {
  const before = new Map<ByteName, TreeEntry>();
  for await (const entry of start === null ? [] : fromStorage(start.entries())) {
    const path = entry.path.toString('latin1');
    if (path !== '' && isTracked(path)) before.set(path, entry);
  }
  const folder = await openWorkspace(workspace);
  try {
    for await (const found of walk(folder, { recursive: true, tooDeep: 'refuse', wanted: isTracked })) {
      const now = await nowOf(found);
      if (now === null) continue;
      const { path } = found;
      const old = before.get(path) ?? null;
      before.delete(path);
      // Nobody knows whether what was in it is still there.
      if (found.unreadable) for (const inner of before.keys()) if (inner.startsWith(`${path}/`)) before.delete(inner);
      if (old !== null && old.type !== now.type) {
        yield { path, before: old, now: null };
        yield { path, before: null, now };
      } else if (old === null || start === null || (await differs(old, now, start))) yield { path, before: old, now };
    }
  } finally {
    await folder.close();
  }
  const deleted = [...before].sort(([left], [right]) => (left < right ? -1 : 1));
  for (const [path, entry] of deleted) yield { path, before: entry, now: null };
}

export function changeOf({ path, before, now }: Change): FileChange {
  let change: FileChange['change'] = 'modified';
  if (before === null) change = 'added';
  else if (now === null) change = 'deleted';
  return {
    path: textOf(path),
    change,
    type: now?.type ?? before?.type ?? 'file',
    old_size: before === null ? null : sizeOf(before),
    new_size: now === null ? null : now.size,
    old_mode: before === null ? null : modeText(before.mode),
    new_mode: now === null ? null : modeText(now.mode),
    ...(now?.unreadable === true && { unreadable: true as const }),
  };
}

function sizeOf(entry: TreeEntry): number {
  if (entry.type === 'directory') return 0;
  return entry.type === 'symlink' ? (entry.target?.length ?? 0) : entry.size;
}

function isTracked(path: ByteName): boolean {
  return !path.split('/').some((name) => name.toLowerCase() === '.git');
}

/** Null: the entry has disappeared, or is of a type that a start never holds, such as a socket. */
async function nowOf(found: WalkEntry): Promise<CurrentEntry | null> {
  const { folder, name, stats } = found;
  const type = typeOf(stats);
  if (type === 'other') return null;
  const mode = Number(stats.mode) & KEPT_MODE;
  if (type === 'symlink') {
    const target = await linkTarget(folder, name).catch(nullIfGone);
    return target === null ? null : { found, type, mode, size: target.length, target, unreadable: false };
  }
  const unreadable = found.unreadable || (type === 'file' && !(await isReadable(found)));
  return { found, type, mode, size: type === 'file' ? Number(stats.size) : 0, target: null, unreadable };
}

/** Only a file that its owner may not read is tried: the others are opened when they are compared. */
async function isReadable({ folder, name, stats }: WalkEntry): Promise<boolean> {
  if ((Number(stats.mode) & 0o400) !== 0) return true;
  try {
    await (await openKnownFile(folder, [name])).file.close();
    return true;
  } catch (error) {
    if (isDenied(error)) return false;
    return nullIfGone(error) === null;
  }
}

async function differs(before: TreeEntry, now: CurrentEntry, start: StartTree): Promise<boolean> {
  if (now.unreadable) return true;
  if (before.type === 'symlink') return before.target?.toString('latin1') !== now.target;
  if ((before.mode & KEPT_MODE) !== now.mode) return true;
  if (before.type === 'directory') return false;
  if (before.size !== now.size) return true;
  const hash = await hashOf(now).catch(nullIfGone);
  // It has disappeared: the next diff shows the deletion.
  if (hash === null) return false;
  return hash !== (before.sha256 ?? (await digest(fromStorage(start.content(before)))));
}

async function hashOf({ found, size }: CurrentEntry): Promise<string> {
  const { file } = await openKnownFile(found.folder, [found.name]);
  return await digest(bytesOfFile(file, size, found.path));
}

async function* bytesOfFile(file: FileHandle, size: number, path: ByteName): AsyncGenerator<Buffer> {
  try {
    yield* bytesFrom(file, 0, size - 1, path);
  } finally {
    await file.close();
  }
}

async function digest(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of bytes) hash.update(chunk);
  return hash.digest('hex');
}

/** A file's current content, in memory; null: it has disappeared, or is larger than `limit` bytes. */
export async function currentContent({ found }: CurrentEntry, limit: number): Promise<Buffer | null> {
  const opened = await openKnownFile(found.folder, [found.name]).catch(nullIfGone);
  if (opened === null) return null;
  const size = Number(opened.stats.size);
  if (size > limit) {
    await opened.file.close();
    return null;
  }
  const chunks: Buffer[] = [];
  for await (const chunk of bytesOfFile(opened.file, size, found.path)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function nullIfGone(error: unknown): null {
  if (error instanceof FilesRefused && ['file_not_found', 'not_a_file'].includes(error.refusal.code)) return null;
  if (['ENOENT', 'EINVAL'].includes(errnoOf(error) ?? '')) return null;
  throw error;
}
