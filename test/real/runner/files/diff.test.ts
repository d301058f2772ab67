import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { changeList } from '../../../../protocol/api/files/files.ts';
import type { StartTree } from '../../../../runner/files/diff/start-tree.ts';
import { StorageUnavailable } from '../../../../runner/storage/object-store.ts';
import { scratch } from '../../../support/scratch.ts';
import { START_ID, startOf } from '../../../support/files/memory-start.ts';
import { ask, openFiles, surroundings } from '../../../support/files/scene.ts';
import { generatedRuns } from '../../../support/run/generated-runs.ts';
import { atMost } from '../../../support/patience.ts';

const changesOf = async (workspace: string, start: StartTree | null) =>
  changeList.parse(JSON.parse((await ask(workspace, { op: 'diff', format: 'json' }, { start })).bytes.toString()));
const patchOf = async (workspace: string, start: StartTree | null) =>
  (await ask(workspace, { op: 'diff', format: 'patch' }, { start })).bytes;

/** What git keeps of a tree: names, content, targets, "may be executed"; no folders of their own. */
function gitView(folder: string, prefix = Buffer.alloc(0)): [string, string, string][] {
  const at = Buffer.concat([Buffer.from(`${folder}/`), prefix]);
  return readdirSync(at, { encoding: 'buffer' })
    .sort((left, right) => left.compare(right))
    .flatMap((name): [string, string, string][] => {
      const entry = Buffer.concat([at, name]);
      const shown = Buffer.concat([prefix, name]).toString('latin1');
      const stats = lstatSync(entry);
      if (stats.isDirectory()) return gitView(folder, Buffer.concat([prefix, name, Buffer.from('/')]));
      if (stats.isSymbolicLink()) return [[shown, 'link', readlinkSync(entry, 'latin1')]];
      return [[shown, stats.mode & 0o100 ? 'program' : 'file', readFileSync(entry, 'latin1')]];
    });
}

function apply(folder: string, patch: Buffer, ...options: string[]): void {
  if (patch.length === 0) return;
  const env = {
    PATH: process.env['PATH'],
    HOME: folder,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CEILING_DIRECTORIES: path.dirname(folder),
  };
  execFileSync('git', ['apply', '--allow-empty', '--whitespace=nowarn', ...options], {
    cwd: folder,
    input: patch,
    env,
  });
}

/** The workspace before, and the same changed by `change`: the patch makes the one out of the other, and back. */
async function patchHolds(before: (at: string) => void, change: (at: string) => void): Promise<string> {
  const { workspace } = surroundings();
  before(workspace);
  const copy = scratch();
  cpSync(workspace, copy, { recursive: true, verbatimSymlinks: true });
  const [start, was] = [startOf(workspace), gitView(workspace)];
  change(workspace);
  const patch = await patchOf(workspace, start);
  apply(copy, patch);
  expect(gitView(copy)).toEqual(gitView(workspace));
  apply(copy, patch, '--reverse');
  expect(gitView(copy)).toEqual(was);
  return patch.toString('latin1');
}

test('the list says what was added, modified and deleted, with sizes and modes', async () => {
  const { workspace } = surroundings();
  const at = (name: string) => path.join(workspace, name);
  for (const name of ['same', 'edited', 'forged', 'gone', 'mode']) writeFileSync(at(name), `content of ${name}`);
  mkdirSync(at('folder/inner'), { recursive: true });
  mkdirSync(at('was a folder'));
  symlinkSync('a', at('link'));
  mkdirSync(at('.git'));
  const start = startOf(workspace);
  const { atime, mtime } = lstatSync(at('forged'));
  writeFileSync(at('edited'), 'longer than it was, by far');
  writeFileSync(at('forged'), 'CONTENT OF FORGED');
  utimesSync(at('forged'), atime, mtime);
  rmSync(at('gone'));
  chmodSync(at('mode'), 0o600);
  rmSync(at('folder'), { recursive: true });
  rmSync(at('was a folder'), { recursive: true });
  writeFileSync(at('was a folder'), 'now a file');
  rmSync(at('link'));
  symlinkSync('bcd', at('link'));
  writeFileSync(at('new'), 'new');
  writeFileSync(at('.git/index'), 'git’s own');
  const before = openFiles();
  const { start: id, data } = await changesOf(workspace, start);
  expect(openFiles()).toBe(before);
  expect(id).toBe(START_ID);
  const rows = data.map((one) => [
    one.path,
    one.change,
    one.type,
    one.old_size,
    one.new_size,
    one.old_mode,
    one.new_mode,
  ]);
  expect(rows).toEqual([
    ['edited', 'modified', 'file', 17, 26, '0644', '0644'],
    ['forged', 'modified', 'file', 17, 17, '0644', '0644'],
    ['link', 'modified', 'symlink', 1, 3, '0777', '0777'],
    ['mode', 'modified', 'file', 15, 15, '0644', '0600'],
    ['new', 'added', 'file', null, 3, null, '0644'],
    ['was a folder', 'deleted', 'directory', 0, null, '0755', null],
    ['was a folder', 'added', 'file', null, 10, null, '0644'],
    ['folder', 'deleted', 'directory', 0, null, '0755', null],
    ['folder/inner', 'deleted', 'directory', 0, null, '0755', null],
    ['gone', 'deleted', 'file', 15, null, '0644', null],
  ]);
});

