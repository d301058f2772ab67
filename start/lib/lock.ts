import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { processStart } from '../../runner/lib/process-identity.ts';
import { errorCode, isMissing } from './file-error.ts';
import { shownPath } from './project.ts';
import type { Refused } from './refused.ts';

/** A process id alone does not identify a process: the system uses it again. */
const holder = z.object({ pid: z.int(), start: z.string() });

export interface Lock {
  release(): void;
}

/** Locks the data folder for this process: two services on the same state would overwrite each other's changes. */
export function lockDataFolder(folder: string): Lock | Refused {
  const file = path.join(folder, 'start.pid');
  const me = JSON.stringify({ pid: process.pid, start: processStart(process.pid) ?? '' });
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    while (!create(file, me)) {
      const found = read(file);
      if (found === undefined) continue;
      const other = parseHolder(found);
      if (other !== undefined && processStart(other.pid) === other.start) {
        return {
          refused: `another \`npm start\` (process ${other.pid}) runs on ${shownPath(folder)}: stop it, or set CC_DOCKER_DATA`,
        };
      }
      removeStale(file, found);
    }
  } catch (error) {
    return {
      refused: `CC_DOCKER_DATA ${folder} cannot be used: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
  return {
    release: () => {
      if (read(file) === me) rmSync(file, { force: true });
    },
  };
}

/** Writes the lock under another name, then links it: nobody can read an incomplete lock. */
function create(file: string, content: string): boolean {
  const temporary = `${file}.${process.pid}.new`;
  writeFileSync(temporary, content, { mode: 0o600 });
  try {
    linkSync(temporary, file);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function parseHolder(text: string): z.infer<typeof holder> | undefined {
  try {
    return holder.safeParse(JSON.parse(text)).data;
  } catch {
    // Incomplete, because of a crash: nobody holds it.
    return undefined;
  }
}

/** Removes a dead process's lock, and only that: another start may just have removed it and taken the lock itself. */
function removeStale(file: string, stale: string): void {
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  if (read(aside) === stale) rmSync(aside, { force: true });
  else renameSync(aside, file);
}
