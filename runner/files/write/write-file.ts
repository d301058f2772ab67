import type { BigIntStats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { FilesRequest, writtenFiles } from '../../../protocol/api/files/files.ts';
import type * as z from 'zod';
import type { Owner } from '../../lib/session-folders.ts';
import { Allowance, diskSize, type WriteLimits } from '../paths/allowance.ts';
import { withHandle, lstatIfExists, openDeepestFolder, describeEntry } from '../paths/safe-path.ts';
import { parsePath, displayPath, type ByteName } from '../paths/byte-name.ts';
import { setOwnerAndMode, makeFolders } from '../paths/make-folders.ts';
import { FilesRefused, refusedBy } from '../paths/refused.ts';
import { discard, moveIntoPlace, temporaryFile } from '../paths/temporary.ts';

const FILE_MODE = 0o644;

/**
 * Writes one file: to a temporary file in the deepest existing folder, then renamed to its path. Missing folders are made only
 * once the file is complete, so that an interrupted body leaves nothing. The new file keeps the mode of one that it replaces.
 */
export async function writeFile(
  workspace: string,
  request: Extract<FilesRequest, { op: 'write' }>,
  as: Owner | undefined,
  limits: WriteLimits | null,
  body: AsyncIterable<Uint8Array>,
): Promise<z.infer<typeof writtenFiles>> {
  const names = parsePath(request.path);
  const name = names.at(-1);
  if (name === undefined) throw new FilesRefused('not_a_file', `${displayPath(names)} is a folder.`);
  const parents = names.slice(0, -1);
  const { folder, missing } = await openDeepestFolder(workspace, parents);
  try {
    const replaced = missing.length === 0 ? await replaceable(folder, names) : undefined;
    const allowance = await Allowance.measure(workspace, limits);
    if (replaced !== undefined) allowance.replace(diskSize(replaced));
    const temporary = await temporaryFile(folder);
    try {
      allowance.entry();
      const bytes = await writeBody(temporary.file, body, allowance);
      await setOwnerAndMode(
        temporary.file,
        as,
        request.mode ?? (replaced === undefined ? FILE_MODE : Number(replaced.mode) & 0o777),
      );
      const to = await makeFolders(folder, missing, as, parents.slice(0, parents.length - missing.length));
      await withHandle(to, () => moveIntoPlace(temporary, to, name));
      return { path: request.path, files: 1, bytes };
    } catch (error) {
      await discard(temporary);
      throw error;
    } finally {
      await temporary.file.close();
    }
  } catch (error) {
    throw refusedBy(error, displayPath(names));
  } finally {
    await folder.close();
  }
}

/** The file that a write to this path replaces. Refuses anything but a file. */
async function replaceable(folder: FileHandle, names: readonly ByteName[]): Promise<BigIntStats | undefined> {
  const stats = await lstatIfExists(folder, names.at(-1) ?? '');
  if (stats === undefined || stats.isFile()) return stats;
  throw new FilesRefused('not_a_file', await describeEntry(folder, names));
}

/** Writes all of `body`. @returns the number of bytes */
export async function writeBody(
  file: FileHandle,
  body: AsyncIterable<Uint8Array>,
  allowance: Allowance,
): Promise<number> {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    allowance.spend(chunk.length);
    // `writeFile` continues at the handle's current position.
    await file.writeFile(chunk);
  }
  allowance.round(bytes);
  return bytes;
}
