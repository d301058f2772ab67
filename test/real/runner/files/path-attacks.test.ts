import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as fc from 'fast-check';
import { pack, type Header } from 'tar-stream';
import { expect, test } from 'vitest';
import type { TreeRequest } from '../../../../runner/files/answer-request.ts';
import {
  ask,
  bodyOf,
  fingerprint,
  leaks,
  openFiles,
  read,
  SECRET,
  SECRET_NAME,
  surroundings,
  timesIn,
} from '../../../support/files/scene.ts';
import { dearRuns, generatedRuns } from '../../../support/run/generated-runs.ts';

/**
 * Links as a hostile agent would leave them, by name, and where they point. Nothing here, nor any path below, leads out of the
 * test's own folder: a runner that did follow them would fail the test, not empty the developer's disk.
 */
const planted = (outside: string): Record<string, string> => ({
  'to-file': path.join(outside, SECRET_NAME),
  'to-folder': outside,
  'to-parent': path.dirname(outside),
  up: '..',
  'up-and-in': '../outside',
  'up-to-file': `../outside/${SECRET_NAME}`,
  chain1: 'chain2',
  chain2: 'to-folder',
  'chain-file': 'to-file',
  loop: 'loop',
  loop1: 'loop2',
  loop2: 'loop1',
  'proc-root': `/proc/self/root${outside}`,
  'proc-thread': `/proc/thread-self/root${outside}`,
  dangling: path.join(outside, 'made-by-a-write'),
  here: '.',
  inner: 'real',
});

function plant(workspace: string, outside: string): void {
  for (const folder of [workspace, path.join(workspace, 'real')]) {
    mkdirSync(folder, { recursive: true });
    const there = readdirSync(folder, { withFileTypes: true });
    const links = new Set(there.filter((entry) => entry.isSymbolicLink()).map(({ name }) => name));
    for (const [name, target] of Object.entries(planted(outside))) {
      if (links.has(name)) continue;
      const at = path.join(folder, name);
      rmSync(at, { recursive: true, force: true });
      symlinkSync(target, at);
    }
  }
  if (!existsSync(path.join(workspace, 'real/file'))) writeFileSync(path.join(workspace, 'real/file'), 'ordinary');
}

const names = [...Object.keys(planted('/')), 'real', 'file', 'new', 'outside', 'folder', 'workspace', SECRET_NAME];
const odd = [
  '..',
  '.',
  '',
  '...',
  '..\\',
  '%2e%2e',
  '~',
  '\0',
  '..\0',
  'a\nb',
  ' ',
  'ü',
  '\ud800',
  '-rf',
  '*',
  '$HOME',
];

/** Paths that try to get out: links and `..` in any order, absolute ones, through /proc, odd spellings. */
const attack = (root: string) => {
  const component = fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...names) },
    { weight: 3, arbitrary: fc.constantFrom('..', '.', '') },
    { weight: 1, arbitrary: fc.constantFrom(...odd) },
    { weight: 1, arbitrary: fc.string({ maxLength: 4 }) },
  );
  const relative = fc.array(component, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('/'));
  const before = fc.constantFrom(
    '',
    '',
    '',
    `${root}/`,
    `/${root}/`,
    '../',
    './',
    'real/../../',
    `/proc/self/root${root}/`,
  );
  return fc.tuple(before, relative).map((parts) => parts.join('').slice(0, 4096));
};

/** As the packer takes it. */
type EntryHeader = Partial<Header> & { name: string };

