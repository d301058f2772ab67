import type { OnReadOpts } from 'node:net';

/** Buffer size at first, bytes. */
const SMALL_BYTES = 64 * 1024;
/** Buffer size once a read has filled the small one, bytes. Larger reads cost fewer wake-ups per byte. */
const LARGE_BYTES = 1024 * 1024;

/**
 * One buffer that a socket reads into again and again. A stream would allocate a buffer for each read, and garbage
 * collection would then take most of the time.
 */
export class ReadBuffer {
  #buffer = Buffer.allocUnsafeSlow(SMALL_BYTES);

  /** @param take gets what was read, valid until the next read. @returns the option for `net.connect` */
  onread(take: (bytes: Buffer) => boolean): OnReadOpts {
    return {
      // Node calls this after each read.
      buffer: () => this.#buffer,
      callback: (length) => {
        const bytes = this.#buffer.subarray(0, length);
        if (length === this.#buffer.length && length < LARGE_BYTES) this.#buffer = Buffer.allocUnsafeSlow(LARGE_BYTES);
        return take(bytes);
      },
    };
  }

  /** Reads into a new buffer from now on, because somebody still holds the last read. */
  replace(): void {
    this.#buffer = Buffer.allocUnsafeSlow(this.#buffer.length);
  }
}
