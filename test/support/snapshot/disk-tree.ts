import {
  chmodSync,
  closeSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  readlinkSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';

/** A tree as a test wants it. Names are bytes, one a character. */
type Node =
  | { type: 'file'; content: Content; mode: number; mtime: number }
  | { type: 'folder'; children: ReadonlyMap<string, Node>; mode: number; mtime: number }
  | { type: 'link'; target: string; mtime: number }
  /** Another name of the file before it, if there is one. */
  | { type: 'name' };
export type Children = Extract<Node, { type: 'folder' }>['children'];

export interface Content {
  size: number;
  seed: number;
  /** Bytes from here on are a hole. */
  holeFrom: number;
}

const root = process.getuid?.() === 0;
/** A user that is not root cannot read what forbids it. */
const mode = (owner: number) => fc.integer({ min: 0, max: 0o7777 }).map((bits) => (root ? bits : bits | owner));
/** Whole seconds, from 1970 to 2100. */
const mtime = fc.integer({ min: 0, max: 4_102_444_800 });

const byte = fc.integer({ min: 1, max: 255 }).filter((code) => code !== 0x2f);
const bytes = (min: number, max: number) =>
  fc.array(byte, { minLength: min, maxLength: max }).map((codes) => String.fromCharCode(...codes));
/** Names that have broken other programs. */
const odd = fc.constantFrom(
  '-rf',
  '--',
  '\n',
  'two\nlines\n',
  ' ',
  '...',
  '~',
  '*',
  '$(reboot)',
  String.raw`\x2f`,
  '\xff\xfe',
  '\xc3\xa9',
  '\xc3',
  'a',
  'a-b',
  'a.b',
  'a b',
  'con',
  '__proto__',
  'x'.repeat(255),
  '\xe9'.repeat(255),
);
const name = fc.oneof(odd, bytes(1, 12)).filter((text) => text !== '.' && text !== '..');

const content: fc.Arbitrary<Content> = fc
  .record({
    size: fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(0, 1, 4096) },
      { weight: 6, arbitrary: fc.integer({ min: 0, max: 20_000 }) },
      { weight: 1, arbitrary: fc.constantFrom(512 * 1024, 512 * 1024 + 1, 2 ** 21, 2 ** 21 + 1, 5_000_000) },
    ),
    seed: fc.integer({ min: 0, max: 6 }),
    hole: fc.boolean(),
  })
  .map(({ size, seed, hole }) => ({ size, seed, holeFrom: hole ? size >> 1 : size }));

const link = fc.oneof(
  fc.constantFrom('.', '..', '/etc/passwd', '../../../../etc', 'nowhere', 'a', './a/../a', '-rf'),
  bytes(1, 40),
);

export const children: fc.Arbitrary<Children> = fc.letrec<{ children: Children; node: Node }>((tie) => ({
  children: fc
    .array(fc.tuple(name, tie('node')), { maxLength: 7, depthIdentifier: 'tree' })
    .map((entries) => new Map(entries)),
  node: fc.oneof(
    { depthIdentifier: 'tree', maxDepth: 5 },
    { weight: 5, arbitrary: fc.record({ type: fc.constant('file' as const), content, mode: mode(0o400), mtime }) },
    { weight: 2, arbitrary: fc.record({ type: fc.constant('link' as const), target: link, mtime }) },
    { weight: 1, arbitrary: fc.constant({ type: 'name' as const }) },
    {
      weight: 3,
      arbitrary: fc.record({
        type: fc.constant('folder' as const),
        children: tie('children'),
        mode: mode(0o700),
        mtime,
      }),
    },
  ),
})).children;

const at = (folder: Buffer, name: string) => Buffer.concat([folder, Buffer.from(`/${name}`, 'latin1')]);

/** Puts the children into a folder that is there. */
export function plant(folder: Buffer, nodes: Children): void {
  let before: Buffer | undefined;
  for (const [name, node] of nodes) {
    const path = at(folder, name);
    if (node.type === 'file') {
      writeContent(path, node.content);
      chmodSync(path, node.mode);
      lutimesSync(path, node.mtime, node.mtime);
      before = path;
    } else if (node.type === 'link') {
      symlinkSync(Buffer.from(node.target, 'latin1'), path);
      lutimesSync(path, node.mtime, node.mtime);
    } else if (node.type === 'folder') {
      mkdirSync(path);
      plant(path, node.children);
      chmodSync(path, node.mode);
      lutimesSync(path, node.mtime, node.mtime);
    } else if (before !== undefined) linkSync(before, path);
  }
}

export function writeContent(path: Buffer | string, { size, seed, holeFrom }: Content): void {
  const file = openSync(path, 'w');
  const body = bytesOf(holeFrom, seed);
  for (let written = 0; written < body.length;) written += writeSync(file, body, written);
  ftruncateSync(file, size);
  closeSync(file);
}

/** Text for an even seed; bytes that do not shrink for an odd one. */
export function bytesOf(size: number, seed: number): Buffer {
  const body = Buffer.alloc(size, `line ${seed}\n`);
  if (seed % 2 === 0) return body;
  let state = seed + 1;
  for (let index = 0; index < size; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    body[index] = state >>> 24;
  }
  return body;
}

/**
 * What is in a folder: one line a path, with all that a snapshot keeps. Setuid and setgid are not: they would speak for a user
 * that is not kept either.
 */
export function look(folder: string): string[] {
  return [...lines(Buffer.from(folder), '')].sort();
}

const CHUNK = Buffer.alloc(1024 * 1024);

/** Not a hash: trees are looked at so often that hashing them took most of the time. */
function checksum(path: Buffer): number {
  const file = openSync(path, 'r');
  try {
    let sum = 0;
    for (;;) {
      const read = readSync(file, CHUNK);
      if (read === 0) return sum;
      sum = crc32(CHUNK.subarray(0, read), sum);
    }
  } finally {
    closeSync(file);
  }
}

function* lines(folder: Buffer, prefix: string): Generator<string> {
  for (const name of readdirSync(folder, { encoding: 'latin1' })) {
    const path = at(folder, name);
    const stats = lstatSync(path);
    const shown = JSON.stringify(prefix + name);
    const when = Math.floor(stats.mtimeMs / 1000);
    const mode = (stats.mode & 0o1777).toString(8);
    if (stats.isSymbolicLink()) yield `${shown} -> ${JSON.stringify(readlinkSync(path, 'latin1'))} ${when}`;
    else if (stats.isDirectory()) {
      yield `${shown}/ ${mode} ${when}`;
      yield* lines(path, `${prefix}${name}/`);
    } else if (stats.isFile()) yield `${shown} ${mode} ${when} ${stats.size} ${checksum(path)}`;
    else yield `${shown} other`;
  }
}
