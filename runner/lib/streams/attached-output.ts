/** A part of what a container's processes wrote. */
export interface OutputPart {
  to: 'stdout' | 'stderr';
  bytes: Buffer;
}

const HEADER = 8;

/**
 * Reads the engine's framing of an attached container: a header of eight bytes (the first: which stream; the last four: how long),
 * then that many bytes. A part is handed on as it comes, so a frame of any length takes no memory, and who reads slowly slows the
 * container down.
 */
export async function* outputParts(stream: AsyncIterable<Buffer | string>): AsyncGenerator<OutputPart> {
  let header = Buffer.alloc(0);
  let left = 0;
  let to: OutputPart['to'] = 'stdout';
  for await (const read of stream) {
    const chunk = typeof read === 'string' ? Buffer.from(read, 'latin1') : read;
    let at = 0;
    while (at < chunk.length) {
      if (left > 0) {
        const bytes = chunk.subarray(at, at + left);
        at += bytes.length;
        left -= bytes.length;
        yield { to, bytes };
        continue;
      }
      const more = chunk.subarray(at, at + HEADER - header.length);
      at += more.length;
      header = Buffer.concat([header, more]);
      if (header.length < HEADER) continue;
      to = header[0] === 2 ? 'stderr' : 'stdout';
      left = header.readUInt32BE(4);
      header = Buffer.alloc(0);
    }
  }
}
