import { isUtf8 } from 'node:buffer';
import { pack, type Headers, type Pack } from 'tar-stream';
import type { FilesRequest } from '../../../protocol/api/files.ts';
import { streamed, type Answered } from '../answer.ts';
import { linkTarget, openSeenFile, reach } from '../paths/safe-path.ts';
import { bytesOf, parsePath, shown, textOf, type ByteName } from '../paths/byte-name.ts';
import { bytesFrom } from './read-path.ts';
import { errnoOf, FilesRefused } from '../paths/refused.ts';
import { tarMetadata } from './tar-metadata.ts';
import { walk, type Found } from '../paths/tree-walk.ts';

/** Largest size and time that a tar header's own fields hold; what is beyond goes into a pax header. */
const MAX_OCTAL_SIZE = 8 * 1024 ** 3 - 1;
const MAX_SECONDS = 2 ** 31 - 1;
/** In a pax header, it is taken for bytes that have been lost (`tar-entries.ts`). */
const REPLACEMENT = '\ufffd';

/**
 * The folder at a path as a tar archive: files, folders and symlinks with their modes and times; names are relative to the folder. Pipes,
 * sockets and devices are left out, hard links are files of their own.
 */
export async function packFolder(workspace: string, request: Extract<FilesRequest, { op: 'pack' }>): Promise<Answered> {
  const names = parsePath(request.path);
  await (await reach(workspace, names)).close();
  return streamed('application/x-tar', archive(workspace, names));
}

async function* archive(workspace: string, names: readonly ByteName[]): AsyncGenerator<Buffer> {
  const folder = await reach(workspace, names);
  const tar = pack();
  try {
    for await (const found of walk(folder, { recursive: true, tooDeep: 'refuse' })) yield* entry(tar, found);
    tar.finalize();
    yield* waiting(tar);
  } finally {
    tar.destroy();
    await folder.close();
  }
}

/** What the packer has made so far. Taken at once, so that nothing piles up in it, however slow the reader. */
function* waiting(tar: Pack): Generator<Buffer> {
  for (let chunk: unknown = tar.read(); Buffer.isBuffer(chunk); chunk = tar.read()) yield chunk;
}

async function* entry(tar: Pack, found: Found): AsyncGenerator<Buffer> {
  const { folder, name, path, stats } = found;
  if (stats.isDirectory()) {
    yield* named(tar, found, { type: 'directory', size: 0 });
  } else if (stats.isSymbolicLink()) {
    const target = await linkTarget(folder, name).catch(goneMeanwhile);
    if (target !== undefined) yield* named(tar, found, { type: 'symlink', size: 0 }, target);
  } else if (stats.isFile()) {
    const opened = await openSeenFile(folder, [name]).catch(goneMeanwhile);
    if (opened === undefined) return;
    try {
      const size = Number(opened.stats.size);
      const written = yield* named(tar, { ...found, stats: opened.stats }, { type: 'file', size });
      for await (const chunk of bytesFrom(opened.file, 0, size - 1, path)) {
        written.sink.write(chunk);
        yield* waiting(tar);
      }
      written.sink.end();
      await written.done;
      yield* waiting(tar);
    } finally {
      await opened.file.close();
    }
  }
}

/** Writes an entry's header, by whatever names it best. */
function* named(
  tar: Pack,
  { path, stats }: Found,
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
        `${shown(path)} has a name that is not UTF-8 and is too large for tar.`,
      );
    yield tarMetadata('L', bytesOf(path));
    header.name = 'name-is-not-utf-8';
    if (target !== undefined) {
      yield tarMetadata('K', bytesOf(target));
      header.linkname = 'target-is-not-utf-8';
    }
  } else if (Object.keys(pax).length > 0) header.pax = pax;
  const { promise: done, resolve, reject } = Promise.withResolvers<void>();
  // Of a file whose reader went away, nobody wants to know.
  done.catch(() => undefined);
  const sink = tar.entry(header, (error) => (error ? reject(error) : resolve()));
  yield* waiting(tar);
  return { sink, done };
}

function goneMeanwhile(error: unknown): undefined {
  if (error instanceof FilesRefused && ['file_not_found', 'not_a_file'].includes(error.refusal.code)) return undefined;
  if (['ENOENT', 'EINVAL'].includes(errnoOf(error) ?? '')) return undefined;
  throw error;
}
