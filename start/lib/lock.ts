import { linkSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { errorCode, isMissing } from './file-error.ts';
import { nameProcess, runningProcess } from '../../runner/lib/process-identity.ts';
import { readIfThere } from './process-file.ts';
import { shownPath } from './project.ts';
import type { Refused } from './refused.ts';

export interface Lock {
  release(): void;
}

/** Locks the data folder for this process: two services on the same state would overwrite each other's changes. */
export function lockDataFolder(folder: string): Lock | Refused {
  const file = path.join(folder, 'start.pid');
  const me = nameProcess(process.pid);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    while (!create(file, me)) {
      const found = readIfThere(file);
      if (found === undefined) continue;
      const other = runningProcess(found);
      if (other !== undefined) {
        return {
          refused: `another \`npm start\` (process ${other}) runs on ${shownPath(folder)}: stop it, or set CC_DOCKER_DATA`,
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
      if (readIfThere(file) === me) rmSync(file, { force: true });
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

/** Removes a dead process's lock, and only that: another start may just have removed it and taken the lock itself. */
function removeStale(file: string, stale: string): void {
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  if (readIfThere(aside) === stale) rmSync(aside, { force: true });
  else renameSync(aside, file);
}
