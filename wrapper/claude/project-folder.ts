import { existsSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { WrapperLaunch } from '../../protocol/link/wrapper/wrapper-launch.ts';

/**
 * Renames the project folder of a resumed or forked conversation after the present working directory. Claude Code finds a
 * transcript by its id in any project folder, but `memory/` only in the folder with that name. On the process backend each
 * session has a working directory of its own, so a fork, or a session from another runner, brings a folder with another name.
 */
export function nameProjectFolder({
  resume,
  session_id,
  conversation_id = session_id,
  fork_of,
  cwd,
  env,
}: WrapperLaunch): void {
  const id = resume ? conversation_id : fork_of;
  const config = env['CLAUDE_CONFIG_DIR'];
  if (id === undefined || config === undefined) return;
  const projects = join(config, 'projects');
  const wanted = join(projects, cwd.replaceAll(/[^A-Za-z0-9]/g, '-'));
  if (!existsSync(projects) || existsSync(wanted)) return;
  const found = readdirSync(projects).find((name) => existsSync(join(projects, name, `${id}.jsonl`)));
  if (found !== undefined) renameSync(join(projects, found), wanted);
}
