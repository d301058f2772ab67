import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, open, rename, symlink, unlink, type FileHandle } from 'node:fs/promises';
import { entryPath } from './safe-path.ts';
import { bytesOf, type ByteName } from './byte-name.ts';
import { errnoOf } from './refused.ts';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;

/** Prefix of the temporary name that a file has until it is complete. */
const TEMPORARY_PREFIX = '.cc-docker-';

export function temporaryName(): ByteName {
  return `${TEMPORARY_PREFIX}${randomBytes(12).toString('hex')}`;
}

/** A file or link in `folder` that still has a temporary name. */
export interface Temporary {
  folder: FileHandle;
  name: ByteName;
}

export async function temporaryFile(folder: FileHandle): Promise<Temporary & { file: FileHandle }> {
  const name = temporaryName();
  const file = await open(entryPath(folder, name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  return { folder, name, file };
}

export async function temporaryLink(folder: FileHandle, target: ByteName): Promise<Temporary> {
  const name = temporaryName();
  await symlink(bytesOf(target), entryPath(folder, name));
  return { folder, name };
}

/** A hard link to the file `of` in `from`. If that is a symlink, it links to the symlink itself. */
export async function temporaryHardLink(folder: FileHandle, from: FileHandle, of: ByteName): Promise<Temporary> {
  const name = temporaryName();
  await link(entryPath(from, of), entryPath(folder, name));
  return { folder, name };
}

/** Renames it to its final name. It replaces what has this name; a symlink is replaced, not followed. */
export async function moveIntoPlace(temporary: Temporary, folder: FileHandle, name: ByteName): Promise<void> {
  await rename(entryPath(temporary.folder, temporary.name), entryPath(folder, name));
}

/** Removes it if it still exists. */
export async function discard({ folder, name }: Temporary): Promise<void> {
  await unlink(entryPath(folder, name)).catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOENT') throw error;
  });
}
