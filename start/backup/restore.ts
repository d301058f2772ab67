import { existsSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { VERSION } from '../../protocol/version.ts';
import { edgeFolder } from '../edge/edge-part.ts';
import { processFileOf } from '../edge/edge.ts';
import { lockDataFolder } from '../lib/lock.ts';
import { runningProcess } from '../../runner/lib/process-identity.ts';
import { readIfThere } from '../lib/process-file.ts';
import { shownPath } from '../lib/project.ts';
import { isRefused, type Refused } from '../lib/refused.ts';
import { readManifest, type Manifest } from './manifest.ts';
import { TreeCopy } from './tree-copy.ts';

export interface RestoreOptions {
  /** The backup's folder. */
  readonly from: string;
  readonly dataFolder: string;
  /** What is in the data folder is put aside. Otherwise it is in the way. */
  readonly overwrite: boolean;
}

export interface Restored {
  readonly manifest: Manifest;
  /** What was in the data folder before, each with the name that it has now. */
  readonly aside: readonly string[];
}

/** Brings a backup back into a data folder that nothing runs on. Each part takes its place whole. */
export function restoreBackup({ from, dataFolder, overwrite }: RestoreOptions): Restored | Refused {
  const found = readManifest(from);
  if (found === null) return { refused: `${from} is no whole backup: it has no backup.json` };
  if (isNewer(found.version, VERSION)) {
    return {
      refused: `the backup is of CC-Docker ${found.version}, and this is ${VERSION}: restore it with that version`,
    };
  }
  const lock = lockDataFolder(dataFolder);
  if (isRefused(lock)) return lock;
  try {
    const pid = runningProcess(readIfThere(processFileOf(edgeFolder(dataFolder))) ?? '');
    if (pid !== undefined) return { refused: `an edge (process ${pid}) runs on ${shownPath(dataFolder)}: stop it` };
    const runner = runningProcess(readIfThere(path.join(dataFolder, 'runner', 'runner.pid')) ?? '');
    if (runner !== undefined)
      return { refused: `a runner (process ${runner}) runs on ${shownPath(dataFolder)}: stop it` };
    const inTheWay = found.parts.filter((part) => existsSync(path.join(dataFolder, part)));
    if (inTheWay.length > 0 && !overwrite) {
      const names = inTheWay.join(', ');
      return { refused: `${shownPath(dataFolder)} has ${names} already: \`--overwrite\` puts that aside` };
    }
    return { manifest: found, aside: bringBack(from, dataFolder, found) };
  } finally {
    lock.release();
  }
}

function bringBack(from: string, dataFolder: string, { parts }: Manifest): string[] {
  const suffix = new Date().toISOString().replaceAll(/[-:]|\..*/g, '');
  const staged = path.join(dataFolder, `restore-${suffix}`);
  new TreeCopy(from, staged).pass();
  const aside: string[] = [];
  for (const part of parts) {
    const place = path.join(dataFolder, part);
    if (existsSync(place)) {
      const old = `${place}.before-${suffix}`;
      renameSync(place, old);
      aside.push(old);
    }
    renameSync(path.join(staged, part), place);
  }
  rmSync(staged, { recursive: true });
  return aside;
}

/** By the numbers of `1.2.3`. */
function isNewer(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => text.split('.').map((part) => Number.parseInt(part, 10)));
  for (const index of [0, 1, 2]) {
    const [left = 0, right = 0] = [a?.[index], b?.[index]];
    if (left !== right) return left > right;
  }
  return false;
}
