import { statfs } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import type { EdgeDisk } from '../../../protocol/health.ts';
import { DiskFloor } from '../../../runner/lib/disk/disk-floor.ts';
import { FreeSpace } from '../../../runner/lib/disk/free-space.ts';
import { Reserve } from './reserve.ts';

/** Between two looks at the disk, milliseconds. */
const LOOK_MS = 200;

/**
 * SQLite takes room for what it maps into memory by a byte in each so many bytes. Smaller blocks are left without, and a full disk
 * then ends the process that writes there.
 */
const MAPPED_BYTES = 4096;

export interface EdgeDiskWatchOptions {
  /** Below this much free space, MB, the disk is low. */
  readonly floorMb: number;
  /** For the edge's log. */
  readonly log: (line: string) => void;
}

/** How full the disk is that has the edge's state. workerd cannot see that, so the process around it looks. */
export class EdgeDiskWatch {
  readonly #folder: string;
  readonly #space: FreeSpace;
  readonly #floor: DiskFloor;
  readonly #floorMb: number;
  readonly #reserve: Reserve;
  readonly #log: (line: string) => void;

  /** @param folder with the state; beside it is a file that keeps some room */
  constructor(folder: string, { floorMb, log }: EdgeDiskWatchOptions) {
    this.#folder = folder;
    this.#space = new FreeSpace(folder);
    this.#reserve = new Reserve(`${folder}.reserve`, { floorMb, log });
    this.#log = log;
    this.#floor = new DiskFloor(floorMb);
    this.#floorMb = floorMb;
  }

  async look(): Promise<EdgeDisk> {
    return { ...this.#floor.look(await this.#space.now()), floor_mb: this.#floorMb };
  }

  /** What people should know of the disk before it is full; null: nothing. */
  async warning(): Promise<string | null> {
    const { bsize: blockBytes } = await statfs(this.#folder);
    if (blockBytes >= MAPPED_BYTES) return null;
    return `the disk's blocks have ${blockBytes} bytes: if it ever is full, the edge may end, and is started again. With blocks of ${MAPPED_BYTES} bytes (mkfs.ext4 -b ${MAPPED_BYTES}) it goes on.`;
  }

  /** Looks until `signal` aborts. Calls `onChange` whenever the disk has become low, or is so no more. */
  async watch(onChange: (disk: EdgeDisk) => void, signal: AbortSignal): Promise<void> {
    let low = false;
    while (!signal.aborted) {
      try {
        const disk = await this.look();
        if (disk.low !== low) onChange(disk);
        low = disk.low;
        await this.#reserve.keep(disk.free_mb);
      } catch (error) {
        this.#log(`the disk cannot be watched: ${String(error)}`);
      }
      await pause(LOOK_MS, undefined, { ref: false, signal }).catch(() => {});
    }
  }
}

/** What people are told. */
export function diskSentence({ free_mb, floor_mb, low }: EdgeDisk): string {
  return low
    ? `the disk is nearly full: ${free_mb} MB free, less than ${floor_mb} MB (DISK_FLOOR_MB). No new work is taken until there is room.`
    : `the disk has room again: ${free_mb} MB free. New work is taken.`;
}
