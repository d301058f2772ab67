import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { VERSION } from '../../protocol/version.ts';
import { edgeFolder } from '../edge/edge-part.ts';
import { processFileOf } from '../edge/edge.ts';
import { lockDataFolder } from '../lib/lock.ts';
import { runningProcess } from '../../runner/lib/process-identity.ts';
import { readIfThere } from '../lib/process-file.ts';
import { shownPath } from '../lib/project.ts';
import { isRefused, type Refused } from '../lib/refused.ts';
import { MANIFEST, objectsIn, PARTS, type Manifest } from './manifest.ts';
import { whilePaused } from './paused.ts';
import { TreeCopy, type Copied } from './tree-copy.ts';

export interface BackupOptions {
  readonly dataFolder: string;
  /** A new folder. */
  readonly to: string;
  /** The edge may stand still for so long, milliseconds. */
  readonly longestPauseMs: number;
  /** Where snapshots and artifacts are that it does not copy; null: nowhere else. */
  readonly storageElsewhere: string | null;
}

/** The edge had to stand still for too long. */
class TooLong extends Error {}

/** Passes over the edge's state before it stands still: the last of them finds little that has changed. */
const LIVE_PASSES = 2;

/**
 * Copies a service's data folder while it runs. The edge's objects are all of one moment: their process stands still for the last part
 * of the copy, and what it has on the disk then is what a kill would leave. The runner's folders come after that, so that they have
 * all that this state refers to.
 */
export async function makeBackup(options: BackupOptions): Promise<Manifest | Refused> {
  const { dataFolder, to, longestPauseMs, storageElsewhere } = options;
  const edge = edgeFolder(dataFolder);
  if (!existsSync(edge)) return { refused: `${shownPath(dataFolder)} has no state of an edge: set CC_DOCKER_DATA` };
  if (existsSync(to) && readdirSync(to).length > 0) return { refused: `${to} is not empty: name a new folder` };
  mkdirSync(to, { recursive: true, mode: 0o700 });
  const copied = await copyEdge({ dataFolder, edge, to: path.join(to, 'edge'), longestPauseMs });
  if (isRefused(copied)) return copied;
  const total = { ...copied.copied };
  const secret = readIfThere(path.join(dataFolder, 'development-secret'));
  if (secret !== undefined) writeFileSync(path.join(to, 'development-secret'), secret, { mode: 0o600 });
  const runner = path.join(dataFolder, 'runner');
  if (existsSync(runner)) {
    const copy = new TreeCopy(runner, path.join(to, 'runner'), { leaveOut: isOfOneStart, skipUnreadable: true });
    const { files, bytes, skipped } = copy.pass();
    total.files += files;
    total.bytes += bytes;
    total.skipped.push(...skipped);
  }
  const made: Manifest = {
    format: 1,
    version: VERSION,
    made_at: new Date(copied.at).toISOString(),
    paused_ms: Math.round(copied.pausedMs),
    parts: PARTS.filter((part) => existsSync(path.join(to, part))),
    objects: objectsIn(path.join(to, 'edge')),
    storage_elsewhere: storageElsewhere,
    ...total,
  };
  writeFileSync(path.join(to, MANIFEST), `${JSON.stringify(made, null, 2)}\n`, { mode: 0o600 });
  return made;
}

interface EdgeCopy {
  readonly copied: Copied;
  readonly pausedMs: number;
  /** The moment that the copy is of, epoch milliseconds. */
  readonly at: number;
}

async function copyEdge(options: {
  dataFolder: string;
  edge: string;
  to: string;
  longestPauseMs: number;
}): Promise<EdgeCopy | Refused> {
  const { dataFolder, edge, to, longestPauseMs } = options;
  const running = () => runningProcess(readIfThere(processFileOf(edge)) ?? '');
  const pid = running();
  const copy = new TreeCopy(edge, to, { leaveOut: isWalIndex });
  if (pid === undefined) {
    const lock = lockDataFolder(dataFolder);
    if (isRefused(lock)) return { refused: `the edge starts, or ends, at this moment: try again (${lock.refused})` };
    try {
      return { copied: copy.pass(), pausedMs: 0, at: Date.now() };
    } finally {
      lock.release();
    }
  }
  for (let pass = 0; pass < LIVE_PASSES; pass++) copy.pass();
  let until = 0;
  const check = () => {
    if (performance.now() > until) throw new TooLong();
  };
  try {
    const { value: at, pausedMs } = await whilePaused(pid, () => {
      until = performance.now() + longestPauseMs;
      const moment = Date.now();
      copy.pass(check);
      return moment;
    });
    // Another that was started meanwhile would have written.
    if (running() !== pid) return { refused: 'the edge has ended while it was copied: try again' };
    return { copied: sizeOf(to), pausedMs, at };
  } catch (error) {
    if (!(error instanceof TooLong)) throw error;
    const seconds = longestPauseMs / 1000;
    return {
      refused: `the edge would have to stand still for more than ${seconds} s: allow more (--pause SECONDS), or back up to the same disk, if its file system shares blocks (btrfs, XFS)`,
    };
  }
}

/** What is in the copy at its end. */
function sizeOf(folder: string): Copied {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const bytes = files.reduce((sum, { parentPath, name }) => sum + statSync(path.join(parentPath, name)).size, 0);
  return { files: files.length, bytes, skipped: [] };
}

/** SQLite makes it anew from the log beside it. It is mapped into memory: its time does not say whether it has changed. */
const isWalIndex = (name: string): boolean => name.endsWith('.sqlite-shm');

/** What a runner makes anew at each start, and what goes with a container. */
function isOfOneStart(name: string): boolean {
  return name === 'runner.pid' || /^sessions\/[^/]+\/(run|tmp)$/.test(name);
}
