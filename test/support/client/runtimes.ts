import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import type { SessionEvent } from '../../../client/main.ts';
import { DENO } from '../../../start/deno/deno-binary.ts';
import { nodeEnvironment } from '../run/node-environment.ts';
import type { Chromium } from './chromium.ts';
import { readThrough, type ReadThrough } from './read-through.ts';

export type Reader = (options: ReadThrough) => Promise<SessionEvent[]>;

const HERE = import.meta.dirname;
const PROJECT = path.join(HERE, '..', '..', '..');
const run = promisify(execFile);

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

/** One module for a page, as a bundler makes it. */
export async function browserBundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [path.join(HERE, 'read-through.ts')],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
  });
  return outputFiles[0]?.text ?? '';
}

/** In a page of another origin than the service's, which has the client in a bundle. */
export async function readInPage(page: Chromium, options: ReadThrough): Promise<SessionEvent[]> {
  const code = `import('/client.js').then(({ readThrough }) => readThrough(${JSON.stringify(options)}))`;
  return (await page.evaluate(code)) as SessionEvent[];
}
