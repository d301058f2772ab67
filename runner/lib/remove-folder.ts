import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

/**
 * Removes a folder of an agent's, or a file, if it is there, with all that is in it. `rm`, because it goes from folder to
 * folder: Node's own `rm` goes by path, and an agent can nest folders deeper than a path may be long, which would keep its files for good.
 *
 * @throws with rm's own words when something stays
 */
export async function removeFolder(...folders: string[]): Promise<void> {
  if (folders.length === 0) return;
  const child = spawn('rm', ['-rf', '--', ...folders], { stdio: ['ignore', 'ignore', 'pipe'] });
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  if (code !== 0) throw new Error(`not removed: ${said.trim().slice(-1024) || `rm ended with code ${code}`}`);
}
