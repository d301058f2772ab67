import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import manifest from '../../../package.json' with { type: 'json' };
import { PROJECT } from '../../../start/lib/project.ts';
import { nodeEnvironment } from '../../support/run/node-environment.ts';

/** What `npm pack` makes, installed: in `node_modules`, where Node runs no TypeScript. */

const run = promisify(execFile);

let folder: string;
const installed = (...names: string[]) => path.join(folder, 'node_modules', ...names);
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-package-'));
  const home = installed('cc-docker');
  await mkdir(path.join(home, 'cli'), { recursive: true });
  await run(process.execPath, [path.join(PROJECT, 'scripts', 'build-package.ts'), path.join(home, 'dist')], {
    env: nodeEnvironment(),
  });
  for (const name of ['package.json', path.join('cli', 'bin.mjs')])
    await cp(path.join(PROJECT, name), path.join(home, name));
  for (const name of Object.keys(manifest.dependencies)) {
    await mkdir(path.dirname(installed(name)), { recursive: true });
    await symlink(path.join(PROJECT, 'node_modules', name), installed(name));
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const node = async (...args: string[]) =>
  await run(process.execPath, args, { cwd: folder, env: { ...nodeEnvironment(), HOME: folder } }).then(
    ({ stdout, stderr }) => ({ code: 0, said: stdout + stderr }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, said: stdout + stderr }),
  );

test('the command runs, and says of what needs the sources that they are not there', async () => {
  const bin = installed('cc-docker', 'cli', 'bin.mjs');
  expect(await node(bin, '--version')).toEqual({ code: 0, said: `${manifest.version}\n` });
  expect(await node(bin, 'start')).toEqual({ code: 1, said: expect.stringContaining('Use the command of a clone') });
  expect(await node(bin, 'login')).toEqual({ code: 1, said: expect.stringContaining('wants a code') });
});

test('a program imports the client, with its types', async () => {
  await writeFile(
    path.join(folder, 'program.mjs'),
    `import { CcDocker } from 'cc-docker/client';
const cc = new CcDocker({ url: 'http://127.0.0.1:9', token: 'x', retries: 0 });
await cc.sessions.create().catch((error) => console.log(error.code));`,
  );
  expect(await node('program.mjs')).toEqual({ code: 0, said: 'unreachable\n' });
  await writeFile(
    path.join(folder, 'program.ts'),
    `import type { SessionEvent } from 'cc-docker/client';
export function f(event: SessionEvent): string {
  if (event.type === 'message.completed') return event.data.message_id;
  // @ts-expect-error -- it is a string
  return event.seq + 1;
}`,
  );
  const tsc = path.join(PROJECT, 'scripts', 'lint', 'node_modules', '.bin', 'tsc');
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--lib', 'es2024,dom'];
  await run(tsc, [...options, 'program.ts'], { cwd: folder });
});
