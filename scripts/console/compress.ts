import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

const brotli = promisify(brotliCompress);
const gzipped = promisify(gzip);

/** Smaller files are not worth it, bytes. */
const LEAST = 512;
/** What is text. Pictures are compressed already. */
const TEXTS = /\.(?:js|css|html|svg|json|webmanifest)$/;

/**
 * The file as it is, and compressed, under the names by which the edge looks for it (`functions/console/files.ts`): `NAME`, `NAME.br`,
 * `NAME.gz`. Browsers take Brotli over TLS and on their own machine alone.
 */
export async function withCompressed(name: string, contents: Uint8Array): Promise<[string, Uint8Array][]> {
  if (!TEXTS.test(name) || contents.byteLength < LEAST) return [[name, contents]];
  const quality = {
    [constants.BROTLI_PARAM_QUALITY]: QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: contents.byteLength,
  };
  const [br, gz] = await Promise.all([brotli(contents, { params: quality }), gzipped(contents, { level: 9 })]);
  return [
    [name, contents],
    [`${name}.br`, br],
    [`${name}.gz`, gz],
  ];
}

/** Of 11. The last two take twenty times as long, for 4 % less. */
const QUALITY = 9;
