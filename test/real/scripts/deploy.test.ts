import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { atMost } from '../../support/patience.ts';
import { nodeEnvironment } from '../../support/run/node-environment.ts';

const PROJECT = path.join(import.meta.dirname, '..', '..', '..');
/** Of the bundle, compressed: the least that any plan of Cloudflare's ever took, and a fifth of that is used. */
const MOST_KIB = 3 * 1024;

let folder: string;
beforeAll(async () => (folder = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-deploy-'))));
afterAll(async () => await rm(folder, { recursive: true, force: true }));

/** `npm run deploy -- --dry-run`: without an account, and where nothing but this machine can be reached. */
async function dryRun(...args: string[]): Promise<{ code: number; out: string }> {
  const nowhere = 'http://127.0.0.1:9';
  const env = { ...nodeEnvironment(), HOME: folder, CI: 'true', HTTPS_PROXY: nowhere, HTTP_PROXY: nowhere };
  const command = ['run', '--silent', 'deploy', '--', '--dry-run', ...args];
  try {
    const { stdout, stderr } = await promisify(execFile)('npm', command, { cwd: PROJECT, env });
    return { code: 0, out: stdout + stderr };
  } catch (error) {
    if (!(error instanceof Error && 'stdout' in error && 'stderr' in error && 'code' in error)) throw error;
    return { code: Number(error.code), out: `${String(error.stdout)}${String(error.stderr)}` };
  }
}

test(
  'a dry run says what a deployment needs, and has Wrangler take the Worker with all of its objects',
  async () => {
    const { code, out } = await dryRun('--domain', 'cc.example.org');
    expect(out).toMatch(/secret +JWT_SECRET, needed/);
    expect(out).toMatch(/setting +PUBLIC_URL = https:\/\/cc\.example\.org/);
    for (const name of ['SESSION', 'DIRECTORY', 'RUNNER_POOL', 'DISCORD', 'GATE'])
      expect(out).toContain(`env.${name} (`);
    const kib = Number(/gzip: ([\d.]+) KiB/.exec(out)?.[1]);
    expect(kib).toBeGreaterThan(100);
    expect(kib).toBeLessThan(MOST_KIB);
    expect(code).toBe(0);
  },
  atMost(60),
);

test('a class of objects without a migration is refused, and so is a migration that deletes', async () => {
  const file = path.join(folder, 'wrangler.toml');
  const toml = await readFile(path.join(PROJECT, 'wrangler.toml'), 'utf8');
  await writeFile(file, toml.replace('new_sqlite_classes = ["Gate"]', 'new_sqlite_classes = []'));
  expect(await dryRun('--config', file)).toMatchObject({
    code: 1,
    out: expect.stringMatching(/every class in durable_objects must be in new_sqlite_classes/),
  });
  await writeFile(
    file,
    `${toml}\n[[migrations]]\ntag = "v4"\nnew_sqlite_classes = []\ndeleted_classes = ["Session"]\n`,
  );
  expect(await dryRun('--config', file)).toMatchObject({ code: 1, out: expect.stringContaining('deleted_classes') });
});
