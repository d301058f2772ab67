import { PassThrough } from 'node:stream';
import { extract, type Headers } from 'tar-stream';
import { byteName, type ByteName } from '../paths/byte-name.ts';
import { FilesRefused } from '../paths/refused.ts';

/** Bytes that an archive may hold between two entries: long names and pax headers, which are read into memory. */
const METADATA_BYTES = 1024 * 1024;
/** What stands for bytes that are not UTF-8. */
const REPLACEMENT = '\ufffd';
/** Given to the parser at once: it recurses once a header. */
const SLICE = 64 * 1024;

export interface TarEntry {
  name: ByteName;
  /** Undefined: none that is known. */
  type: Headers['type'];
  size: number;
  mode: number;
  /** Seconds since 1970. */
  mtime: number;
  target: ByteName;
}

/**
 * Reads an archive as it comes, and hands over one entry after the other: the next one is not read before `take` is done. Refuses
 * (`archive_invalid`) what is no archive.
 */
export async function tarEntries(
  archive: AsyncIterable<Uint8Array>,
  take: (entry: TarEntry, body: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<void> {
  const parser = extract({ filenameEncoding: 'latin1' });
  let taking: { body: PassThrough; done: Promise<void> } | undefined;
  let metadata = 0;
  let failure: Error | undefined;
  let onFailure: ((error: Error) => void) | undefined;
  const fail = (error: unknown): void => {
    failure ??= error instanceof Error ? error : new Error(String(error));
    taking?.body.destroy(failure);
    onFailure?.(failure);
  };
  /** Waits for one thing that the parser may never do, if it fails. */
  const step = async (start: (done: () => void) => void): Promise<void> => {
    await new Promise<void>((resolve, reject) => {
      if (failure !== undefined) return reject(failure);
      onFailure = reject;
      start(resolve);
    });
  };
  parser.on('error', (error: Error) => fail(invalid(error.message)));
  parser.on('entry', (header, stream, next) => {
    const body = stream.pipe(new PassThrough());
    // Whoever reads it is told; nobody may be reading.
    body.on('error', () => undefined);
    const done = (async () => {
      try {
        await takeEntry(header, body, take);
        metadata = 0;
      } catch (error) {
        fail(error);
      }
      taking = undefined;
      if (failure === undefined) next();
    })();
    taking = { body, done };
  });
  try {
    for await (const chunk of archive) {
      for (let at = 0; at < chunk.length; at += SLICE) {
        const slice = Buffer.from(chunk.buffer, chunk.byteOffset + at, Math.min(SLICE, chunk.length - at));
        metadata = taking === undefined ? metadata + slice.length : 0;
        if (metadata > METADATA_BYTES) throw invalid('too much in it belongs to no entry');
        await step((done) => parser.write(slice, done));
      }
    }
    await step((done) => {
      parser.on('finish', done);
      parser.end();
    });
  } catch (error) {
    fail(error);
    // What it has begun to write is put away before anyone goes on.
    await taking?.done;
    throw failure ?? error;
  } finally {
    parser.destroy();
  }
}

function invalid(why: string): FilesRefused {
  return new FilesRefused('archive_invalid', `The archive cannot be read: ${why}.`);
}

async function takeEntry(
  header: Headers & { pax?: Record<string, string> },
  body: PassThrough,
  take: (entry: TarEntry, body: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<void> {
  const { pax = {} } = header;
  // A pax header has been read as UTF-8, the rest as bytes.
  if (`${pax['path']}${pax['linkpath']}`.includes(REPLACEMENT))
    throw invalid(`the name ${JSON.stringify(header.name)} is not UTF-8, though its header (pax) wants that`);
  const name = pax['path'] === undefined ? header.name : byteName(pax['path']);
  const target = pax['linkpath'] === undefined ? (header.linkname ?? '') : byteName(pax['linkpath']);
  const mtime = pax['mtime'] === undefined ? (header.mtime?.getTime() ?? 0) / 1000 : Number(pax['mtime']);
  const { type, size = 0, mode = 0 } = header;
  await take({ name, type, size, mode, mtime, target }, body);
  body.resume();
}