test('against an empty start all is new; without changes there is nothing', async () => {
  const { workspace } = surroundings();
  writeFileSync(path.join(workspace, 'a'), 'a');
  expect(await changesOf(workspace, null)).toMatchObject({ start: null, data: [{ path: 'a', change: 'added' }] });
  const start = startOf(workspace);
  expect((await changesOf(workspace, start)).data).toEqual([]);
  expect((await patchOf(workspace, start)).length).toBe(0);
});

test('git apply takes a patch of all kinds of changes, and takes it back', async () => {
  const patch = await patchHolds(
    (at) => {
      writeFileSync(`${at}/text`, 'one\ntwo\nthree\n');
      writeFileSync(`${at}/crlf`, 'one\r\ntwo\r\nthree\r\n');
      writeFileSync(`${at}/latin1`, Buffer.from([0x61, 0xe4, 0x0a, 0x62, 0x0a]));
      writeFileSync(`${at}/no newline`, 'one\ntwo');
      writeFileSync(`${at}/gone`, 'gone\n');
      writeFileSync(`${at}/program`, '#!\n');
      writeFileSync(`${at}/binary`, Buffer.from([0, 1, 2, 3]));
      writeFileSync(`${at}/emptied`, 'x');
      mkdirSync(`${at}/folder/deep`, { recursive: true });
      writeFileSync(`${at}/folder/deep/file`, 'x\n');
      writeFileSync(`${at}/file then folder`, 'x\n');
      writeFileSync(`${at}/file then link`, 'x\n');
      symlinkSync('target', `${at}/link`);
    },
    (at) => {
      writeFileSync(`${at}/text`, 'one\n2\nthree\nfour\n');
      writeFileSync(`${at}/crlf`, 'one\r\n2\r\nthree\r\n');
      writeFileSync(`${at}/latin1`, Buffer.from([0x61, 0xe4, 0x0a, 0x63, 0xff, 0x0a]));
      writeFileSync(`${at}/no newline`, 'one\n2');
      rmSync(`${at}/gone`);
      chmodSync(`${at}/program`, 0o755);
      writeFileSync(`${at}/binary`, Buffer.from([0, ...Array.from({ length: 500 }, (_, index) => (index * 7) % 256)]));
      writeFileSync(`${at}/emptied`, '');
      writeFileSync(`${at}/new empty`, '');
      rmSync(`${at}/folder`, { recursive: true });
      writeFileSync(`${at}/folder`, 'now a file\n');
      rmSync(`${at}/file then folder`);
      mkdirSync(`${at}/file then folder`);
      writeFileSync(`${at}/file then folder/x`, 'x\n');
      rmSync(`${at}/file then link`);
      symlinkSync('text', `${at}/file then link`);
      rmSync(`${at}/link`);
      symlinkSync('other', `${at}/link`);
      for (const name of ['tab\there', 'new\nline', '"quoted"', 'back\\slash', 'ünïcödé', '-dash', ' lead', 'a => b'])
        writeFileSync(`${at}/${name}`, `${name}\n`);
      writeFileSync(Buffer.concat([Buffer.from(`${at}/`), Buffer.from([0xff])]), 'not UTF-8\n');
    },
  );
  expect(patch).toContain('-two\n+2\n');
});

