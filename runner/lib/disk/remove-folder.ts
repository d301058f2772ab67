import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstat } from 'node:fs/promises';
import { text } from 'node:stream/consumers';

/**
 * Removes an agent's folder or file with all that is in it. One that is missing is fine. Folders that the agent has closed to
 * writing (Go's module cache) or altogether are opened before: only a runner that is root needs no permission.
 *
 * It runs the programs `rm` and `chmod`, which descend from folder to folder and follow no link. Node's own `rm` works by path,
 * and an agent can nest folders deeper than the longest path: such files would stay for good. Nothing may run in the folder.
 *
 * @throws with the message of `rm` when something could not be removed
 */
export async function removeFolder(...folders: string[]): Promise<void> {
  if (folders.length === 0) return;
  const first = await run('rm', ['-rf', '--', ...folders]);
  if (first.code === 0) return;
  const left = await Promise.all(folders.map(isFolder));
  const locked = folders.filter((_, index) => left[index] === true);
  // What it cannot change, `rm` names.
  if (locked.length > 0) await run('chmod', ['-R', 'u+rwx', '--', ...locked]);
  const { code, errors } = await run('rm', ['-rf', '--', ...folders]);
  if (code !== 0) throw new Error(`not removed: ${errors.trim().slice(-1024) || `rm ended with code ${String(code)}`}`);
}

/** Of a link that it is given by name, `chmod` would change what the link leads to. */
async function isFolder(at: string): Promise<boolean> {
  try {
    return (await lstat(at)).isDirectory();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}

async function run(program: string, options: readonly string[]): Promise<{ code: unknown; errors: string }> {
  const child = spawn(program, options, { stdio: ['ignore', 'ignore', 'pipe'] });
  const [errors, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  return { code, errors };
}
