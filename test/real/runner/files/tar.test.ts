import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { pack, type Header } from 'tar-stream';
import { expect, test } from 'vitest';
import { scratch } from '../../../support/scratch.ts';
import {
  ask,
  bodyOf,
  fingerprint,
  limitsOf,
  openFiles,
  surroundings,
  writtenOf,
  type Outcome,
} from '../../../support/files/scene.ts';

/** As the packer takes it. */
type EntryHeader = Partial<Header> & { name: string };

const unpack = async (workspace: string, archive: Buffer, at = '', rest = {}): Promise<Outcome> =>
  await ask(workspace, { op: 'unpack', path: at }, { body: chunked(archive), ...rest });

async function* chunked(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 100_000) yield await Promise.resolve(bytes.subarray(at, at + 100_000));
}

/** An archive of these entries, as someone might craft it. */
async function archiveOf(...entries: (EntryHeader & { content?: string })[]): Promise<Buffer> {
  const tar = pack();
  for (const { content, ...header } of entries) tar.entry(header, content ?? '');
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

test('a .tar.gz is unpacked as a tar is; another compression, and damaged gzip, are refused by name', async () => {
  const { workspace } = surroundings();
  const archive = await archiveOf({ name: 'a/b', content: 'c'.repeat(300_000) });
  const gzip = gzipSync(archive);
  expect(writtenOf(await unpack(workspace, gzip, 'up'))).toMatchObject({ files: 1, bytes: 300_000 });
  expect(readFileSync(path.join(workspace, 'up/a/b'), 'utf8')).toBe('c'.repeat(300_000));
  const kinds = { zip: '504b0304', bzip2: '425a68', xz: 'fd377a585a00', zstd: '28b52ffd', '7z': '377abcaf271c' };
  for (const [kind, magic] of Object.entries(kinds)) {
    const { refusal } = await unpack(workspace, Buffer.concat([Buffer.from(magic, 'hex'), Buffer.alloc(600, 1)]));
    expect(refusal).toMatchObject({ code: 'archive_invalid', detail: expect.stringContaining(`compressed (${kind})`) });
  }
  for (const broken of [gzip.subarray(0, gzip.length / 2), Buffer.concat([gzip.subarray(0, 12), Buffer.alloc(50, 9)])])
    expect((await unpack(workspace, broken)).refusal).toMatchObject({
      code: 'archive_invalid',
      detail: expect.stringMatching(/gzip that is damaged|cannot be read/),
    });
  const files = openFiles();
  await unpack(workspace, gzip.subarray(0, 40));
  expect(openFiles()).toBe(files);
});

test('what a small .tar.gz inflates to is bounded as any other archive is', async () => {
  const { workspace } = surroundings();
  const bomb = gzipSync(await archiveOf({ name: 'bomb', content: '0'.repeat(20 * 1024 * 1024) }));
  expect(bomb.length).toBeLessThan(100_000);
  const { refusal } = await unpack(workspace, bomb, '', { limits: limitsOf(4, 100) });
  expect(refusal).toMatchObject({ code: 'workspace_full' });
  expect(readdirSync(workspace)).toEqual([]);
  // Nothing but the end of an archive, again and again.
  const zeros = gzipSync(Buffer.alloc(20 * 1024 * 1024));
  expect((await unpack(workspace, zeros)).refusal?.code).toBe('archive_invalid');
});

/** Names, kinds, modes, times to the second, content and targets. */
function tree(folder: string | Buffer): unknown[] {
  const at = Buffer.from(folder);
  return readdirSync(at, { encoding: 'buffer' })
    .sort((left, right) => left.compare(right))
    .map((name) => {
      const entry = Buffer.concat([at, Buffer.from('/'), name]);
      const stats = lstatSync(entry);
      const kept = [name.toString('latin1'), stats.mode];
      if (stats.isDirectory()) return [...kept, tree(entry)];
      const time = Math.floor(stats.mtimeMs / 1000);
      return [...kept, time, stats.isFile() ? readFileSync(entry, 'latin1') : readlinkSync(entry, 'latin1')];
    });
}

function oddTree(folder: string): void {
  const at = (name: string) => path.join(folder, name);
  mkdirSync(at('empty'), { recursive: true });
  mkdirSync(at('d'.repeat(120) + '/' + 'e'.repeat(120)), { recursive: true });
  writeFileSync(at('d'.repeat(120) + '/' + 'e'.repeat(120) + '/' + 'long'.repeat(50)), 'long');
  writeFileSync(at('ünïcödé\n"quoted" \\'), 'odd');
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0xfe, 0x20])]), 'not UTF-8');
  symlinkSync(Buffer.from([0x2f, 0xff]), at('link to what is not UTF-8'));
  symlinkSync('t'.repeat(200), at('long link'));
  symlinkSync('/etc/passwd', at('absolute link'));
  writeFileSync(at('empty file'), '');
  writeFileSync(at('large'), Buffer.alloc(1_000_001, 'abc'));
  writeFileSync(at('program'), '#!');
  chmodSync(at('program'), 0o750);
  chmodSync(at('empty'), 0o1777);
  utimesSync(at('program'), 0, 1_000_000_000);
  utimesSync(at('empty file'), 0, 5_000_000_000);
}

