import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { installPackages } from '../../container/build/install-packages.ts';
import { typesSource } from './source.ts';

/** Has the generator, with a lock of its own. Only who changes the API installs it. */
const FOLDER = import.meta.dirname;
const GENERATED = path.join(FOLDER, '..', '..', 'client', 'generated', 'openapi.ts');

const hash = (content: string) => createHash('sha256').update(content).digest('hex').slice(0, 32);

/** The first line: what the types were made from, and what they are. So it shows without the generator whether they are current. */
const headOf = (source: string, types: string) =>
  `// Made by \`npm run client-types\`, of ${hash(source)}, is ${hash(types)}: do not edit.\n`;

async function generate(source: string): Promise<string> {
  const installed = await installPackages({ folder: FOLDER, what: 'the generator', onProgress: console.log });
  if (!installed.ok) throw new Error(installed.detail);
  // A field with a default may be left out of a request.
  const generator = spawn(path.join(FOLDER, 'node_modules/.bin/openapi-typescript'), ['--default-non-nullable=false'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  generator.stdin.end(source);
  const [types, [code]] = await Promise.all([text(generator.stdout), once(generator, 'close')]);
  if (code !== 0 || !types.includes('export interface paths')) throw new Error(`openapi-typescript ended with ${code}`);
  return types;
}

const source = JSON.stringify(await typesSource());
if (process.argv.includes('--check')) {
  const [head = '', ...lines] = (await readFile(GENERATED, 'utf8')).split('\n');
  if (`${head}\n` !== headOf(source, lines.join('\n'))) {
    console.error('client/generated/openapi.ts is not what the API is now. To make it anew: npm run client-types');
    process.exitCode = 1;
  }
} else {
  const types = await generate(source);
  await writeFile(GENERATED, headOf(source, types) + types);
}
