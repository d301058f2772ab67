import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { SessionEvent } from '../../../client/main.ts';
import { DENO } from '../../../start/deno/deno-binary.ts';
import { nodeEnvironment } from '../run/node-environment.ts';
import type { Page } from './page.ts';
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

export async function readInPage(page: Page, options: ReadThrough): Promise<SessionEvent[]> {
  return (await page.run('return await exports.readThrough(input)', options)) as SessionEvent[];
}
