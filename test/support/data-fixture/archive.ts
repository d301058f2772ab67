import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, lstat, lutimes, mkdir, readdir, readFile, symlink, readlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import tar from 'tar-stream';
import * as z from 'zod';

/** One file's words are in many of them, far apart. */
const SMALL = {
  [constants.ZSTD_c_compressionLevel]: 19,
  [constants.ZSTD_c_windowLog]: 26,
  [constants.ZSTD_c_enableLongDistanceMatching]: 1,
};

/** Writes what is in `folder` into a tar archive, compressed with zstd, in the order of the names, as nobody's in particular. */
export async function packFolder(
  folder: string,
  archive: string,
  { leaveOut }: { leaveOut: (name: string) => boolean },
): Promise<void> {
  const pack = tar.pack();
  const written = pipeline(pack, createZstdCompress({ params: SMALL }), createWriteStream(archive));
  for (const name of (await readdir(folder, { recursive: true })).toSorted()) {
    if (leaveOut(name)) continue;
    const file = path.join(folder, name);
    const found = await lstat(file);
    const header = {
      name,
      mode: found.mode & 0o7777,
      mtime: found.mtime,
      // The archive's own time has whole seconds; what is listed of a file has milliseconds.
      pax: { mtime: String(found.mtimeMs / 1000) },
    };
    if (found.isDirectory()) pack.entry({ ...header, type: 'directory' });
    else if (found.isSymbolicLink()) pack.entry({ ...header, type: 'symlink', linkname: await readlink(file) });
    else if (found.isFile()) pack.entry(header, await readFile(file));
    else throw new Error(`${file} cannot be packed`);
  }
  pack.finalize();
  await written;
}

const exactTime = z.object({ pax: z.object({ mtime: z.string() }) });

/** The opposite, into a new folder: modes and times are as they were packed. */
export async function unpackFolder(archive: string, folder: string): Promise<void> {
  const entries: { header: tar.Header; content: Buffer }[] = [];
  const extract = tar.extract().on('entry', (header, stream, next) => {
    const parts: Buffer[] = [];
    stream.on('data', (part: unknown) => parts.push(part as Buffer));
    stream.on('end', () => {
      entries.push({ header, content: Buffer.concat(parts) });
      next();
    });
  });
  await pipeline(createReadStream(archive), createZstdDecompress(), extract);
  await mkdir(folder, { mode: 0o700 });
  for (const { header, content } of entries) {
    const file = path.join(folder, header.name);
    if (header.type === 'directory') await mkdir(file);
    else if (header.type === 'symlink') await symlink(header.linkname ?? '', file);
    else await writeFile(file, content);
  }
  // Only now, and the inner ones first: what is made in a folder changes its time.
  for (const { header } of entries.toReversed()) {
    const file = path.join(folder, header.name);
    const mtime = Number(exactTime.parse(header).pax.mtime);
    // A link has no mode of its own.
    if (header.type !== 'symlink') await chmod(file, header.mode ?? 0o600);
    await lutimes(file, mtime, mtime);
  }
}
