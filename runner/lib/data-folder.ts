import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { processStart } from './process-identity.ts';

const holder = z.object({ pid: z.int(), start: z.string() });

/** The runner's own folder. One runner at a time has it locked. */
export interface DataFolder {
  /** Labels this folder's containers: other runners may use the same engine. */
  runnerId: string;
  sessions: string;
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
      const me = { pid: process.pid, start: processStart(process.pid) ?? '' };
      writeFileSync(lock, JSON.stringify(me), { flag: 'wx', mode: 0o600 });
      break;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
      const other = readHolder(lock);
      if (other !== undefined && processStart(other.pid) === other.start)
        return {
          ok: false,
          problem: `Another runner (process ${other.pid}) uses ${folder}: stop it, or set CC_DOCKER_DATA`,
        };
      rmSync(lock, { force: true });
    }
  }
  return { ok: true, data: { runnerId: runnerId(folder), sessions, release: () => rmSync(lock, { force: true }) } };
}

function readHolder(lock: string): z.infer<typeof holder> | undefined {
  try {
    return holder.safeParse(JSON.parse(readFileSync(lock, 'utf8'))).data;
  } catch {
    // A crash cut the file short, or it was just released: nobody holds the lock.
    return undefined;
  }
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
