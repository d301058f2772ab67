import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { PROJECT } from '../../../start/lib/project.ts';
import type { Programs } from '../../real/start/support/parts.ts';
import { unpackFolder } from './archive.ts';
import { FIXTURES } from './fixture.ts';

/** The programs of the last release, in a folder below the project, whose packages its runner imports. */
export async function unpackLastRelease(): Promise<{ programs: Programs; remove(this: void): Promise<void> }> {
  const folder = await mkdtemp(path.join(PROJECT, 'build', 'last-release-'));
  const programs = path.join(folder, 'programs');
  await unpackFolder(path.join(FIXTURES, 'release-0.1', 'programs.tar.zst'), programs);
  // Its runner reads the profile from here. The release's own was the same.
  await mkdir(path.join(folder, 'container'));
  await copyFile(path.join(PROJECT, 'container', 'seccomp.json'), path.join(folder, 'container', 'seccomp.json'));
  return {
    programs: {
      worker: path.join(programs, 'worker.mjs'),
      wrangler: path.join(programs, 'wrangler.toml'),
      runner: path.join(programs, 'runner', 'main.ts'),
      wrapper: path.join(programs, 'wrapper.mjs'),
    },
    remove: async () => await rm(folder, { recursive: true, force: true }),
  };
}
