import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/**
 * Removes an agent's folder or file with all that is in it. One that is missing is fine.
 *
 * It runs the program `rm`, which descends from folder to folder. Node's own `rm` works by path, and an agent can nest
 * folders deeper than the longest path: such files would stay for good.
 *
 * @throws with the message of `rm` when something could not be removed
 */
export async function removeFolder(...folders: string[]): Promise<void> {
  if (folders.length === 0) return;
  const child = spawn('rm', ['-rf', '--', ...folders], { stdio: ['ignore', 'ignore', 'pipe'] });
  const [errors, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  if (code !== 0) throw new Error(`not removed: ${errors.trim().slice(-1024) || `rm ended with code ${code}`}`);
}
