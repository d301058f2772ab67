import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { FilesRefused } from '../paths/refused.ts';

/** What compressed archives begin with. */
const MAGIC: readonly (readonly [string, string])[] = [
  ['gzip', '1f8b08'],
  ['zip', '504b0304'],
  ['bzip2', '425a68'],
  ['xz', 'fd377a585a00'],
  ['zstd', '28b52ffd'],
  ['7z', '377abcaf271c'],
];
const LONGEST_MAGIC = 6;

/**
 * A tar archive as it comes, also out of gzip: people send a `.tar.gz` where a tar is wanted. No more of it is in memory than a
 * few chunks. What it may fill is bounded by those who unpack it, entry by entry.
 *
 * @throws FilesRefused `archive_invalid` for another compression, and for gzip that is damaged
 */
export async function* plainTar(archive: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const source = archive[Symbol.asyncIterator]();
  const begun: Uint8Array[] = [];
  let length = 0;
  while (length < LONGEST_MAGIC) {
    const { value, done } = await source.next();
    if (done === true) break;
    begun.push(value);
    length += value.length;
  }
  const head = Buffer.concat(begun);
  const [kind] = MAGIC.find(([, magic]) => head.toString('hex', 0, LONGEST_MAGIC).startsWith(magic)) ?? [];
  const whole = async function* (): AsyncGenerator<Uint8Array> {
    if (head.length > 0) yield head;
    yield* { [Symbol.asyncIterator]: () => source };
  };
  if (kind === undefined) {
    yield* whole();
  } else if (kind === 'gzip') {
    yield* inflated(whole());
  } else {
    const detail = `The archive is compressed (${kind}): send a tar as it is, or one that is compressed with gzip (.tar.gz).`;
    throw new FilesRefused('archive_invalid', detail);
  }
}

async function* inflated(archive: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip();
  // The reader of `gunzip` gets the error.
  pipeline(Readable.from(archive, { objectMode: false }), gunzip, () => undefined);
  try {
    yield* gunzip;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (!code.startsWith('Z_')) throw error;
    const detail = `The archive cannot be read: it is gzip that is damaged or cut short (${code}).`;
    throw new FilesRefused('archive_invalid', detail, { cause: error });
  } finally {
    gunzip.destroy();
  }
}
