import { existsSync } from 'node:fs';
import path from 'node:path';
import type { Git } from './git.ts';
import { lastLine, type LeftOutList } from './left-out.ts';

/** Submodules within submodules, at most. */
const MAX_DEPTH = 8;
/** Bytes of `.gitmodules` that are read: some thousand submodules. */
const LIST_BYTES = 1024 * 1024;

/** Where a repository is, and how it is called from the workspace: empty, or with a slash at its end. */
export interface Place {
  readonly cwd: string;
  readonly prefix: string;
}

/**
 * Fetches the submodules of what is checked out, and theirs. Those that cannot be fetched are left out.
 *
 * @returns the places of those that are there
 */
export async function fetchSubmodules(
  git: Git,
  place: Place,
  depth: number | undefined,
  leftOut: LeftOutList,
  level = 1,
): Promise<Place[]> {
  const { cwd, prefix } = place;
  if (!existsSync(path.join(cwd, '.gitmodules'))) return [];
  const names = await submodulePaths(git, cwd);
  if (names === null) {
    leftOut.add(`${prefix}.gitmodules`, 'git cannot read it, so no submodule was fetched');
    return [];
  }
  const shallow = depth === undefined ? [] : ['--depth', String(depth)];
  const update = ['submodule', 'update', '--init', ...shallow];
  // All at once first. One that fails ends this, and then each is tried alone. `--force`: what the first try has fetched and
  // not checked out, git would take for done.
  const all = await git.run([...update, '--jobs', '4'], { cwd });
  const found: Place[] = [];
  for (const name of names) {
    if (git.stopped) return found;
    const one = all.ok ? all : await git.run([...update, '--force', '--', name], { cwd });
    const inside: Place = { cwd: path.join(cwd, name), prefix: `${prefix}${name}/` };
    // Without a repository of its own, git would take the one around it for the submodule's.
    const there = one.ok && existsSync(path.join(inside.cwd, '.git'));
    if (!one.ok) leftOut.add(prefix + name, `submodule: ${lastLine(one.detail)}`);
    if (!there) continue;
    found.push(inside);
    if (level < MAX_DEPTH) found.push(...(await fetchSubmodules(git, inside, depth, leftOut, level + 1)));
    else if (existsSync(path.join(inside.cwd, '.gitmodules')))
      leftOut.add(inside.prefix, `submodules are fetched ${MAX_DEPTH} levels deep`);
  }
  return found;
}

/** The paths that `.gitmodules` names, within the repository; null: it cannot be read. */
async function submodulePaths(git: Git, cwd: string): Promise<string[] | null> {
  const args = ['config', '--null', '--file', '.gitmodules', '--get-regexp', String.raw`^submodule\..*\.path$`];
  const listed = await git.run(args, { cwd, keep: LIST_BYTES });
  // It ends with 1, and no words, when nothing is found.
  if (!listed.ok) return listed.detail === 'git ended with code 1.' ? [] : null;
  const values = listed.output.split('\0').flatMap((entry) => entry.split('\n').slice(1).join('\n') || []);
  return [...new Set(values)].filter((name) => !path.isAbsolute(name) && !name.split('/').includes('..'));
}
