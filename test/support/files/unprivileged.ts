import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, constants, copyFileSync, lstatSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { z } from 'zod';
import { filesRefusal } from '../../../protocol/api/files/files.ts';
import type { TreeRequest } from '../../../runner/files/answer-request.ts';
import { scratch } from '../scratch.ts';

const UID = 1001;
const did = z.object({
  answers: z.array(z.object({ refusal: filesRefusal.optional(), body: z.string() })),
});
const by = z.object({ uid: z.int() });

/** Does this as a runner that is not root. */
export async function asUnprivileged(
  folder: string,
  plan: { workspace: string; requests?: TreeRequest[]; remove?: string[] },
) {
  const { answers } = did.parse(
    await runUnprivileged(folder, 'unprivileged-child.ts', { requests: [], remove: [], ...plan }),
  );
  return answers.map(({ refusal, body }) => ({ refusal, bytes: Buffer.from(body, 'base64') }));
}

/**
 * Runs a program of this folder as a user who is not root, and owns all that is in `folder`: as user 1001 where the test is root,
 * else as the test's own. It runs copies that this user can reach wherever the project lies.
 *
 * @returns what it wrote, which is JSON
 */
export async function runUnprivileged(
  folder: string,
  program: string,
  plan: object,
  searchPath = process.env['PATH'] ?? '/usr/bin:/bin',
): Promise<unknown> {
  const isRoot = process.getuid?.() === 0;
  const programs = scratch();
  const [node, child] = [path.join(programs, 'node'), path.join(programs, 'child.mjs')];
  await build({
    entryPoints: [path.join(import.meta.dirname, program)],
    outfile: child,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
  });
  copyFileSync(process.execPath, node, constants.COPYFILE_FICLONE);
  chmodSync(programs, 0o755);
  if (isRoot) own(folder);
  const { stdout, stderr, status } = spawnSync(node, [child], {
    input: JSON.stringify(plan),
    cwd: '/',
    env: { PATH: searchPath },
    maxBuffer: 64 * 1024 * 1024,
    ...(isRoot && { uid: UID, gid: UID }),
  });
  if (status !== 0) throw new Error(stderr.toString());
  const answer: unknown = JSON.parse(stdout.toString());
  if (by.parse(answer).uid === 0) throw new Error('it was root');
  return answer;
}

/** Gives it to the user, links themselves and not what they point to excepted. */
function own(at: string): void {
  const status = lstatSync(at);
  if (status.isSymbolicLink()) return;
  chownSync(at, UID, UID);
  if (status.isDirectory()) for (const name of readdirSync(at)) own(path.join(at, name));
}
