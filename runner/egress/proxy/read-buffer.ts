import type { OnReadOpts } from 'node:net';

/** Of a connection that says little, bytes. */
const SMALL_BYTES = 64 * 1024;
/** Of one that has filled a small one, bytes: each read is worth its two wake-ups. What it holds in memory beside what waits in the kernel. */
const LARGE_BYTES = 1024 * 1024;

/** The one buffer that a socket reads into, over and over: as a stream each read would allocate its own, and the memory's sweeping costs most of the time. */
export class ReadBuffer {
  #buffer = Buffer.allocUnsafeSlow(SMALL_BYTES);

  /** @param take is given what was read, valid until the next read. @returns for `net.connect` */
  onread(take: (bytes: Buffer) => boolean): OnReadOpts {
    return {
      // Asked for after each read.
      buffer: () => this.#buffer,
      callback: (length) => {
        const bytes = this.#buffer.subarray(0, length);
        if (length === this.#buffer.length && length < LARGE_BYTES) this.#buffer = Buffer.allocUnsafeSlow(LARGE_BYTES);
        return take(bytes);
      },
    };
  }

  /** The next read goes elsewhere: somebody holds what was read last. */
  leave(): void {
    this.#buffer = Buffer.allocUnsafeSlow(this.#buffer.length);
  }
}
