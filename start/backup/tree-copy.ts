import {
  closeSync,
  constants,
  copyFileSync,
  fchownSync,
  fstatSync,
  futimesSync,
  lchownSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  fchmodSync,
  type BigIntStats,
} from 'node:fs';
import path from 'node:path';
import { errorCode, isMissing } from '../lib/file-error.ts';

/** A file that was changed so short a time ago may change again without a later time. Nanoseconds. */
const RACY_NS = 2_000_000_000n;

/** Stands in a name for bytes that are no UTF-8: by such a name nothing is found. */
const NO_TEXT = '\u{FFFD}';

/** What a pass has copied. */
export interface Copied {
  files: number;
  bytes: number;
  /** What could not be read: only with `skipUnreadable`. */
  skipped: string[];
}

export interface TreeCopyOptions {
  /** By its path in the tree, with `/`. */
  readonly leaveOut?: (name: string) => boolean;
  /** What this user may not read, or what has a name that is no text, is named and left out. Otherwise it is an error. */
  readonly skipUnreadable?: boolean;
}

/**
 * Copies a folder, in passes: each copies what has changed since the one before. Shares blocks where the file system can. Who writes in
 * the folder meanwhile may rename and link in it: each step is opened by itself, relative to the one before, and no link is followed.
 * What vanishes meanwhile is left out, as are sockets and pipes. It does not yield: nothing else of this process runs meanwhile.
 */
export class TreeCopy {
  readonly #from: string;
  readonly #to: string;
  readonly #options: TreeCopyOptions;
  /** How each file was when it was copied. */
  readonly #stamps = new Map<string, string>();
  #seen = new Set<string>();
  #copied: Copied = { files: 0, bytes: 0, skipped: [] };

  constructor(from: string, to: string, options: TreeCopyOptions = {}) {
    this.#from = from;
    this.#to = to;
    this.#options = options;
  }

  /**
   * @param check called before each file; to throw ends the copy
   * @throws when something cannot be read or written
   */
  pass(check: () => void = () => {}): Copied {
    this.#seen = new Set();
    this.#copied = { files: 0, bytes: 0, skipped: [] };
    const root = openSync(this.#from, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      this.#folder(root, this.#from, '', check);
    } finally {
      closeSync(root);
    }
    for (const name of this.#stamps.keys()) {
      if (this.#seen.has(name)) continue;
      rmSync(path.join(this.#to, name), { force: true });
      this.#stamps.delete(name);
    }
    return this.#copied;
  }

  #folder(opened: number, shown: string, name: string, check: () => void): void {
    const target = path.join(this.#to, name);
    const found = fstatSync(opened, { bigint: true });
    mkdirSync(target, { recursive: true, mode: 0o700 });
    const inside = at(opened, shown);
    for (const entry of readdirSync(inside, { withFileTypes: true })) {
      const child = name === '' ? entry.name : `${name}/${entry.name}`;
      if (this.#options.leaveOut?.(child) === true) continue;
      check();
      const source = path.join(inside, entry.name);
      try {
        if (entry.isSymbolicLink()) this.#link(source, child);
        else if (entry.isDirectory()) this.#open(source, true, (fd) => this.#folder(fd, source, child, check));
        else if (entry.isFile()) this.#open(source, false, (fd) => this.#file(fd, source, child));
      } catch (error) {
        if (isGone(error) && !entry.name.includes(NO_TEXT)) continue;
        if (this.#options.skipUnreadable !== true || !isUnreadable(error)) throw error;
        this.#copied.skipped.push(child);
      }
    }
    const folder = openSync(target, constants.O_RDONLY);
    try {
      this.#likeIt(folder, found);
    } finally {
      closeSync(folder);
    }
  }

  #open(source: string, isFolder: boolean, use: (fd: number) => void): void {
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const fd = openSync(source, isFolder ? flags | constants.O_DIRECTORY : flags);
    try {
      use(fd);
    } finally {
      closeSync(fd);
    }
  }

  #file(fd: number, shown: string, name: string): void {
    const found = fstatSync(fd, { bigint: true });
    if (!found.isFile()) return;
    this.#seen.add(name);
    const stamp = `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`;
    if (this.#stamps.get(name) === stamp) return;
    const target = path.join(this.#to, name);
    const age = BigInt(Date.now()) * 1_000_000n - found.mtimeNs;
    this.#stamps.set(name, age > RACY_NS ? stamp : '');
    copyFileSync(at(fd, shown), target, constants.COPYFILE_FICLONE);
    const copy = openSync(target, constants.O_RDONLY);
    try {
      this.#likeIt(copy, found);
    } finally {
      closeSync(copy);
    }
    this.#copied.files += 1;
    this.#copied.bytes += Number(found.size);
  }

  #link(source: string, name: string): void {
    const found = lstatSync(source, { bigint: true });
    const target = path.join(this.#to, name);
    this.#seen.add(name);
    this.#stamps.set(name, '');
    rmSync(target, { force: true });
    symlinkSync(readlinkSync(source), target);
    if (isRoot()) lchownSync(target, Number(found.uid), Number(found.gid));
    lutimesSync(target, Number(found.atimeMs) / 1000, Number(found.mtimeMs) / 1000);
  }

  /** Gives a copy the owner, the mode and the times of what it is a copy of. */
  #likeIt(fd: number, { uid, gid, mode, atimeNs, mtimeNs }: BigIntStats): void {
    if (isRoot()) fchownSync(fd, Number(uid), Number(gid));
    fchmodSync(fd, Number(mode) & 0o7777);
    futimesSync(fd, Number(atimeNs) / 1e9, Number(mtimeNs) / 1e9);
  }
}

const isRoot = (): boolean => process.getuid?.() === 0;

/** What is open as a path. Elsewhere than on Linux it is the path by which it was opened. */
const at = (fd: number, shown: string): string => (process.platform === 'linux' ? `/proc/self/fd/${fd}` : shown);

const isUnreadable = (error: unknown): boolean =>
  isMissing(error) || ['EACCES', 'EPERM'].includes(errorCode(error) ?? '');

/** It vanished, or was replaced by something else, after the folder was listed. */
function isGone(error: unknown): boolean {
  if (isMissing(error)) return true;
  return ['ELOOP', 'ENOTDIR', 'ENXIO'].includes(errorCode(error) ?? '');
}
