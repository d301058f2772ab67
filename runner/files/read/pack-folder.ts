import { isUtf8 } from 'node:buffer';
import { pack, type Headers, type Pack } from 'tar-stream';
import type { FilesRequest } from '../../../protocol/api/files.ts';
import { streamed, type SuccessAnswer } from '../answer.ts';
import { linkTarget, openKnownFile, openFolderAt } from '../paths/safe-path.ts';
import { bytesOf, parsePath, displayPath, textOf, type ByteName } from '../paths/byte-name.ts';
import { bytesFrom } from './read-path.ts';
import { errnoOf, FilesRefused } from '../paths/refused.ts';
import { tarMetadata } from './tar-metadata.ts';
import { walk, type WalkEntry } from '../paths/tree-walk.ts';

/** Largest size and time in a tar header's own fields. Larger values go into a pax header. */
const MAX_OCTAL_SIZE = 8 * 1024 ** 3 - 1;
const MAX_SECONDS = 2 ** 31 - 1;
/** In a pax header this character means lost bytes (`tar-entries.ts`). */
const REPLACEMENT = '\ufffd';

/**
 * Packs the folder at a path as a tar archive: files, folders and symlinks with their modes and times. Names are relative to
 * the folder. Pipes, sockets and devices are left out. Each hard link is packed as a separate file.
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
  try {
    for await (const found of walk(folder, { recursive: true, tooDeep: 'refuse' })) yield* entry(tar, found);
    tar.finalize();
    yield* packedChunks(tar);
  } finally {
    tar.destroy();
    await folder.close();
  }
}

/** The packer's output so far. It is taken at once, so that it does not pile up when the reader is slow. */
function* packedChunks(tar: Pack): Generator<Buffer> {
  for (let chunk: unknown = tar.read(); Buffer.isBuffer(chunk); chunk = tar.read()) yield chunk;
}

async function* entry(tar: Pack, found: WalkEntry): AsyncGenerator<Buffer> {
  const { folder, name, path, stats } = found;
  if (stats.isDirectory()) {
    yield* writeHeader(tar, found, { type: 'directory', size: 0 });
  } else if (stats.isSymbolicLink()) {
    const target = await linkTarget(folder, name).catch(undefinedIfGone);
    if (target !== undefined) yield* writeHeader(tar, found, { type: 'symlink', size: 0 }, target);
  } else if (stats.isFile()) {
    const opened = await openKnownFile(folder, [name]).catch(undefinedIfGone);
    if (opened === undefined) return;
    try {
      const size = Number(opened.stats.size);
      const written = yield* writeHeader(tar, { ...found, stats: opened.stats }, { type: 'file', size });
      for await (const chunk of bytesFrom(opened.file, 0, size - 1, path)) {
        written.sink.write(chunk);
        yield* packedChunks(tar);
      }
      written.sink.end();
      await written.done;
      yield* packedChunks(tar);
    } finally {
      await opened.file.close();
    }
  }
}

/** Writes an entry's header: a plain one, one with pax fields, or with GNU metadata for names that are not UTF-8. */
function* writeHeader(
  tar: Pack,
  { path, stats }: WalkEntry,
  kind: { type: 'file' | 'directory' | 'symlink'; size: number },
  target?: ByteName,
) {
  const seconds = Number(stats.mtimeNs / 1_000_000_000n);
  const pax: Record<string, string> = {};
  if (kind.size > MAX_OCTAL_SIZE) pax['size'] = String(kind.size);
  if (seconds < 0 || seconds > MAX_SECONDS) pax['mtime'] = String(seconds);
  const header: Headers & { pax?: Record<string, string> } = {
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
    yield tarMetadata('L', bytesOf(path));
    header.name = 'name-is-not-utf-8';
    if (target !== undefined) {
      yield tarMetadata('K', bytesOf(target));
      header.linkname = 'target-is-not-utf-8';
    }
  } else if (Object.keys(pax).length > 0) header.pax = pax;
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  // If the reader has gone, nobody awaits this.
  done.catch(() => undefined);
  const sink = tar.entry(header, (error) => (error ? reject(error) : resolve()));
  yield* packedChunks(tar);
  return { sink, done };
}

function undefinedIfGone(error: unknown): undefined {
  if (error instanceof FilesRefused && ['file_not_found', 'not_a_file'].includes(error.refusal.code)) return undefined;
  if (['ENOENT', 'EINVAL'].includes(errnoOf(error) ?? '')) return undefined;
  throw error;
}
