import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { PassThrough, type Readable } from 'node:stream';
import { pack } from 'tar-stream';

/** A file of the build context: its name there, and its path on this machine. */
export interface ContextFile {
  name: string;
  path: string;
  mode: number;
}

export interface BuildContext {
  /** The tar stream for the engine. */
  tar: Readable;
  /** Settles when all files have been read; rejects when one cannot be read. */
  done: Promise<void>;
}

/** Files up to this size are read in one piece, bytes: most are small, and a stream for each takes most of the time. */
const SMALL = 1024 * 1024;

async function whole(path: string, size: number): Promise<Uint8Array[]> {
  return size === 0 ? [] : [(await readFile(path)).subarray(0, size)];
}

/** A build context of only these files. It is a stream, because `claude` alone has 364 MiB. */
export function buildContext(files: ContextFile[]): BuildContext {
  const tar = pack();
  // What reads it expects a stream of Node's own.
  const output = tar.pipe(new PassThrough());
  // What breaks it is told to whoever waits for an entry.
  tar.on('error', () => {});
  const fill = async () => {
    for (const { name, path, mode } of files) {
      const { size } = await stat(path);
      // No modification time: the engine's cache compares contents.
      const entry = tar.entry({ name, size, mode, mtime: new Date(0) });
      entry.on('error', () => {});
      const content = size <= SMALL ? await whole(path, size) : createReadStream(path, { end: size - 1 });
      for await (const chunk of content) {
        if (entry.destroying) throw new Error('nobody reads the build context any more');
        if (!entry.write(chunk)) await once(entry, 'drain');
      }
      entry.end(null);
    }
    tar.finalize();
  };
  return { tar: output, done: fill() };
}
