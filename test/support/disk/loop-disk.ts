import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statfsSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const MB = 1024 * 1024;

/** A small disk of a test's own: a file system in a file. */
export class LoopDisk {
  readonly folder: string;
  readonly #root: string;

  private constructor(root: string, folder: string) {
    this.#root = root;
    this.folder = folder;
  }

  /**
   * @param blockBytes of one block. A file system as small as a test's gets smaller ones by default than any real disk has
   * @throws when this process may not mount one
   */
  static make(mb: number, blockBytes: 1024 | 4096 = 4096): LoopDisk {
    const root = mkdtempSync(path.join(os.tmpdir(), 'cc-docker-disk-'));
    const [image, folder] = [path.join(root, 'image'), path.join(root, 'disk')];
    try {
      mkdirSync(folder);
      closeSync(openSync(image, 'w'));
      truncateSync(image, mb * MB);
      execFileSync('mkfs.ext4', ['-q', '-m', '0', '-b', String(blockBytes), image], { stdio: 'pipe' });
      execFileSync('mount', ['-o', 'loop', image, folder], { stdio: 'pipe' });
    } catch (error) {
      rmSync(root, { recursive: true, force: true });
      throw error;
    }
    return new LoopDisk(root, folder);
  }

  /** Writes a file until so much is free, MB, or nothing more can be written. */
  fill(leaveMb: number): void {
    const file = openSync(path.join(this.folder, 'filler'), 'a');
    const mb = Buffer.alloc(MB, 1);
    try {
      for (let more = Math.ceil(this.#freeMb() - leaveMb); more > 0; more--) writeSync(file, mb);
      // The last blocks.
      if (leaveMb === 0) for (;;) writeSync(file, mb, 0, 4096);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
    } finally {
      closeSync(file);
    }
  }

  /** Of what `fill` has written, so many bytes are free again. */
  giveBack(bytes: number): void {
    const file = path.join(this.folder, 'filler');
    truncateSync(file, Math.max(0, statSync(file).size - bytes));
  }

  /** Removes what `fill` has written. */
  makeRoom(): void {
    rmSync(path.join(this.folder, 'filler'), { force: true });
  }

  remove(): void {
    execFileSync('umount', [this.folder], { stdio: 'pipe' });
    rmSync(this.#root, { recursive: true, force: true });
  }

  #freeMb(): number {
    const { bavail, bsize } = statfsSync(this.folder);
    return (bavail * bsize) / MB;
  }
}

/** Why this machine has no such disk; undefined: it has. */
export function whyNoLoopDisk(): string | undefined {
  try {
    LoopDisk.make(8).remove();
    return undefined;
  } catch (error) {
    return `a small disk cannot be mounted here: ${String(error).trim().split('\n').at(-1)}`;
  }
}
