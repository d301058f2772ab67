import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isRefused } from '../../../../start/lib/refused.ts';
import { parseSettings } from '../../../../start/settings/settings.ts';
import { withSharedEnvironments } from '../../../../start/settings/shared-environments.ts';

let data = '';
beforeEach(() => {
  data = mkdtempSync(path.join(tmpdir(), 'shared-environments-'));
  mkdirSync(path.join(data, 'environments'));
});
afterEach(() => rmSync(data, { recursive: true }));

const write = (file: string, text: string) => writeFileSync(path.join(data, 'environments', file), text);

function read(env: Record<string, string> = {}) {
  const all = { ...env, CC_DOCKER_DATA: data };
  const settings = parseSettings(all);
  if (isRefused(settings)) return settings;
  const shared = withSharedEnvironments(settings, all);
  return isRefused(shared) ? shared : JSON.parse(shared.edgeVars['ENVIRONMENTS'] ?? 'null');
}

it('shares what the folder has: JSON, a script, or both; and what the variable or its file names', () => {
  expect(read()).toBeNull();
  write('python.json', JSON.stringify({ image: 'python:3.13', network: { presets: ['packages'] } }));
  write('python.sh', 'pip install ruff\n');
  write('rust.sh', 'apt-get install -y cargo\n');
  write('notes.txt', 'of no use');
  const folder = {
    python: { image: 'python:3.13', network: { allow: [], presets: ['packages'] }, setup: 'pip install ruff\n' },
    rust: { setup: 'apt-get install -y cargo\n' },
  };
  expect(read()).toEqual(folder);
  expect(read({ ENVIRONMENTS: '{"web": {"setup": "true"}}' })).toEqual({ ...folder, web: { setup: 'true' } });
  const file = path.join(data, 'more.json');
  writeFileSync(file, '{"more": {"env": {"A": "1"}}, "rust": {"setup": "other"}}');
  expect(read({ ENVIRONMENTS_FILE: file })).toEqual({ ...folder, more: { env: { A: '1' } } });
});

it.each([
  ['a.json', 'not JSON', 'a.json is not JSON'],
  ['a.json', '{"setup": 7}', 'a.json: setup '],
  ['a.json', '{"image": "--help"}', 'a.json: image must be the name of an image'],
  ['Upper.sh', 'true', 'Upper.sh: must be 1 to 64 small letters'],
  ['devcontainer.sh', 'true', 'is the name of what a repository describes itself'],
  ['long.sh', 'x'.repeat(70_000), 'long.sh: '],
])('refuses %s with %.20s, and says which file', (file, text, says) => {
  write(file, text);
  expect(read()).toEqual({ refused: expect.stringContaining(says) });
});

it('refuses a script beside a setup, and more than one variable can hold', () => {
  write('a.json', '{"setup": "true"}');
  write('a.sh', 'true');
  expect(read()).toEqual({ refused: expect.stringContaining('only one of both') });
  rmSync(path.join(data, 'environments', 'a.json'));
  write('a.sh', '#'.repeat(65_000));
  write('b.sh', '#'.repeat(65_000));
  expect(read()).toEqual({ refused: expect.stringContaining('Move long scripts into an image') });
});
