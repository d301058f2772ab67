import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { nameProcess, runningProcess } from './process-identity.ts';

/** The runner's own folder. One runner at a time has it locked. */
export interface DataFolder {
  /** Labels this folder's containers: other runners may use the same engine. */
  runnerId: string;
  sessions: string;
  /** In the same file system: a spare's folders become a session's. It may be missing. */
  spares: string;
  release(): void;
}

/**
 * Opens the folder and locks it. Without the lock, two runners in one folder would each adopt or remove the other's
 * containers.
 */
export function openDataFolder(folder: string): { ok: true; data: DataFolder } | { ok: false; problem: string } {
  const sessions = path.join(folder, 'sessions');
  const lock = path.join(folder, 'runner.pid');
  try {
    mkdirSync(sessions, { recursive: true, mode: 0o700 });
  } catch (error) {
    return { ok: false, problem: `CC_DOCKER_DATA cannot be used: ${String(error)}` };
  }
  for (;;) {
    try {
      writeFileSync(lock, nameProcess(process.pid), { flag: 'wx', mode: 0o600 });
      break;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
      const other = holderOf(lock);
      if (other !== undefined)
        return {
          ok: false,
          problem: `Another runner (process ${other}) uses ${folder}: stop it, or set CC_DOCKER_DATA`,
        };
      rmSync(lock, { force: true });
    }
  }
  const spares = path.join(folder, 'spares');
  const release = (): void => rmSync(lock, { force: true });
  return { ok: true, data: { runnerId: runnerId(folder), sessions, spares, release } };
}

/** The id of the process that has the lock, if that still runs. */
function holderOf(lock: string): number | undefined {
  let content;
  try {
    content = readFileSync(lock, 'utf8');
  } catch (error) {
    // It was just released.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  return runningProcess(content);
}

function runnerId(folder: string): string {
  const file = path.join(folder, 'id');
  try {
    writeFileSync(file, randomUUID(), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
  return z.uuid({ error: `${file} is damaged: remove it` }).parse(readFileSync(file, 'utf8').trim());
}
