import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { FilesRequest, writtenFiles } from '../../../protocol/api/files.ts';
import type * as z from 'zod';
import type { Owner } from '../../backend/backend.ts';
import { Allowance, diskSize } from '../paths/allowance.ts';
import { closing, lookIfThere, reachDown, whatItIs } from '../paths/safe-path.ts';
import { parsePath, shown, type ByteName } from '../paths/byte-name.ts';
import { give, makeFolders } from '../paths/make-folders.ts';
import { FilesRefused, refusedBy } from '../paths/refused.ts';
import { discard, place, temporaryFile } from '../paths/temporary.ts';

const FILE_MODE = 0o644;

/**
 * Writes one file: beside where it belongs until it is whole, then in place of what is there. The folders that it needs are made
 * when it is whole too, so that a body that breaks off leaves nothing. A file that is replaced hands on its mode.
 */
export async function writeFile(
  workspace: string,
  request: Extract<FilesRequest, { op: 'write' }>,
  as: Owner | undefined,
  limitMb: number | null,
  body: AsyncIterable<Uint8Array>,
): Promise<z.infer<typeof writtenFiles>> {
  const names = parsePath(request.path);
  const name = names.at(-1);
  if (name === undefined) throw new FilesRefused('not_a_file', `${shown(names)} is a folder.`);
  const parents = names.slice(0, -1);
  const { folder, missing } = await reachDown(workspace, parents);
  try {
    const replaced = missing.length === 0 ? await replaceable(folder, names) : undefined;
    const allowance = await Allowance.measure(workspace, limitMb);
    if (replaced !== undefined) allowance.regain(diskSize(replaced));
    const temporary = await temporaryFile(folder);
    try {
      allowance.entry();
      const bytes = await fill(temporary.file, body, allowance);
      await give(
        temporary.file,
        as,
        request.mode ?? (replaced === undefined ? FILE_MODE : Number(replaced.mode) & 0o777),
      );
      const to = await makeFolders(folder, missing, as, parents.slice(0, parents.length - missing.length));
      await closing(to, () => place(temporary, to, name));
      return { path: request.path, files: 1, bytes };
    } catch (error) {
      await discard(temporary);
      throw error;
    } finally {
      await temporary.file.close();
    }
  } catch (error) {
    throw refusedBy(error, shown(names));
  } finally {
    await folder.close();
  }
}

/** What a write at this path takes the place of. Refuses all but a file. */
async function replaceable(folder: FileHandle, names: readonly ByteName[]): Promise<BigIntStats | undefined> {
  const stats = await lookIfThere(folder, names.at(-1) ?? '');
  if (stats === undefined || stats.isFile()) return stats;
  throw new FilesRefused('not_a_file', await whatItIs(folder, names));
}

/** Writes all of `body`; how many bytes that was. */
export async function fill(file: FileHandle, body: AsyncIterable<Uint8Array>, allowance: Allowance): Promise<number> {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    allowance.spend(chunk.length);
    // On from where the last one ended.
    await file.writeFile(chunk);
  }
  allowance.round(bytes);
  return bytes;
}
