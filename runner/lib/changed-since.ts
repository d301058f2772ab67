import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { utimes, writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';

/** The kernel's time stamps may lag behind the clock by a tick. A change this recent still counts, milliseconds. */
const LAG_MS = 1_000;

/** Sets the time of the file `stamp`: what changes after now counts as changed. */
export async function markUnchanged(stamp: string, now = Date.now()): Promise<void> {
  await writeFile(stamp, '', { mode: 0o600 });
  const at = new Date(now - LAG_MS);
  await utimes(stamp, at, at);
}

/**
 * Whether anything in the folders has changed since `stamp`. The answer is also yes when that cannot be found out.
 *
 * `find` looks at a hundred thousand files in a fraction of a second, and stops at the first changed one. It compares the
 * time of the inode's last change, which the agent cannot set.
 */
export async function changedSince(stamp: string, folders: readonly string[]): Promise<boolean> {
  const child = spawn('find', [...folders, '-cnewer', stamp, '-print', '-quit'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    const [found, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
    return found !== '' || code !== 0;
  } catch {
    // This machine has no `find`.
    return true;
  }
}
