import { PassThrough } from 'node:stream';
import { extract, type Headers } from 'tar-stream';
import { byteName, type ByteName } from '../paths/byte-name.ts';
import { FilesRefused } from '../paths/refused.ts';

/** Most bytes between two entries: long names and pax headers, which are read into memory. */
const METADATA_BYTES = 1024 * 1024;
/** Replaces bytes that are not UTF-8. */
const REPLACEMENT = '\ufffd';
/** Most bytes for the parser at once, because it recurses for each header. */
const SLICE = 64 * 1024;

export interface TarEntry {
  name: ByteName;
  /** Undefined: an unknown type. */
  type: Headers['type'];
  size: number;
  mode: number;
  /** Seconds since 1970. */
  mtime: number;
  target: ByteName;
}

/**
 * Reads an archive as a stream and calls `onEntry` for one entry after the other. It reads the next entry only after
 * `onEntry` has resolved. Refuses an invalid archive (`archive_invalid`).
 */
export async function tarEntries(
  archive: AsyncIterable<Uint8Array>,
  onEntry: (entry: TarEntry, body: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<void> {
  const parser = extract({ filenameEncoding: 'latin1' });
  let current: { body: PassThrough; done: Promise<void> } | undefined;
  let metadata = 0;
  let failure: Error | undefined;
  let onFailure: ((error: Error) => void) | undefined;
  const fail = (error: unknown): void => {
    failure ??= error instanceof Error ? error : new Error(String(error));
    current?.body.destroy(failure);
    onFailure?.(failure);
  };
  /** Waits for one action of the parser. If the parser fails, it may never do it; then this rejects. */
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
    // The reader gets the error. Without a reader it must not be uncaught.
    body.on('error', () => undefined);
    const done = (async () => {
      try {
        await handleEntry(header, body, onEntry);
        metadata = 0;
      } catch (error) {
        fail(error);
      }
      current = undefined;
      if (failure === undefined) next();
    })();
    current = { body, done };
  });
  try {
    for await (const chunk of archive) {
      for (let at = 0; at < chunk.length; at += SLICE) {
        const slice = Buffer.from(chunk.buffer, chunk.byteOffset + at, Math.min(SLICE, chunk.length - at));
        metadata = current === undefined ? metadata + slice.length : 0;
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
    // Let the current entry remove its temporary file first.
    await current?.done;
    throw failure ?? error;
  } finally {
    parser.destroy();
  }
}

function invalid(why: string): FilesRefused {
  return new FilesRefused('archive_invalid', `The archive cannot be read: ${why}.`);
}

async function handleEntry(
  header: Headers & { pax?: Record<string, string> },
  body: PassThrough,
  onEntry: (entry: TarEntry, body: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<void> {
  const { pax = {} } = header;
  // The parser decodes pax headers as UTF-8, and everything else as bytes.
  if (`${pax['path']}${pax['linkpath']}`.includes(REPLACEMENT))
    throw invalid(`the name ${JSON.stringify(header.name)} is not UTF-8, though its header (pax) wants that`);
  const name = pax['path'] === undefined ? header.name : byteName(pax['path']);
  const target = pax['linkpath'] === undefined ? (header.linkname ?? '') : byteName(pax['linkpath']);
  const mtime = pax['mtime'] === undefined ? (header.mtime?.getTime() ?? 0) / 1000 : Number(pax['mtime']);
  const { type, size = 0, mode = 0 } = header;
  await onEntry({ name, type, size, mode, mtime, target }, body);
  body.resume();
}
