import { existsSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { WrapperLaunch } from '../../protocol/link/wrapper-launch.ts';

/**
 * Claude Code finds a transcript by its id in whatever project folder it lies; but `memory/` only in the one that is named
 * after its working directory, which is another one where sessions are plain processes and this one comes from elsewhere. So
 * that folder gets its name.
 */
export function nameProjectFolder({ resume, session_id, fork_of, cwd, env }: WrapperLaunch): void {
  const id = resume ? session_id : fork_of;
  const config = env['CLAUDE_CONFIG_DIR'];
  if (id === undefined || config === undefined) return;
  const projects = join(config, 'projects');
  const wanted = join(projects, cwd.replaceAll(/[^A-Za-z0-9]/g, '-'));
  if (!existsSync(projects) || existsSync(wanted)) return;
  const found = readdirSync(projects).find((name) => existsSync(join(projects, name, `${id}.jsonl`)));
  if (found !== undefined) renameSync(join(projects, found), wanted);
}
