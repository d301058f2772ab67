import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { developmentSecretFile, ensureSecret, findSecret } from '../../../../start/settings/secret.ts';

let parent: string;
let dataFolder: string;
beforeEach(async () => {
  parent = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-secret-'));
  dataFolder = path.join(parent, 'data');
});
afterEach(async () => await rm(parent, { recursive: true, force: true }));

const mode = async (file: string) => (await stat(file)).mode & 0o777;

test('JWT_SECRET is used as it is, and nothing is written', async () => {
  const settings = { jwtSecret: 's'.repeat(32), dataFolder };
  expect(ensureSecret(settings)).toEqual({ value: settings.jwtSecret, from: 'environment' });
  await expect(stat(dataFolder)).rejects.toThrow('ENOENT');
});

test('a development secret is made once, for its owner alone to read, and kept', async () => {
  const settings = { jwtSecret: undefined, dataFolder };
  const made = ensureSecret(settings);
  expect(made).toMatchObject({ from: 'development', value: expect.stringMatching(/^[\w-]{64}$/) });
  expect(await mode(developmentSecretFile(dataFolder))).toBe(0o600);
  expect(await mode(dataFolder)).toBe(0o700);
  expect(ensureSecret(settings)).toEqual(made);
  expect(findSecret(settings)).toEqual(made);
});

test('nothing but `npm start` makes a secret', async () => {
  expect(findSecret({ jwtSecret: undefined, dataFolder })).toEqual({ refused: expect.stringContaining('JWT_SECRET') });
  await expect(stat(dataFolder)).rejects.toThrow('ENOENT');
});

test('a damaged secret is refused, and left as it is', async () => {
  const settings = { jwtSecret: undefined, dataFolder };
  ensureSecret(settings);
  const file = developmentSecretFile(dataFolder);
  await writeFile(file, 'half');
  expect(ensureSecret(settings)).toEqual({ refused: expect.stringContaining('is damaged') });
  expect(await readFile(file, 'utf8')).toBe('half');
});