test('what is packed is what GNU tar unpacks, with odd names, links, modes and times', async () => {
  const { workspace } = surroundings();
  oddTree(path.join(workspace, 'in'));
  execFileSync('mkfifo', [path.join(workspace, 'in/empty/pipe')]);
  const packed = await ask(workspace, { op: 'pack', path: 'in' });
  expect(packed.head).toMatchObject({ type: 'application/x-tar', size: null });
  const out = scratch();
  execFileSync('tar', ['-xpf', '-', '-C', out], { input: packed.bytes });
  // A pipe is left out.
  execFileSync('rm', [path.join(workspace, 'in/empty/pipe')]);
  expect(tree(out)).toEqual(tree(path.join(workspace, 'in')));
});

test.each(['gnu', 'pax', 'ustar'])('what GNU tar packs (%s) is unpacked', async (format) => {
  const { workspace } = surroundings();
  const from = scratch();
  if (format === 'gnu') oddTree(from);
  writeFileSync(path.join(from, 'file'), 'x'.repeat(70_000));
  linkSync(path.join(from, 'file'), path.join(from, 'zz another name'));
  symlinkSync('file', path.join(from, 'link'));
  mkdirSync(path.join(from, 'sub/folder'), { recursive: true });
  const archive = execFileSync('tar', [`--format=${format}`, '-cf', '-', '.'], { cwd: from, maxBuffer: 1e8 });
  const answer = await unpack(workspace, archive, 'new/place');
  expect(answer.refusal).toBeUndefined();
  const unpacked = path.join(workspace, 'new/place');
  // No sticky bit is taken from an archive.
  if (format === 'gnu') chmodSync(path.join(unpacked, 'empty'), 0o1777);
  expect(tree(unpacked)).toEqual(tree(from));
  expect(lstatSync(path.join(unpacked, 'file')).nlink).toBe(2);
  // Once more over itself: the same again.
  expect((await unpack(workspace, archive, 'new/place')).refusal).toBeUndefined();
  if (format === 'gnu') chmodSync(path.join(unpacked, 'empty'), 0o1777);
  expect(tree(unpacked)).toEqual(tree(from));
});

test('our own archive comes back as it was', async () => {
  const { workspace } = surroundings();
  oddTree(path.join(workspace, 'in'));
  const { bytes } = await ask(workspace, { op: 'pack', path: 'in' });
  expect((await unpack(workspace, bytes, 'out')).refusal).toBeUndefined();
  chmodSync(path.join(workspace, 'out/empty'), 0o1777);
  expect(tree(path.join(workspace, 'out'))).toEqual(tree(path.join(workspace, 'in')));
});