async function archive(...entries: EntryHeader[]): Promise<Buffer> {
  const tar = pack();
  for (const entry of entries) tar.entry(entry, entry.type === 'file' ? 'written by the archive' : '');
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

test('of ten thousand generated paths none leaves the workspace, whatever is asked of it', async () => {
  const { top, root, workspace, outside } = surroundings();
  const untouched = fingerprint(top, workspace);
  const times = timesIn(top, workspace);
  const before = times();
  const open = openFiles();
  const paths = new Set<string>();
  const ops: Record<string, { done: number; refused: number }> = {};
  const kind = fc.constantFrom('file', 'directory', 'symlink', 'link', 'through', 'pax');
  // As many as an issue asks for.
  const runs = dearRuns(10_000);
  await fc.assert(
    fc.asyncProperty(attack(root), attack(root), kind, async (at, entry, kind) => {
      paths.add(at);
      plant(workspace, outside);
      // A link of the archive's own, written through by its next entry.
      const own = { name: 'own', type: 'symlink', linkname: outside } as const;
      // A plain tar header ends a name at its NUL, so that one comes as pax.
      const plain = entry.replaceAll('\0', '') || 'x';
      const entries = {
        file: [{ name: plain, type: 'file' }],
        directory: [{ name: plain, type: 'directory' }],
        symlink: [
          { name: 'new-link', type: 'symlink', linkname: plain },
          { name: `new-link/${plain}`, type: 'file' },
        ],
        link: [{ name: 'hard', type: 'link', linkname: plain }],
        through: [own, { name: `own/${plain}`, type: 'file' }],
        pax: [{ name: 'x', type: 'file', pax: { path: entry } }],
      }[kind] as EntryHeader[];
      const requests: [TreeRequest, AsyncIterable<Uint8Array>?][] = [
        [read(at)],
        [read(at, { recursive: true })],
        [{ op: 'pack', path: at }],
        [{ op: 'write', path: at, mode: null }, bodyOf('written')],
        [{ op: 'unpack', path: '' }, bodyOf(await archive(...entries))],
        [{ op: 'unpack', path: at }, bodyOf(await archive({ name: 'unpacked', type: 'file' }))],
        [{ op: 'delete', path: at, recursive: true }],
      ];
      for (const [request, body] of requests) {
        const answer = await ask(workspace, request, body === undefined ? {} : { body });
        expect(leaks(answer), `${request.op} gave something away`).toBe(false);
        const count = (ops[request.op] ??= { done: 0, refused: 0 });
        if (answer.ok) count.done += 1;
        else count.refused += 1;
      }
      expect(times()).toBe(before);
    }),
    { numRuns: runs },
  );
  expect(fingerprint(top, workspace)).toBe(untouched);
  expect(paths.size).toBeGreaterThan(0.8 * runs);
  // It is no wall that nothing goes through: of each, some are done. Of few paths that cannot be said.
  const some = Math.floor(runs / 200);
  for (const [op, { done, refused }] of Object.entries(ops)) {
    expect(done, `${op} done`).toBeGreaterThanOrEqual(some);
    expect(refused, `${op} refused`).toBeGreaterThanOrEqual(some);
  }
  expect(openFiles()).toBe(open);
});

test('the oracle sees what leaves: the same links, followed, give the secret away', () => {
  const { workspace, outside } = surroundings();
  plant(workspace, outside);
  const followed = (name: string) => execFileSync('cat', [path.join(workspace, name)], { encoding: 'utf8' });
  for (const name of ['to-file', 'chain-file', 'up-to-file', `proc-root/${SECRET_NAME}`, `chain1/${SECRET_NAME}`])
    expect(followed(name)).toBe(SECRET);
  const before = fingerprint(outside);
  const times = timesIn(outside, workspace);
  const timesBefore = times();
  writeFileSync(path.join(workspace, 'dangling'), 'x');
  expect(fingerprint(outside)).not.toBe(before);
  expect(times()).not.toBe(timesBefore);
});

test('ordinary paths, also of odd names, go through all operations', async () => {
  const { workspace } = surroundings();
  const name = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
    .filter((text) => !/[/\0]/.test(text) && text !== '.' && text !== '..' && Buffer.byteLength(text) < 256);
  await fc.assert(
    fc.asyncProperty(fc.array(name, { minLength: 1, maxLength: 5 }), async (parts) => {
      const at = parts.join('/');
      expect(
        (await ask(workspace, { op: 'write', path: at, mode: null }, { body: bodyOf(at) })).refusal,
      ).toBeUndefined();
      expect((await ask(workspace, read(at))).bytes.toString()).toBe(at);
      const packed = await ask(workspace, { op: 'pack', path: '' });
      const again = { body: bodyOf(packed.bytes) };
      expect((await ask(workspace, { op: 'unpack', path: '' }, again)).refusal).toBeUndefined();
      expect((await ask(workspace, read(at))).bytes.toString()).toBe(at);
      const [top = ''] = parts;
      expect((await ask(workspace, { op: 'delete', path: top, recursive: true })).refusal).toBeUndefined();
      expect(readdirSync(workspace)).toEqual([]);
    }),
    // Each goes to the disk in six requests.
    { numRuns: generatedRuns(300) },
  );
});
