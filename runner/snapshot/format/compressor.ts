import zlib from 'node:zlib';
import { ZSTD_LEVEL } from './limits.ts';

const { ZSTD_c_compressionLevel, ZSTD_e_end } = zlib.constants;

/**
 * Compresses one block after the other on libuv's threads, each to its own zstd frame. All use one stream: a new one for each
 * block takes megabytes, and collecting them stops the whole process.
 */
export class Compressor {
  readonly #stream = zlib.createZstdCompress({
    params: { [ZSTD_c_compressionLevel]: ZSTD_LEVEL },
    chunkSize: 256 * 1024,
  });
  #frame: Buffer[] = [];

  constructor() {
    this.#stream.on('data', (part: Buffer) => this.#frame.push(part));
  }

  /** Compresses a block. Only one call at a time. @returns the frame, in parts */
  run(block: Buffer): Promise<Buffer[]> {
    return new Promise((resolve, reject) => {
      this.#stream.once('error', reject);
      this.#stream.write(block);
      this.#stream.flush(ZSTD_e_end, () => {
        this.#stream.off('error', reject);
        const frame = this.#frame;
        this.#frame = [];
        resolve(frame);
      });
    });
  }

  close(): void {
    this.#stream.destroy();
  }
}
