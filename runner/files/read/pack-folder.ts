import { isUtf8 } from 'node:buffer';
import { once } from 'node:events';
import type { FileHandle } from 'node:fs/promises';
import { PassThrough } from 'node:stream';
import { pack, type Header, type Pack } from 'tar-stream';
import type { FilesRequest } from '../../../protocol/api/files/files.ts';
import { streamed, type SuccessAnswer } from '../answer.ts';
import { linkTarget, openKnownFile, openFolderAt } from '../paths/safe-path.ts';
import { bytesOf, parsePath, displayPath, textOf, type ByteName } from '../paths/byte-name.ts';
import { bytesFrom } from './read-path.ts';
import { errnoOf, FilesRefused, isDenied } from '../paths/refused.ts';
import { tarComment, tarMetadata } from './tar-metadata.ts';
import { walk, type WalkEntry } from '../paths/tree-walk.ts';

/** Largest size and time that a tar header's own fields hold; what is beyond goes into a pax header. */
const MAX_OCTAL_SIZE = 8 * 1024 ** 3 - 1;
const MAX_SECONDS = 2 ** 31 - 1;
/** In a pax header, it is taken for bytes that have been lost (`tar-entries.ts`). */
const REPLACEMENT = '\ufffd';

/**
 * The folder at a path as a tar archive: files, folders and symlinks with their modes and times; names are relative to the folder. Pipes,
 * sockets and devices are left out, and what the runner may not read; hard links are files of their own.
 */
export async function packFolder(
  workspace: string,
  request: Extract<FilesRequest, { op: 'pack' }>,
): Promise<SuccessAnswer> {
  const names = parsePath(request.path);
  await (await openFolderAt(workspace, names)).close();
  return streamed('application/x-tar', archive(workspace, names));
}

async function* archive(workspace: string, names: readonly ByteName[]): AsyncGenerator<Buffer> {
  const folder = await openFolderAt(workspace, names);
  const tar = pack();
  // The packer does not report back-pressure. A Node stream does.
  const output = tar.pipe(new PassThrough());
  // Whoever waits for one of them gets the error.
  for (const stream of [tar, output]) stream.on('error', () => undefined);
  const packing = packAll(folder, tar, output).catch((error: unknown) =>
    output.destroy(error instanceof Error ? error : new Error(String(error))),
  );
  try {
    yield* output;
  } finally {
    output.destroy(new Error('nobody reads the archive any more'));
    await packing;
    await folder.close();
  }
}

async function packAll(folder: FileHandle, tar: Pack, output: PassThrough): Promise<void> {
  for await (const found of walk(folder, { recursive: true, tooDeep: 'refuse' })) {
    if (output.writableNeedDrain) await once(output, 'drain');
    await entry(tar, found);
  }
  tar.finalize();
}

async function entry(tar: Pack, found: WalkEntry): Promise<void> {
  const { folder, name, path, stats } = found;
  if (stats.isDirectory()) {
    await writeHeader(tar, found, { type: 'directory', size: 0 }).done;
    if (found.unreadable) leftOut(tar, path);
  } else if (stats.isSymbolicLink()) {
    const target = await linkTarget(folder, name).catch(undefinedIfGone);
    if (target !== undefined) await writeHeader(tar, found, { type: 'symlink', size: 0 }, target).done;
  } else if (stats.isFile()) {
    const opened = await openKnownFile(folder, [name]).catch((error: unknown) => {
      if (!isDenied(error)) return undefinedIfGone(error);
      leftOut(tar, path);
      return undefined;
    });
    if (opened === undefined) return;
    try {
      const size = Number(opened.stats.size);
      const { sink, done } = writeHeader(tar, { ...found, stats: opened.stats }, { type: 'file', size });
      for await (const chunk of bytesFrom(opened.file, 0, size - 1, path)) {
        if (sink.destroying) break;
        if (!sink.write(chunk)) await once(sink, 'drain');
      }
      sink.end(null);
      await done;
    } finally {
      await opened.file.close();
    }
  }
}

/** Names in a comment (pax), which every tar passes over, what the runner may not read: a file, or what is in a folder. */
function leftOut(tar: Pack, path: ByteName): void {
  tar.push(tarComment(`cc-docker: left out, its permissions keep the runner out: ${displayPath(path)}`));
}

/** Writes an entry's header, in the form that can hold its name. */
function writeHeader(
  tar: Pack,
  { path, stats }: WalkEntry,
  kind: { type: 'file' | 'directory' | 'symlink'; size: number },
  target?: ByteName,
) {
  const seconds = Number(stats.mtimeNs / 1_000_000_000n);
  const pax: Record<string, string> = {};
  if (kind.size > MAX_OCTAL_SIZE) pax['size'] = String(kind.size);
  if (seconds < 0 || seconds > MAX_SECONDS) pax['mtime'] = String(seconds);
  const header: Partial<Header> & { name: string } = {
    ...kind,
    name: textOf(path),
    mode: Number(stats.mode) & 0o7777,
    mtime: new Date(Math.min(MAX_SECONDS, Math.max(0, seconds)) * 1000),
    ...(target === undefined ? {} : { linkname: textOf(target) }),
  };
  const raw = [path, target ?? ''].some((text) => !isUtf8(bytesOf(text)) || textOf(text).includes(REPLACEMENT));
  if (raw) {
    if (kind.size > MAX_OCTAL_SIZE)
      throw new FilesRefused(
        'files_unavailable',
        `${displayPath(path)} has a name that is not UTF-8 and is too large for tar.`,
      );
    tar.push(tarMetadata('L', bytesOf(path)));
    header.name = 'name-is-not-utf-8';
    if (target !== undefined) {
      tar.push(tarMetadata('K', bytesOf(target)));
      header.linkname = 'target-is-not-utf-8';
    }
  } else if (Object.keys(pax).length > 0) header.pax = pax;
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  // The reader went away: nobody waits for this entry.
  done.catch(() => undefined);
  const sink = tar.entry(header, (error) => (error ? reject(error) : resolve()));
  sink.on('error', () => undefined);
  return { sink, done };
}

function undefinedIfGone(error: unknown): undefined {
  if (error instanceof FilesRefused && ['file_not_found', 'not_a_file'].includes(error.refusal.code)) return undefined;
  if (['ENOENT', 'EINVAL'].includes(errnoOf(error) ?? '')) return undefined;
  throw error;
}
