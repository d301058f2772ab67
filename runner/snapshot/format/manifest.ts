import { hash } from 'node:crypto';
import zlib from 'node:zlib';
import * as z from 'zod';
import { ZSTD_LEVEL } from './limits.ts';
import { Damaged } from '../../files/paths/tree-entry.ts';

/**
 * The format of a stored tree: sections of rows, each compressed separately, so that a writer or reader holds only one of them;
 * then the contents section, which says where the bytes are; then its length; then the SHA-256 of everything before.
 *
 *   magic · (length · zstd(JSON rows))* · zstd(JSON Contents) · length · sha256
 *
 * Paths and targets are bytes, written as Latin-1 text: one character for each byte.
 */
const MAGIC = Buffer.from('CC-DOCKER TREE 1\n');
const LENGTH = 4;
const SHA256 = 32;
/** Rows in a section. */
const SECTION = 2048;

/** `mtime` is in microseconds; `mode` has only permissions and the sticky bit. */
export type DirectoryRow = [type: 'd', path: string, mode: number, mtime: number];
export type LinkRow = [type: 'l', path: string, mtime: number, target: string];
/**
 * `sha256` is base64url. `start` is the file's offset in its block; a file with several blocks shares none of them. `link` is the
 * same number for all hard links of one file, and each of them has the whole row; 0: the file has one name.
 */
export type FileRow = [
  type: 'f',
  path: string,
  mode: number,
  mtime: number,
  size: number,
  sha256: string,
  start: number,
  blocks: number[],
  link: number,
];
export type Row = DirectoryRow | LinkRow | FileRow;

const natural = z.int().min(0);
const contentsSchema = z.object({
  /** Files, folders and links. */
  files: natural,
  /** Total size of the files, bytes. */
  bytes: natural,
  sections: natural,
  packs: z.array(z.object({ id: z.uuid(), size: natural })),
  blocks: z.array(
    z.object({
      /** Index in `packs`. */
      pack: natural,
      offset: natural,
      stored: natural,
      raw: natural,
      zstd: z.boolean(),
      /** SHA-256 of its content, base64url; null: the hashes of its files cover it. */
      hash: z.string().nullable(),
      /** How many of its bytes this tree's files use. */
      live: natural,
    }),
  ),
});
/** The contents section: where the bytes of a tree are. */
export type Contents = z.infer<typeof contentsSchema>;
export type Block = Contents['blocks'][number];

/** Builds the stored object from a tree's rows, which come in the order of the walk. */
export class ManifestWriter {
  readonly #parts: Buffer[] = [MAGIC];
  #rows: Row[] = [];
  #sections = 0;

  add(row: Row): void {
    this.#rows.push(row);
    if (this.#rows.length === SECTION) this.#section();
  }

  finish(rest: Omit<Contents, 'sections'>): Buffer {
    if (this.#rows.length > 0) this.#section();
    const end = compress(JSON.stringify({ ...rest, sections: this.#sections } satisfies Contents));
    this.#parts.push(end, lengthOf(end));
    const body = Buffer.concat(this.#parts);
    return Buffer.concat([body, hash('sha256', body, 'buffer')]);
  }

  #section(): void {
    const section = compress(JSON.stringify(this.#rows));
    this.#parts.push(lengthOf(section), section);
    this.#rows = [];
    this.#sections += 1;
  }
}

export interface Manifest {
  contents: Contents;
  /** The rows, one section at a time, in the order of the walk. */
  sections(): Generator<Row[], void>;
}

/** @throws Damaged */
export function readManifest(stored: Uint8Array): Manifest {
  const body = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
  const end = body.length - SHA256;
  if (end < MAGIC.length + LENGTH || !body.subarray(0, MAGIC.length).equals(MAGIC))
    throw new Damaged('the list of a snapshot’s files is none that this version knows');
  if (!hash('sha256', body.subarray(0, end), 'buffer').equals(body.subarray(end)))
    throw new Damaged('the list of a snapshot’s files is damaged');
  const contents = readContents(body.subarray(MAGIC.length));
  if (contents === undefined) throw new Damaged('the list of a snapshot’s files is cut short');
  return { contents, sections: () => sections(body, contents.sections) };
}

/** Reads only the contents section, from the end of the object; undefined: `tail` is too short for it. @throws Damaged */
export function readContents(tail: Buffer): Contents | undefined {
  const end = tail.length - SHA256 - LENGTH;
  if (end < 0) return undefined;
  const start = end - tail.readUInt32BE(end);
  if (start < 0) return undefined;
  const parsed = contentsSchema.safeParse(decompress(tail.subarray(start, end)));
  if (!parsed.success) throw new Damaged('the list of a snapshot’s packs is damaged');
  return parsed.data;
}

function* sections(body: Buffer, count: number): Generator<Row[], void> {
  let at = MAGIC.length;
  for (let n = 0; n < count; n += 1) {
    const start = at + LENGTH;
    at = start + body.readUInt32BE(at);
    const rows = decompress(body.subarray(start, at));
    if (!Array.isArray(rows) || !rows.every(isRow)) throw new Damaged('the list of a snapshot’s files is damaged');
    yield rows;
  }
}

/** Checked by hand: there is a row for each file, and a schema takes twenty times as long. */
function isRow(value: unknown): value is Row {
  if (!Array.isArray(value) || typeof value[1] !== 'string') return false;
  switch (value[0]) {
    case 'd':
      return Number.isSafeInteger(value[2]) && Number.isSafeInteger(value[3]);
    case 'l':
      return Number.isSafeInteger(value[2]) && typeof value[3] === 'string';
    case 'f':
      return (
        [value[2], value[3], value[4], value[6], value[8]].every(Number.isSafeInteger) &&
        typeof value[5] === 'string' &&
        Array.isArray(value[7]) &&
        value[7].every(Number.isSafeInteger)
      );
    default:
      return false;
  }
}

function lengthOf(part: Buffer): Buffer {
  const length = Buffer.alloc(LENGTH);
  length.writeUInt32BE(part.length);
  return length;
}

function compress(text: string): Buffer {
  const { ZSTD_c_compressionLevel, ZSTD_c_checksumFlag } = zlib.constants;
  return zlib.zstdCompressSync(text, { params: { [ZSTD_c_compressionLevel]: ZSTD_LEVEL, [ZSTD_c_checksumFlag]: 1 } });
}

function decompress(part: Buffer): unknown {
  try {
    return JSON.parse(zlib.zstdDecompressSync(part).toString('utf8'));
  } catch (error) {
    throw new Damaged('the list of a snapshot’s files cannot be read', { cause: error });
  }
}
