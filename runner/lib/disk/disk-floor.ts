import type { Space } from './free-space.ts';

const MB = 1024 * 1024;
/** As much more than the floor has to be free until the disk is no longer low: otherwise it would go to and fro. */
const ABOVE = 1.1;

/** Whether a disk has less free than its floor. */
export class DiskFloor {
  readonly #floorMb: number;
  #low = false;

  /** @param floorMb 0: it is never low */
  constructor(floorMb: number) {
    this.#floorMb = floorMb;
  }

  look({ availableBytes }: Pick<Space, 'availableBytes'>): { free_mb: number; low: boolean } {
    const free_mb = Math.floor(availableBytes / MB);
    this.#low = free_mb < (this.#low ? this.#floorMb * ABOVE : this.#floorMb);
    return { free_mb, low: this.#low };
  }
}
