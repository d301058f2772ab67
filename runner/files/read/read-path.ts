import type { FileHandle } from 'node:fs/promises';
import type { FileEntry, FilesRequest } from '../../../protocol/api/files/files.ts';
import { streamed, type SuccessAnswer } from '../answer.ts';
import {
  withHandle,
  linkTarget,
  lstatEntry,
  openFile,
  openWorkspace,
  openFolderAt,
  describeEntry,
} from '../paths/safe-path.ts';
import { parseRange } from './byte-range.ts';
import { parsePath, displayPath, textOf, type ByteName } from '../paths/byte-name.ts';
import { etagOf, instantOf, modeText, typeOf } from './file-facts.ts';
import { jsonList } from './json-list.ts';
import { errnoOf, FilesRefused, refusedBy } from '../paths/refused.ts';
import { walk, type WalkEntry } from '../paths/tree-walk.ts';

const CHUNK = 256 * 1024;

type ReadRequest = Extract<FilesRequest, { op: 'read' }>;

/** Answers with a file's bytes or a folder's entries. */
export async function readPath(workspace: string, request: ReadRequest): Promise<SuccessAnswer> {
  const names = parsePath(request.path);
  const name = names.at(-1);
  if (name === undefined) {
    const stats = await withHandle(await openWorkspace(workspace), (folder) => folder.stat({ bigint: true }));
    return listing(workspace, names, request, instantOf(stats));
  }
  return await withHandle(await openFolderAt(workspace, names.slice(0, -1)), async (parent) => {
    const stats = await lstatEntry(parent, name).catch((error: unknown) => {
      throw refusedBy(error, displayPath(names));
    });
    if (stats.isDirectory()) return listing(workspace, names, request, instantOf(stats));
    if (!stats.isFile()) throw new FilesRefused('not_a_file', await describeEntry(parent, names));
    return await fileAnswer(workspace, parent, names, request);
  });
}

async function fileAnswer(
  workspace: string,
  parent: FileHandle,
  names: ByteName[],
  request: ReadRequest,
): Promise<SuccessAnswer> {
  const { file, stats } = await openFile(parent, names);
  await file.close();
  const total = Number(stats.size);
  const range = parseRange(request.range, total);
  if (range === 'unsatisfiable')
    throw new FilesRefused(
      'range_not_satisfiable',
      `${displayPath(names)} has ${total} bytes: ${request.range} is not among them.`,
    );
  const { first, last } = range === 'whole' ? { first: 0, last: total - 1 } : range;
  const head = {
    type: 'application/octet-stream',
    size: last - first + 1,
    range: range === 'whole' ? null : { first, last, total },
    modified_at: instantOf(stats),
    etag: etagOf(stats),
  };
  return { ok: true, head, body: request.head_only ? nothing() : fileBody(workspace, names, stats.ino, first, last) };
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

async function* fileBody(
  workspace: string,
  names: readonly ByteName[],
  ino: bigint,
  first: number,
  last: number,
): AsyncGenerator<Buffer> {
  const parent = await openFolderAt(workspace, names.slice(0, -1));
  const { file, stats } = await withHandle(parent, () => openFile(parent, names));
  try {
    if (stats.ino !== ino) throw changed(names);
    yield* bytesFrom(file, first, last, names);
  } finally {
    await file.close();
  }
}

/** A file's bytes from `first` to `last`. @throws FilesRefused if the file has become shorter */
export async function* bytesFrom(
  file: FileHandle,
  first: number,
  last: number,
  names: readonly ByteName[] | ByteName,
): AsyncGenerator<Buffer> {
  for (let at = first; at <= last;) {
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK, last - at + 1));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at).catch((error: unknown) => {
      throw refusedBy(error, displayPath(names));
    });
    if (bytesRead === 0) throw changed(names);
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

function changed(names: readonly ByteName[] | ByteName): FilesRefused {
  return new FilesRefused('files_unavailable', `${displayPath(names)} changed while it was read; try again.`);
}

function listing(workspace: string, names: ByteName[], request: ReadRequest, modifiedAt: string): SuccessAnswer {
  const body = request.head_only ? nothing() : listBody(workspace, names, request);
  const answer = streamed('application/json', body);
  return { ...answer, head: { ...answer.head, modified_at: modifiedAt } };
}

async function* listBody(workspace: string, names: ByteName[], request: ReadRequest): AsyncGenerator<Buffer> {
  let cursor: string | null = null;
  const entries = async function* (): AsyncGenerator<FileEntry> {
    const folder = await openFolderAt(workspace, names);
    const prefix = names.map((name) => `${name}/`).join('');
    try {
      const after = Buffer.from(request.cursor ?? '', 'base64url').toString('latin1');
      const options = { recursive: request.recursive, tooDeep: 'skip' } as const;
      let [count, last] = [0, ''];
      for await (const found of walk(folder, after === '' ? options : { ...options, after: after.split('/') })) {
        if (count++ === request.limit) {
          cursor = Buffer.from(last, 'latin1').toString('base64url');
          return;
        }
        last = found.path;
        yield await entryOf(found, prefix);
      }
    } finally {
      await folder.close();
    }
  };
  yield* jsonList({ path: request.path }, entries(), () => ({ next_cursor: cursor }));
}

async function entryOf(
  { path, name, folder, stats, tooDeep, unreadable }: WalkEntry,
  prefix: ByteName,
): Promise<FileEntry> {
  const type = typeOf(stats);
  return {
    path: textOf(prefix + path),
    type,
    size: type === 'file' ? Number(stats.size) : 0,
    mode: modeText(stats.mode),
    modified_at: instantOf(stats),
    ...(type === 'symlink' ? { target: textOf(await targetIfThere(folder, name)) } : {}),
    ...((tooDeep || unreadable) && { listed: false as const }),
    ...(unreadable && { unreadable: true as const }),
  };
}

async function targetIfThere(folder: FileHandle, name: ByteName): Promise<ByteName> {
  return await linkTarget(folder, name).catch((error: unknown) => {
    // It is no longer a link, or no longer there.
    if (errnoOf(error) === 'EINVAL' || errnoOf(error) === 'ENOENT') return '';
    throw error;
  });
}
