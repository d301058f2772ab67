import { setTimeout as pause } from 'node:timers/promises';
import type { EdgeDisk } from '../../../protocol/health.ts';
import { DiskFloor } from '../../../runner/lib/disk/disk-floor.ts';
import { FreeSpace } from '../../../runner/lib/disk/free-space.ts';
import { Reserve } from './reserve.ts';

/** Between two looks at the disk, milliseconds. */
const LOOK_MS = 200;

export interface EdgeDiskWatchOptions {
  /** Below this much free space, MB, the disk is low. */
  readonly floorMb: number;
  /** For the edge's log. */
  readonly log: (line: string) => void;
}

/** How full the disk is that has the edge's state. workerd cannot see that, so the process around it looks. */
export class EdgeDiskWatch {
  readonly #space: FreeSpace;
  readonly #floor: DiskFloor;
  readonly #floorMb: number;
  readonly #reserve: Reserve;
  readonly #log: (line: string) => void;

  /** @param folder with the state; beside it is a file that keeps some room */
  constructor(folder: string, { floorMb, log }: EdgeDiskWatchOptions) {
    this.#space = new FreeSpace(folder);
    this.#reserve = new Reserve(`${folder}.reserve`, { floorMb, log });
    this.#log = log;
    this.#floor = new DiskFloor(floorMb);
    this.#floorMb = floorMb;
  }

  async look(): Promise<EdgeDisk> {
    return { ...this.#floor.look(await this.#space.now()), floor_mb: this.#floorMb };
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
