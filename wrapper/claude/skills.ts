import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { WrapperLaunch } from '../../protocol/link/wrapper/wrapper-launch.ts';

/**
 * Makes the folder with the skills that the session names, and no other skill of the image: Claude Code reads `.claude/skills`
 * in it by `--add-dir`. Each start makes it anew, outside of what snapshots save, so that a skill that is no longer named is
 * gone. Null: the session names no skill.
 */
export function skillsFolder({ config, scratch, offers }: WrapperLaunch): string | null {
  if (config.skills.length === 0) return null;
  const folder = join(scratch, 'skills');
  const within = join(folder, '.claude', 'skills');
  rmSync(folder, { recursive: true, force: true });
  // Copies, because Claude Code lets the agent edit this folder.
  for (const name of config.skills) {
    cpSync(join(offers?.skills ?? '', name), join(within, name), { recursive: true });
  }
  return folder;
}

/** A sentence for the user: which skills of the session the image lacks. Null: it has them all. */
export function skillsProblem({ config, offers }: WrapperLaunch): string | null {
  const there = offers !== undefined && existsSync(offers.skills) ? readdirSync(offers.skills).sort() : [];
  const missing = config.skills.filter((name) => !there.includes(name));
  if (missing.length === 0) return null;
  const others = there.length === 0 ? 'This image has none at all.' : `There are: ${there.join(', ')}.`;
  return `There is no skill ${missing.join(', ')}. ${others}`;
}
