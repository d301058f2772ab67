import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { PROJECT } from '../../../start/lib/project.ts';
import { scratch } from '../../support/scratch.ts';

const run = promisify(execFile);

/** A module that says, when its process ends, whether that has loaded Node's compiler of TypeScript. */
const SAYS =
  'data:text/javascript,process.on("exit",()=>console.log(process.moduleLoadList.some((m)=>m.includes("amaro"))?"compiled":"read"))';

test('the first start of the service compiles in processes that end, and so takes no more memory than the next', async () => {
  const env = { PATH: process.env['PATH'], NODE_COMPILE_CACHE: scratch() };
  const how = async (preload: string[], program: string[]) => {
    const imports = ['check-node.mjs', ...preload].flatMap((name) => ['--import', `./scripts/${name}`]);
    const words = [...imports, '--import', SAYS, ...program];
    const { stdout } = await run(process.execPath, words, { cwd: PROJECT, env }).catch(
      (error: { stdout: string }) => error,
    );
    return stdout.trim().split('\n').at(-1);
  };
  expect(await how(['warm-cache.mjs'], ['start/main.ts', '--version'])).toBe('read');
  // Without settings it ends with exit code 1.
  expect(await how([], ['runner/main.ts'])).toBe('read');
  expect(await how([], ['--import', './start/lib/outlive-reader.ts', 'wrapper/tools/tool-list.ts'])).toBe('read');
});
