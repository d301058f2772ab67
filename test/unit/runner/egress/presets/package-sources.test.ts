import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { packageSources, type Run } from '../../../../../runner/egress/presets/package-sources.ts';
import { createLog } from '../../../../../runner/lib/log.ts';

const log = createLog('silent');

/** Programs and what they print; any other is not installed. */
function machine(outputs: Record<string, string>): Run {
  return async (program, args) =>
    await Promise.resolve(outputs[[program, ...args.slice(0, 3)].join(' ')] ?? outputs[program]);
}

test('each package manager’s own registries become rules, and the container’s are sent to the same', async () => {
  const run = machine({
    npm: '{"registry": "https://npm.example.test/", "@ours:registry": "https://ours.example.test:8443/npm/", "other": 1}',
    'python3 -m pip config':
      ":env:.cert='/x'\nglobal.index-url='https://old.example.test/simple'\ninstall.index-url='https://pip.example.test/simple'\nglobal.extra-index-url='https://extra.example.test/simple\\nfile:///opt/x'\n",
    'apt-get': 'http://apt.example.test/debian/\nhttp://apt.example.test/debian/\nfile:/srv/x\n',
    go: 'https://go.example.test,direct\nsum.example.test\n',
  });
  const found = await packageSources(log, { HOME: '/nonexistent' }, run);
  expect(found.rules.map(({ text }) => text)).toEqual([
    'npm.example.test',
    'ours.example.test:8443',
    'pip.example.test',
    'extra.example.test',
    'apt.example.test',
    'go.example.test',
    'sum.example.test',
  ]);
  expect(found.env).toEqual({
    npm_config_registry: 'https://npm.example.test/',
    PIP_INDEX_URL: 'https://pip.example.test/simple',
    PIP_EXTRA_INDEX_URL: 'https://extra.example.test/simple',
    GOPROXY: 'https://go.example.test',
    GOSUMDB: 'sum.example.test',
  });
});

test('pip without a configured index is asked for its own, and for where that has its files', async () => {
  const run = machine({
    'python3 -m pip config': '',
    python3: 'https://index.example.test/simple\nhttps://files.example.test/\n',
  });
  const found = await packageSources(log, { HOME: '/nonexistent' }, run);
  expect(found.rules.map(({ text }) => text)).toEqual(['index.example.test', 'files.example.test']);
  expect(found.env).toEqual({ PIP_INDEX_URL: 'https://index.example.test/simple' });
});

test('a registry’s password does not go into the container', async () => {
  const run = machine({
    npm: '{"registry": "https://user:canary@npm.example.test/x/"}',
    'python3 -m pip config': "global.index-url='https://user:canary@pip.example.test/simple'\n",
    go: 'https://user:canary@go.example.test\noff\n',
  });
  const found = await packageSources(log, { HOME: '/nonexistent' }, run);
  expect(JSON.stringify(found)).not.toContain('canary');
  expect(found.env['npm_config_registry']).toBe('https://npm.example.test/x/');
});

test('Cargo’s file is read', async () => {
  const home = await mkdtemp(path.join(os.tmpdir(), 'cargo-'));
  onTestFinished(() => rm(home, { recursive: true }));
  await mkdir(path.join(home, '.cargo'));
  await writeFile(
    path.join(home, '.cargo', 'config.toml'),
    '[source.crates-io]\nreplace-with = "m"\n[source.m]\nregistry = "sparse+https://cargo.example.test/index/"\n[registries.ours]\nindex = "https://ours.example.test/git"\n',
  );
  const found = await packageSources(log, { HOME: home }, machine({}));
  expect(found.rules.map(({ text }) => text)).toEqual(['cargo.example.test', 'ours.example.test']);
});

test('a machine without package managers has none, and what prints nonsense counts as none', async () => {
  const env = { HOME: '/nonexistent' };
  expect(await packageSources(log, env, machine({}))).toEqual({ rules: [], env: {} });
  const nonsense = machine({ npm: 'oops', python3: '\0\0', 'apt-get': '???', go: 'x' });
  expect(await packageSources(log, env, nonsense)).toEqual({ rules: [], env: {} });
});
