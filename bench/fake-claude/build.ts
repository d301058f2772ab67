import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import type Docker from 'dockerode';
import { buildContext } from '../../container/build/build-context.ts';
import { engineError } from '../../container/build/engine-stream.ts';
import type { Refused } from '../../start/lib/refused.ts';

const SOURCE = path.join(import.meta.dirname, 'fake-claude.c');
const FLAGS = '-static -Os -s -Wall -Wextra -Werror -D_GNU_SOURCE'.split(' ');

/**
 * Makes the stand-in for `claude` with which many sessions fit on one host: 1 to 2 MB in place of 200. It is static, so it runs in any
 * image.
 *
 * @param folder where it is put
 * @returns its path, as `CLAUDE_PATH` takes it
 */
export async function buildFakeClaude(folder: string): Promise<{ path: string } | Refused> {
  const program = path.join(folder, 'claude');
  try {
    await promisify(execFile)('gcc', [...FLAGS, SOURCE, '-o', program]);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      return { refused: 'there is no gcc: the fake claude is a program in C (Debian: apt-get install gcc libc6-dev)' };
    throw error;
  }
  return { path: program };
}

const TAG = 'cc-docker/bench-fake-claude:latest';

/**
 * A thin layer with the stand-in over the image for sessions. It is never the image of a service that people use.
 *
 * @param program as `buildFakeClaude` has made it; beside it is put what the build needs
 * @returns its name
 */
export async function fakeImage(docker: Docker, image: string, program: string): Promise<string> {
  const dockerfile = `${program}.Dockerfile`;
  await writeFile(dockerfile, `FROM ${image}\nCOPY claude /usr/local/bin/claude\n`);
  const context = buildContext([
    { name: 'Dockerfile', path: dockerfile, mode: 0o644 },
    { name: 'claude', path: program, mode: 0o755 },
  ]);
  const [answer] = await Promise.all([docker.buildImage(context.tar, { t: TAG }), context.done]);
  const failed = await engineError(answer);
  if (failed !== undefined) throw new Error(`the image with the fake claude was not built: ${failed}`);
  return TAG;
}
