import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { pack, type Pack } from 'tar-stream';

/** A file of the build context: its name there, and its path on this machine. */
export interface ContextFile {
  name: string;
  path: string;
  mode: number;
}

export interface BuildContext {
  /** The tar stream for the engine. */
  tar: Pack;
  /** Settles when all files have been read; rejects when one cannot be read. */
  done: Promise<void>;
}

/** A build context of only these files. It is a stream, because `claude` alone has 364 MiB. */
export function buildContext(files: ContextFile[]): BuildContext {
  const tar = pack();
  const fill = async () => {
    for (const { name, path, mode } of files) {
      const { size } = await stat(path);
      // No modification time: the engine's cache compares contents.
      const entry = tar.entry({ name, size, mode, mtime: new Date(0) });
      await pipeline(createReadStream(path, { end: Math.max(size - 1, 0) }), entry);
    }
    tar.finalize();
  };
  return { tar, done: fill() };
}
