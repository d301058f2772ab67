import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, open, rename, symlink, unlink, type FileHandle } from 'node:fs/promises';
import { within } from './safe-path.ts';
import { bytesOf, type ByteName } from './byte-name.ts';
import { errnoOf } from './refused.ts';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;

/** What is being written has such a name until it is whole. */
export const TEMPORARY_PREFIX = '.cc-docker-';

export function temporaryName(): ByteName {
  return `${TEMPORARY_PREFIX}${randomBytes(12).toString('hex')}`;
}

/** Something in `folder` that has no name of its own yet. */
export interface Temporary {
  folder: FileHandle;
  name: ByteName;
}

export async function temporaryFile(folder: FileHandle): Promise<Temporary & { file: FileHandle }> {
  const name = temporaryName();
  const file = await open(within(folder, name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  return { folder, name, file };
}

export async function temporaryLink(folder: FileHandle, target: ByteName): Promise<Temporary> {
  const name = temporaryName();
  await symlink(bytesOf(target), within(folder, name));
  return { folder, name };
}

/** Another name for the file `of` in `from`; of a symlink, for the link itself. */
export async function temporaryHardLink(folder: FileHandle, from: FileHandle, of: ByteName): Promise<Temporary> {
  const name = temporaryName();
  await link(within(from, of), within(folder, name));
  return { folder, name };
}

/** Gives it its name, in place of what has it now; a symlink there is replaced, not followed. */
export async function place(temporary: Temporary, folder: FileHandle, name: ByteName): Promise<void> {
  await rename(within(temporary.folder, temporary.name), within(folder, name));
}

/** Removes it, if it is still there. */
export async function discard({ folder, name }: Temporary): Promise<void> {
  await unlink(within(folder, name)).catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOENT') throw error;
  });
}
