import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { removeFolder } from '../../lib/disk/remove-folder.ts';
import type { SessionFolders } from '../../lib/session-folders.ts';

/** What a snapshot is taken of, and the cache of it. */
export interface SnapshotSource {
  workspace: string;
  conversation: string;
  cache: string;
}

/** A file whose time is the start of the last snapshot. */
export const stampFile = (folders: SessionFolders) => path.join(folders.root, 'saved.stamp');
export const cacheFolder = (folders: SessionFolders) => path.join(folders.root, 'cache');

export const ownSource = (folders: SessionFolders): SnapshotSource => ({
  workspace: folders.workspace,
  conversation: folders.claude,
  cache: cacheFolder(folders),
});

/** The copy of a workspace as it was when its repository had been cloned. */
export function startCopy(folders: SessionFolders): SnapshotSource & { root: string } {
  const root = path.join(folders.root, 'start');
  const within = (name: string) => path.join(root, name);
  return { root, workspace: within('workspace'), conversation: within('conversation'), cache: within('cache') };
}

/** Makes that copy. @throws when it cannot be made */
export async function makeStartCopy(folders: SessionFolders): Promise<void> {
  const copy = startCopy(folders);
  await removeFolder(copy.root);
  await mkdir(copy.conversation, { recursive: true, mode: 0o700 });
  await copyTree(folders.workspace, copy.workspace);
}

export async function removeStartCopy(folders: SessionFolders): Promise<void> {
  await removeFolder(startCopy(folders).root);
}

/** `cp` follows no link, keeps all that a snapshot keeps, and copies no bytes where the file system can share them. */
async function copyTree(from: string, to: string): Promise<void> {
  const child = spawn('cp', ['-a', '--reflink=auto', '--', from, to], { stdio: ['ignore', 'ignore', 'pipe'] });
  const [errors, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  if (code !== 0) throw new Error(errors.trim().slice(-1024) || `cp ended with code ${code}`);
}
