import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { utimes, writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';

/** The kernel's time stamps may lag behind the clock by a tick: what is this new counts as changed, milliseconds. */
const LAG_MS = 1_000;

/** Notes in `stamp` that what changes from now on is a change. */
export async function markUnchanged(stamp: string, now = Date.now()): Promise<void> {
  await writeFile(stamp, '', { mode: 0o600 });
  const at = new Date(now - LAG_MS);
  await utimes(stamp, at, at);
}

/**
 * Whether anything in the folders was changed since. `find`, because it looks at a hundred thousand files in a fraction of a
 * second and ends with the first; by the time that a file's inode changed, which the agent cannot set. In doubt it is.
 */
export async function changedSince(stamp: string, folders: readonly string[]): Promise<boolean> {
  const child = spawn('find', [...folders, '-cnewer', stamp, '-print', '-quit'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    const [found, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
    return found !== '' || code !== 0;
  } catch {
    // There is no `find` on this machine.
    return true;
  }
}
