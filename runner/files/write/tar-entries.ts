import { PassThrough } from 'node:stream';
import { extract, type Header } from 'tar-stream';
import * as z from 'zod';
import { byteName, type ByteName } from '../paths/byte-name.ts';
import { FilesRefused } from '../paths/refused.ts';

/** Bytes that an archive may hold between two entries: long names and pax headers, which are read into memory. */
const METADATA_BYTES = 1024 * 1024;
/** What stands for bytes that are not UTF-8. */
const REPLACEMENT = '\ufffd';
/** Most bytes for the parser at once. */
const SLICE = 64 * 1024;
/** Names are bytes. The parser finishes a slice, with all its entries, before it asks for the next. */
const PARSING = { filenameEncoding: 'latin1', highWaterMark: 1 };

/** The fields of a pax header. */
const paxRecords = z.record(z.string(), z.string()).nullable();

export interface TarEntry {
  name: ByteName;
  /** Null: an unknown type. */
  type: Header['type'] | null;
  size: number;
  mode: number;
  /** Seconds since 1970. */
  mtime: number;
  target: ByteName;
}

/**
 * Reads an archive as it comes, and hands over one entry after the other: the next one is not read before `onEntry` is done. Refuses
 * (`archive_invalid`) what is no archive.
 */
export async function tarEntries(
  archive: AsyncIterable<Uint8Array>,
  onEntry: (entry: TarEntry, body: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<void> {
  const parser = extract(PARSING);
  let current: { body: PassThrough; done: Promise<void> } | undefined;
  let metadata = 0;
  let failure: Error | undefined;
  let onFailure: ((error: Error) => void) | undefined;
  const fail = (error: unknown): void => {
    failure ??= error instanceof Error ? error : new Error(String(error));
    current?.body.destroy(failure);
    onFailure?.(failure);
  };
  const failAfter = async (done: Promise<void>, error: Error): Promise<void> => {
    await done;
    fail(error);
  };
  /** Waits for one thing that the parser may never do, if it fails. */
  const step = async (start: (done: () => void) => void): Promise<void> => {
    await new Promise<void>((resolve, reject) => {
      if (failure !== undefined) return reject(failure);
      onFailure = reject;
      start(resolve);
    });
  };
  parser.on('error', (error: Error) => {
    const refused = invalid(error.message);
    if (current === undefined) return fail(refused);
    const { body, done } = current;
    body.destroy(refused);
    // A reader that has stopped breaks the parser too. Then what it says itself comes first: that the workspace is full.
    void failAfter(done, refused);
  });
  parser.on('entry', (header, stream, next) => {
    const body = stream.pipe(new PassThrough());
    // The reader gets the error. Without a reader it must not be uncaught.
    for (const part of [stream, body]) part.on('error', () => undefined);
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
        await step((done) => {
          parser.once('drain', done);
          parser.write(slice);
        });
      }
    }
    await step((done) => {
      parser.once('finish', done);
      parser.end(null);
    });
  } catch (error) {
    fail(error);
    // What it has begun to write is put away before anyone goes on.
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
  header: Header,
  body: PassThrough,
  onEntry: (entry: TarEntry, body: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<void> {
  const pax = paxRecords.parse(header.pax) ?? {};
  // The parser decodes pax headers as UTF-8, and everything else as bytes.
  if (`${pax['path']}${pax['linkpath']}`.includes(REPLACEMENT))
    throw invalid(`the name ${JSON.stringify(header.name)} is not UTF-8, though its header (pax) wants that`);
  const name = pax['path'] === undefined ? header.name : byteName(pax['path']);
  const target = pax['linkpath'] === undefined ? (header.linkname ?? '') : byteName(pax['linkpath']);
  const mtime = pax['mtime'] === undefined ? header.mtime.getTime() / 1000 : Number(pax['mtime']);
  const { type, size, mode } = header;
  await onEntry({ name, type, size, mode, mtime, target }, body);
  body.resume();
}
