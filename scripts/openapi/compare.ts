import { globSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { breakingChanges, type Document } from './compare/breaking.ts';

/**
 * Compares `docs/openapi.json` with the last release's. A change that breaks callers has to be in CHANGELOG.md, in the part that is not
 * released yet, as this prints it: `METHOD /path what` between backticks.
 */

const root = path.join(import.meta.dirname, '../..');
const read = async (name: string) => await readFile(path.join(root, name), 'utf8');

const released = globSync('test/fixtures/release-*/openapi.json', { cwd: root });
const [last] = released;
if (last === undefined || released.length > 1) throw new Error('there has to be the document of one release: the last');
const changes = breakingChanges(
  JSON.parse(await read(last)) as Document,
  JSON.parse(await read('docs/openapi.json')) as Document,
);
const [, unreleased = ''] = (await read('CHANGELOG.md')).split(/^## /m);
const named = unreleased.replaceAll(/\s+/g, ' ');
const silent = changes.filter((change) => !named.includes(`\`${change}\``));
if (silent.length > 0) {
  const lines = silent.map((change) => `  \`${change}\``).join('\n');
  console.error(
    `The API breaks callers of ${path.dirname(last)}. Undo it, or name it in CHANGELOG.md (Unreleased):\n${lines}`,
  );
  process.exitCode = 1;
}