test('names that git refuses, and files too large for a patch, are named in lines that it passes over', async () => {
  const { workspace } = surroundings();
  writeFileSync(path.join(workspace, 'a mode alone'), '');
  const start = startOf(workspace);
  chmodSync(path.join(workspace, 'a mode alone'), 0o755);
  writeFileSync(path.join(workspace, 'huge'), Buffer.alloc(9 * 1024 * 1024));
  mkdirSync(path.join(workspace, 'git~1'));
  writeFileSync(path.join(workspace, 'git~1/config'), 'x');
  symlinkSync('x', path.join(workspace, '.gitmodules'));
  writeFileSync(path.join(workspace, 'ordinary'), 'x\n');
  const patch = await patchOf(workspace, start);
  expect(patch.toString()).toContain('# Binary files a/huge and b/huge differ');
  expect(patch.toString()).toContain('# b/git~1/config is not in this patch');
  const copy = scratch();
  writeFileSync(path.join(copy, 'a mode alone'), '');
  apply(copy, patch);
  expect(gitView(copy)).toEqual([
    ['a mode alone', 'program', ''],
    ['ordinary', 'file', 'x\n'],
  ]);
});

const lines = (seed: number) => Array.from({ length: 20_000 }, (_, index) => `${(index * seed) % 7919}\n`).join('');

test('large files that have little in common are a patch soon', async () => {
  const began = performance.now();
  await patchHolds(
    (at) => writeFileSync(`${at}/lines`, lines(31)),
    (at) => writeFileSync(`${at}/lines`, lines(37)),
  );
  expect(performance.now() - began).toBeLessThan(atMost(5));
});

test('a storage that cannot be read is said so', async () => {
  const { workspace } = surroundings();
  const start: StartTree = {
    snapshot_id: START_ID,
    // oxlint-disable-next-line require-yield
    async *entries() {
      throw await Promise.resolve(new StorageUnavailable('nobody answers'));
    },
    async *content() {},
  };
  const answer = await ask(workspace, { op: 'diff', format: 'json' }, { start });
  expect(answer.refusal).toMatchObject({
    code: 'storage_unavailable',
    detail: expect.stringContaining('nobody answers'),
  });
});

test('generated trees: the patch makes the one out of the other', async () => {
  const line = fc.constantFrom(
    'a\n',
    'b\n',
    'c\r\n',
    '\n',
    '+x\n',
    '-- y\n',
    '@@ -1 +1 @@\n',
    'diff --git a/x b/x\n',
    '\\ z\n',
    'e',
    '\r',
  );
  const content = fc.oneof(
    fc.array(line, { maxLength: 12 }).map((lines) => Buffer.from(lines.join(''), 'latin1')),
    fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
  );
  const entry = fc.record({
    name: fc.constantFrom('a', 'b c', 'd', 'd/e', 'd/f/g', 'é\t"', 'z\\'),
    what: fc.oneof(content, content, fc.constantFrom('link one', 'link two')),
    program: fc.boolean(),
  });
  const entries = fc.uniqueArray(entry, { selector: ({ name }) => name, maxLength: 6 });
  type Entries = typeof entries extends fc.Arbitrary<infer T> ? T : never;
  const make = (folder: string, list: Entries) => {
    for (const name of readdirSync(folder)) rmSync(path.join(folder, name), { recursive: true });
    for (const { name, what, program } of list) {
      // `d` and what is in it exclude each other.
      if (name.startsWith('d/') && list.some((other) => other.name === 'd')) continue;
      const at = path.join(folder, name);
      mkdirSync(path.dirname(at), { recursive: true });
      if (typeof what === 'string') symlinkSync(what, at);
      else writeFileSync(at, what, { mode: program ? 0o755 : 0o644 });
    }
  };
  await fc.assert(
    fc.asyncProperty(entries, entries, async (before, after) => {
      await patchHolds(
        (at) => make(at, before),
        (at) => make(at, after),
      );
    }),
    // Each is two trees on disk, and two runs of git.
    { numRuns: generatedRuns(150) },
  );
});
