import type { Http2Stream } from 'node:http2';

/** Bytes of the length before each chunk. A chunk without bytes is the end. */
const LENGTH_BYTES = 4;

/** More bytes should have come, or could not be sent: the stream has been closed. */
class CutShort extends Error {
  override readonly name = 'CutShort';
}

/** Sends a chunk as fast as the stream takes it. @throws when the stream is closed before */
export async function sendChunk(stream: Http2Stream, bytes: Uint8Array): Promise<void> {
  if (bytes.length === 0) return;
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(bytes.length);
  await new Promise<void>((resolve, reject) => {
    const onClose = (): void => reject(new CutShort('the stream was closed'));
    if (stream.destroyed || stream.closed) return onClose();
    stream.once('close', onClose);
    stream.cork();
    stream.write(length);
    stream.write(bytes, (error) => {
      stream.off('close', onClose);
      if (error) reject(error);
      else resolve();
    });
    stream.uncork();
  });
}

/** All chunks have been sent: the other end learns that nothing is missing. */
export function endChunks(stream: Http2Stream): void {
  if (!stream.destroyed && !stream.closed) stream.end(Buffer.alloc(LENGTH_BYTES));
}

/**
 * The bytes of a stream whose other end sends chunks, up to their end. HTTP/2 by itself does not tell a reader well enough that a
 * stream was cut short.
 *
 * @throws when it was
 */
export async function* readChunks(stream: Http2Stream): AsyncGenerator<Buffer> {
  let head = Buffer.alloc(0);
  /** Bytes of the chunk that have not come yet. */
  let due = 0;
  // The other direction goes on, whether all of this one is read or not.
  for await (let part of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    while (part.length > 0) {
      if (due > 0) {
        const bytes = part.subarray(0, due);
        part = part.subarray(bytes.length);
        due -= bytes.length;
        yield bytes;
        continue;
      }
      const missing = LENGTH_BYTES - head.length;
      head = Buffer.concat([head, part.subarray(0, missing)]);
      part = part.subarray(missing);
      if (head.length < LENGTH_BYTES) continue;
      due = head.readUInt32BE();
      head = Buffer.alloc(0);
      if (due === 0) return;
    }
  }
  throw new CutShort('the connection was cut short');
}
