import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { installPackages, type Installed } from '../../../../container/build/install-packages.ts';

const LOCK = {
  lockfileVersion: 3,
  packages: {
    '': { name: 'servers' },
    'node_modules/server': { version: '1.0.0', integrity: 'sha512-server' },
    'node_modules/driver': { version: '1.0.0', integrity: 'sha512-driver', optional: true },
  },
};

let folder: string;
let progress: string[];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'install-packages-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  progress = [];
  writeFileSync(path.join(folder, 'package.json'), '{}');
  lock(LOCK);
});

const lock = (content: object) => writeFileSync(path.join(folder, 'package-lock.json'), JSON.stringify(content));
const names = () => readdirSync(folder).filter((name) => !/^(package(-lock)?\.json|npm|calls)$/.test(name));
const calls = () => readFileSync(path.join(folder, 'calls'), 'utf8').trim().split('\n');

/** A stand-in for npm: notes that it was called, then runs this. */
function npm(script: string): string {
  const file = path.join(folder, 'npm');
  writeFileSync(file, `#!/bin/sh\necho "$*" >> '${folder}/calls'\n${script}\n`, { mode: 0o755 });
  return file;
}

/** Installs what the lock file in its folder says, and keeps npm's record of it. */
const INSTALLS = `mkdir -p node_modules/server && echo whole > node_modules/server/index.js
  sed 's/,"node_modules.driver":{[^}]*}//; s/"":{[^}]*},//' package-lock.json > node_modules/.package-lock.json`;

const install = async (script: string, signal?: AbortSignal): Promise<Installed> =>
  await installPackages({
    folder,
    what: 'the servers',
    onProgress: (line) => progress.push(line),
    npm: npm(script),
    ...(signal && { signal }),
  });

test('what is missing is installed by the lock file, without scripts and optional packages, and is said; what is there is left alone', async () => {
  expect(await install(INSTALLS)).toEqual({ ok: true });
  expect(calls()).toEqual([expect.stringMatching(/^ci --ignore-scripts --omit=optional /)]);
  expect(progress).toEqual([expect.stringMatching(/^installing the servers: npm ci --prefix \S+install-packages-/)]);
  expect(names()).toEqual(['node_modules']);
  expect(await install(INSTALLS)).toEqual({ ok: true });
  expect(calls()).toHaveLength(1);
  expect(progress).toHaveLength(1);
});

test('optional packages are installed where they are asked for', async () => {
  const request = { folder, what: 'the tools', optional: true, npm: npm(INSTALLS), onProgress: () => {} };
  expect(await installPackages(request)).toEqual({ ok: true });
  expect(calls()).toEqual([expect.stringMatching(/^ci --ignore-scripts --no-audit /)]);
});

test('packages of another lock file are replaced', async () => {
  await install(INSTALLS);
  lock({ ...LOCK, packages: { ...LOCK.packages, 'node_modules/server': { integrity: 'sha512-newer' } } });
  expect(await install(INSTALLS)).toEqual({ ok: true });
  expect(calls()).toHaveLength(2);
});

test('half an install, of npm’s own or of a process that was killed, is no install, and goes', async () => {
  mkdirSync(path.join(folder, 'node_modules/server'), { recursive: true });
  // No process has a number as high.
  mkdirSync(path.join(folder, '.install-99999999-abc/node_modules'), { recursive: true });
  expect(await install(INSTALLS)).toEqual({ ok: true });
  expect(names()).toEqual(['node_modules']);
  expect(readFileSync(path.join(folder, 'node_modules/server/index.js'), 'utf8')).toBe('whole\n');
});

test('when npm fails, why and what to run is said in one line, and nothing is left behind', async () => {
  const result = await install(`mkdir -p node_modules/server
    echo 'npm error code ENOTFOUND' >&2
    echo 'npm error network request to https://npm.test/server failed, reason: getaddrinfo ENOTFOUND' >&2
    echo 'npm error A complete log of this run can be found in: /root' >&2
    exit 1`);
  expect(result).toEqual({
    ok: false,
    detail: expect.stringMatching(
      /^npm ci failed with exit code 1: network request to \S+ failed, reason: .*ENOTFOUND\. To try again: npm ci --prefix \S+ --ignore-scripts --omit=optional$/,
    ),
  });
  expect(names()).toEqual([]);
});

test('no npm at all is said', async () => {
  const request = { folder, what: 'the servers', onProgress: () => undefined, npm: path.join(folder, 'no-npm') };
  expect(await installPackages(request)).toMatchObject({
    ok: false,
    detail: expect.stringMatching(/no-npm could not be run: .*ENOENT/),
  });
});

test('many at once end with one whole install, and each is told so', async () => {
  const results = await Promise.all(Array.from({ length: 20 }, async () => await install(INSTALLS)));
  expect(results).toEqual(results.map(() => ({ ok: true })));
  expect(names()).toEqual(['node_modules']);
});

test('a stop ends npm, and leaves nothing behind', async () => {
  const stop = new AbortController();
  const installing = install('touch ../begun; exec sleep 60', stop.signal);
  await expect.poll(() => existsSync(path.join(folder, 'begun'))).toBe(true);
  stop.abort(new Error('stopped'));
  await expect(installing).rejects.toThrow('stopped');
  rmSync(path.join(folder, 'begun'));
  expect(names()).toEqual([]);
});
