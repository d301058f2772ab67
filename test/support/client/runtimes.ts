import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import type { SessionEvent } from '../../../client/main.ts';
import { DENO } from '../../../start/deno/deno-binary.ts';
import { freePort } from '../net/free-port.ts';
import { nodeEnvironment } from '../run/node-environment.ts';
import { until } from '../until.ts';
import type { Page } from './page.ts';
import { readThrough, type ReadThrough } from './read-through.ts';

export type Reader = (options: ReadThrough) => Promise<SessionEvent[]>;

const HERE = import.meta.dirname;
const PROJECT = path.join(HERE, '..', '..', '..');
const run = promisify(execFile);
/** The binary itself: the package's `bin` is a program that starts it. */
const { default: WORKERD } = createRequire(import.meta.url)('workerd') as { default: string };

export const inNode: Reader = readThrough;

/** The sources, as they are. */
export const inDeno: Reader = async (options) => {
  const args = ['run', '--no-prompt', '--allow-net=127.0.0.1', '--allow-read=.', path.join(HERE, 'deno-reader.ts')];
  const { stdout } = await run(DENO, [...args, JSON.stringify(options)], {
    cwd: PROJECT,
    env: { ...nodeEnvironment(), DENO_NO_UPDATE_CHECK: '1' },
    maxBuffer: 64 * 1024 * 1024,
  });
  return JSON.parse(stdout) as SessionEvent[];
};

const workerdConfig = (port: number) => `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "reader", worker = (
      modules = [(name = "reader.js", esModule = embed "reader.js")],
      compatibilityDate = "2026-01-01",
    )),
    (name = "internet", network = (allow = ["local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "reader")],
);`;

/** In a Worker, in the runtime that Cloudflare has too. */
export const inWorkerd: Reader = async (options) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-worker-'));
  const port = await freePort('127.0.0.1');
  const entryPoints = [path.join(HERE, 'worker-reader.ts')];
  await build({
    entryPoints,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    outfile: path.join(folder, 'reader.js'),
  });
  await writeFile(path.join(folder, 'config.capnp'), workerdConfig(port));
  const workerd = spawn(WORKERD, ['serve', 'config.capnp'], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  try {
    await until(async () => await fetch(`http://127.0.0.1:${port}/`));
    const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: JSON.stringify(options) });
    return (await answer.json()) as SessionEvent[];
  } finally {
    const exited = once(workerd, 'exit');
    workerd.kill();
    await exited;
    await rm(folder, { recursive: true, force: true });
  }
};

export async function readInPage(page: Page, options: ReadThrough): Promise<SessionEvent[]> {
  return (await page.run('return await exports.readThrough(input)', options)) as SessionEvent[];
}
