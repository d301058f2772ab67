import { open, rm, stat } from 'node:fs/promises';
import { isMissing } from '../../lib/file-error.ts';

const MB = 1024 * 1024;
/** What the file is made of: a part of it that comes again and again. */
const SOME = Buffer.alloc(MB / 16, 1);
/** The file's size, MB. */
const RESERVE_MB = 32;
/** Below this much free space, MB, it is given up. */
const GIVE_UP_MB = 8;

interface ReserveOptions {
  /** Below this much free space, MB, the disk is low. */
  readonly floorMb: number;
  /** For the edge's log. */
  readonly log: (line: string) => void;
}

/**
 * A file that only takes room, so that there is some when the disk is full: what is still to be stored then goes there.
 */
export class Reserve {
  readonly #file: string;
  readonly #log: (line: string) => void;
  #isThere = false;
  #making: Promise<void> | undefined;

  /** Above this much free space, MB, it is made: then the disk is not low with it, either. */
  readonly #makeMb: number;

  constructor(file: string, { floorMb, log }: ReserveOptions) {
    this.#file = file;
    this.#log = log;
    this.#makeMb = Math.max(RESERVE_MB, floorMb + GIVE_UP_MB) + RESERVE_MB;
  }

  /** Gives the room up, or takes it again. To be called often. */
  async keep(freeMb: number): Promise<void> {
    if (freeMb < GIVE_UP_MB && this.#isThere) {
      await rm(this.#file, { force: true });
      this.#isThere = false;
      this.#log(`the disk is full. ${RESERVE_MB} MB that were kept for this are free now.`);
    } else if (freeMb > this.#makeMb && !this.#isThere) {
      this.#making ??= this.#make().finally(() => (this.#making = undefined));
      await this.#making;
    }
  }

  async #make(): Promise<void> {
    const there = await stat(this.#file).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
    if (there?.size !== RESERVE_MB * MB) {
      const file = await open(this.#file, 'w', 0o600);
      try {
        // Written, not truncated to its size: such a file would take no room.
        // The same bytes each time: this process would keep the memory of 32 MB.
        for (let written = 0; written < RESERVE_MB * MB;) written += (await file.write(SOME)).bytesWritten;
      } finally {
        await file.close();
      }
    }
    this.#isThere = true;
  }
}