test('a bad entry ends it, is named, and what came before it stays', async () => {
  const { workspace, outside } = surroundings();
  const untouched = fingerprint(outside);
  symlinkSync(outside, path.join(workspace, 'planted'));
  const bad: [EntryHeader, string][] = [
    [{ name: `${outside}/new` }, 'its name is absolute'],
    [{ name: '../outside/new' }, 'its name holds ".."'],
    [{ name: 'a/../../outside/new' }, 'its name holds ".."'],
    [{ name: 'x', pax: { path: 'nul\0name' } }, 'its name holds a NUL'],
    [{ name: 'planted/new' }, `"planted" is a symlink to`],
    [{ name: 'own/new' }, `"own" is a symlink to`],
    [{ name: 'planted/new', type: 'directory' }, `"planted" is a symlink to`],
    [{ name: 'planted/new', type: 'symlink', linkname: 'x' }, `"planted" is a symlink to`],
    [{ name: 'hard', type: 'link', linkname: 'planted/folder' }, 'is not a folder'],
    [{ name: 'hard', type: 'link', linkname: '../outside/secret' }, 'no entry’s name'],
    [{ name: 'hard', type: 'link', linkname: '/etc/passwd' }, 'no entry’s name'],
    [{ name: 'hard', type: 'link', linkname: 'own' }, 'what is no file'],
    [{ name: 'hard', type: 'link', linkname: 'missing' }, 'is not there'],
    [{ name: 'device', type: 'character-device', devmajor: 1, devminor: 3 }, 'it is a character-device'],
    [{ name: 'device', type: 'block-device' }, 'it is a block-device'],
    [{ name: 'pipe', type: 'fifo' }, 'it is a fifo'],
    [{ name: 'folder' }, 'a folder of this name is there'],
    [{ name: '.' }, 'it has no name'],
    [{ name: 'x'.repeat(300) }, 'longer than the file system takes'],
    [{ name: 'x', pax: { size: '-5' } }, 'Invalid header'],
    [{ name: 'x', pax: { size: '9007199254740993' } }, 'its size is no number'],
  ];
  const before = openFiles();
  for (const [header, why] of bad) {
    const archive = await archiveOf(
      { name: 'own', type: 'symlink', linkname: outside },
      { name: 'folder', type: 'directory' },
      { name: 'good', content: 'good' },
      { ...header, content: header.type === undefined ? 'bad' : '' },
      { name: 'after', content: 'after' },
    );
    const { refusal } = await unpack(workspace, archive);
    expect(refusal?.code, why).toBe('archive_invalid');
    expect(refusal?.detail).toContain(why);
    expect(refusal?.detail).toContain('Before that, 2 files (4 bytes) were written and stay.');
    expect(readFileSync(path.join(workspace, 'good'), 'utf8')).toBe('good');
    expect(readdirSync(workspace).sort()).toEqual(['folder', 'good', 'own', 'planted']);
    expect(openFiles()).toBe(before);
  }
  expect(fingerprint(outside)).toBe(untouched);
});

test('a file in place of a link replaces the link, not what it points to', async () => {
  const { workspace, outside } = surroundings();
  const untouched = fingerprint(outside);
  symlinkSync(path.join(outside, 'secret-name-outside'), path.join(workspace, 'link'));
  const archive = await archiveOf({ name: 'link', content: 'mine' });
  expect((await unpack(workspace, archive)).ok).toBe(true);
  expect(readFileSync(path.join(workspace, 'link'), 'utf8')).toBe('mine');
  expect(fingerprint(outside)).toBe(untouched);
});

