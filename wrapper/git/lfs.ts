import type { Git, GitResult } from './git.ts';
import { lastLine, type LeftOutList } from './left-out.ts';
import type { Place } from './submodules.ts';

/** Bytes of a list of files that are read: some ten thousand names. */
const LIST_BYTES = 4 * 1024 * 1024;
const MISSING = 'Git LFS: git-lfs is not there to fetch it, so the file is a pointer';

/** Fetches the files that Git LFS keeps elsewhere. Those that cannot be fetched stay pointers, and are left out. */
export async function fetchLfs(git: Git, { cwd, prefix }: Place, leftOut: LeftOutList): Promise<void> {
  const kept = await git.run(['ls-files', '-z', '--', ':(attr:filter=lfs)'], { cwd, keep: LIST_BYTES });
  const names = kept.ok ? kept.output.split('\0').filter((name) => name !== '') : [];
  if (names.length === 0) return;
  const version = await git.run(['lfs', 'version'], { cwd });
  if (!version.ok) return names.forEach((name) => leftOut.add(prefix + name, MISSING));
  const filter = await git.run(['config', '--get', 'filter.lfs.process'], { cwd });
  // Without the filter, git would take each file that was fetched for one that was changed.
  if (!filter.ok) await git.run(['lfs', 'install', '--local'], { cwd });
  const pulled = await git.run(['lfs', 'pull'], { cwd, env: { GIT_LFS_SKIP_SMUDGE: '0' } });
  const left = pointersOf(await git.run(['lfs', 'ls-files'], { cwd, keep: LIST_BYTES }));
  const why = pulled.ok ? 'it was not fetched' : lastLine(pulled.detail);
  for (const name of left) leftOut.add(prefix + name, `Git LFS: ${why}`);
}

/** Of each file, `git lfs ls-files` says `0123abcdef * name`, with `-` in place of `*` if it is a pointer. */
function pointersOf(listed: GitResult): string[] {
  if (!listed.ok) return [];
  return listed.output.split('\n').flatMap((line) => /^[0-9a-f]+ - (.+)$/.exec(line)?.[1] ?? []);
}
