import { execFile } from 'node:child_process';
import { copyFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { WRAPPER_FLAGS } from '../../../protocol/link/wrapper/wrapper-flags.ts';
import { WRAPPER_BUNDLE } from '../../../scripts/bundle.ts';
import { scratch } from '../../support/scratch.ts';

const run = promisify(execFile);
const start = async (...words: string[]) => await run(process.execPath, [...WRAPPER_FLAGS, ...words]);

test('the wrapper writes beside itself what V8 has compiled, runs by it, and without `fetch` and all that it needs', async () => {
  const folder = scratch();
  const bundle = path.join(folder, 'wrapper.mjs');
  await copyFile(WRAPPER_BUNDLE, bundle);
  const modules = path.join(folder, 'modules.cjs');
  await writeFile(
    modules,
    `const vm = require('vm');
     const { Script } = vm;
     let rejected;
     vm.Script = class extends Script { constructor(...given) { super(...given); rejected = this.cachedDataRejected; } };
     process.on('exit', () => console.log(JSON.stringify({ rejected, loaded: process.moduleLoadList })));`,
  );
  const first = await start('-r', modules, bundle, 'cache');
  expect(JSON.parse(first.stdout)).toMatchObject({ loaded: expect.arrayContaining(['NativeModule child_process']) });
  expect(JSON.parse(first.stdout).loaded).not.toContain('NativeModule internal/deps/undici/undici');
  expect(await readdir(folder)).toContainEqual(expect.stringMatching(/^wrapper\.mjs\.\w+-v\d.*\.cache$/));

  const second = await start('-r', modules, bundle).catch((error: { stdout: string; stderr: string }) => error);
  expect(second.stderr).toContain('usage');
  expect(JSON.parse(second.stdout)).toMatchObject({ rejected: false });
});
