import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { processStart } from '../../runner/lib/process-identity.ts';
import { errorCode, isMissing } from './file-error.ts';
import { shownPath } from './project.ts';
import type { Refused } from './refused.ts';

/** A pid alone does not tell a process: it is used again. */
const holder = z.object({ pid: z.int(), start: z.string() });

export interface Lock {
  release(): void;
}

/** Takes the data folder for this process: two services on the same state would each undo what the other did. */
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
      takeAway(file, found);
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

/** Made whole under another name and then linked: nobody ever reads half a lock. */
function create(file: string, content: string): boolean {
  const draft = `${file}.${process.pid}.new`;
  writeFileSync(draft, content, { mode: 0o600 });
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (errorCode(error) === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
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
    // Cut short by a crash: nobody holds it.
    return undefined;
  }
}

/** Removes what a dead process left, and only that: another start may have done so, and taken the lock, just before. */
function takeAway(file: string, stale: string): void {
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
