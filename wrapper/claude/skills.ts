import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { WrapperLaunch } from '../../protocol/link/wrapper-launch.ts';

/**
 * Where Claude Code finds the skills that the session names, and no other of the image's: a folder for `--add-dir`, of whose `.claude/skills` it
 * makes use. It is made anew at each start, outside of all that is saved, so that a skill which is named no longer is gone. Null: it names none.
 */
export function skillsFolder({ config, scratch, offers }: WrapperLaunch): string | null {
  if (config.skills.length === 0) return null;
  const folder = join(scratch, 'skills');
  const within = join(folder, '.claude', 'skills');
  rmSync(folder, { recursive: true, force: true });
  // Copies: Claude Code counts the folder to what the agent may edit.
  for (const name of config.skills) {
    cpSync(join(offers?.skills ?? '', name), join(within, name), { recursive: true });
  }
  return folder;
}

/** Why the session cannot have the skills that it names, for its user; null: it can. */
export function skillsProblem({ config, offers }: WrapperLaunch): string | null {
  const there = offers !== undefined && existsSync(offers.skills) ? readdirSync(offers.skills).sort() : [];
  const missing = config.skills.filter((name) => !there.includes(name));
  if (missing.length === 0) return null;
  const others = there.length === 0 ? 'This image has none at all.' : `There are: ${there.join(', ')}.`;
  return `There is no skill ${missing.join(', ')}. ${others}`;
}