test('an archive that breaks off, is none, or fills memory with headers is refused', async () => {
  const { workspace } = surroundings();
  const whole = await archiveOf({ name: 'first', content: 'x' }, { name: 'second', content: 'y'.repeat(200_000) });
  const cut = await unpack(workspace, whole.subarray(0, 150_000));
  expect(cut.refusal).toMatchObject({
    code: 'archive_invalid',
    detail: expect.stringContaining('Unexpected end of data'),
  });
  expect(readdirSync(workspace)).toEqual(['first']);
  for (const bytes of [Buffer.alloc(5000, 'no tar '), execFileSync('gzip', ['-c'], { input: 'no tar '.repeat(800) })])
    expect((await unpack(workspace, bytes)).refusal?.code).toBe('archive_invalid');
  for (const [bytes, why] of [
    [2 * 1024 * 1024, 'too much in it belongs to no entry'],
    [4 * 1024 * 1024, 'Header exceeds max size'],
  ] as const) {
    const bomb = await archiveOf({ name: 'x', pax: { comment: 'x'.repeat(bytes) } });
    expect((await unpack(workspace, bomb)).refusal).toMatchObject({
      code: 'archive_invalid',
      detail: expect.stringContaining(why),
    });
  }
});

test('a sender that goes away leaves whole entries alone behind', async () => {
  const { workspace } = surroundings();
  const whole = await archiveOf({ name: 'first', content: 'x' }, { name: 'second', content: 'y'.repeat(200_000) });
  const before = openFiles();
  const body = bodyOf(whole.subarray(0, 100_000), new Error('gone'));
  await expect(ask(workspace, { op: 'unpack', path: '' }, { body })).rejects.toThrow('gone');
  expect(readdirSync(workspace)).toEqual(['first']);
  expect(openFiles()).toBe(before);
});

test('an archive that does not fit is refused where it does not fit any more', async () => {
  const { workspace } = surroundings();
  const content = 'x'.repeat(700_000);
  const whole = await archiveOf({ name: 'first', content }, { name: 'second', content }, { name: 'third', content });
  expect((await unpack(workspace, whole, '', { limits: limitsOf(2, 1000) })).refusal).toMatchObject({
    code: 'workspace_full',
    detail: expect.stringContaining('2 files'),
  });
  expect(readdirSync(workspace).sort()).toEqual(['first', 'second']);
});

test.skipIf(process.getuid?.() !== 0)('all that is unpacked belongs to the container’s user, links too', async () => {
  const { workspace } = surroundings();
  const as = { uid: 4711, gid: 4712 };
  const archive = await archiveOf(
    { name: 'folder/file', mode: 0o6755, content: 'x' },
    { name: 'folder/link', type: 'symlink', linkname: 'x' },
    { name: 'closed', type: 'directory', mode: 0o055 },
  );
  expect(writtenOf(await unpack(workspace, archive, 'in', { as }))).toEqual({ path: 'in', files: 2, bytes: 1 });
  for (const name of ['in', 'in/folder', 'in/folder/file', 'in/folder/link', 'in/closed'])
    expect(lstatSync(path.join(workspace, name)), name).toMatchObject({ uid: 4711, gid: 4712 });
  expect(lstatSync(path.join(workspace, 'in/folder/file')).mode & 0o7777).toBe(0o755);
  expect(lstatSync(path.join(workspace, 'in/closed')).mode & 0o7777).toBe(0o755);
});

test('a slow reader of an archive costs no more memory than a fast one', async () => {
  const { workspace } = surroundings();
  execFileSync('sh', ['-c', 'seq 1 20000 | xargs touch; head -c 100000000 /dev/zero > zz'], { cwd: workspace });
  const packed = await import('../../../../runner/files/read/pack-folder.ts').then(({ packFolder }) =>
    packFolder(workspace, { op: 'pack', path: '' }),
  );
  let [total, most] = [0, 0];
  for await (const chunk of packed.body) {
    total += chunk.length;
    most = Math.max(most, chunk.length);
  }
  expect(total).toBeGreaterThan(110_000_000);
  expect(most).toBeLessThan(1024 * 1024);
});
