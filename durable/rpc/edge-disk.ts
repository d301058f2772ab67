import { edgeDisk, type EdgeDisk } from '../../protocol/health.ts';
import type { Refusal } from '../../protocol/api/problem.ts';
import type { EdgeEnv } from './edge-env.ts';

/** How long an answer counts, milliseconds. */
const FRESH_MS = 1_000;
/** When a refused caller may come back, seconds. */
const RETRY_SECONDS = 10;

/** The last answer, for all requests and objects of this isolate. */
let known: EdgeDisk | null = null;
let askedAt = -Infinity;

type Env = Pick<EdgeEnv, 'DISK'>;

/** How full the disk is; null: nobody says so. It is asked at most once a second. */
export async function diskOf({ DISK }: Env): Promise<EdgeDisk | null> {
  if (DISK === undefined) return null;
  return known !== null && Date.now() - askedAt < FRESH_MS ? known : ask(DISK);
}

async function ask(disk: Fetcher): Promise<EdgeDisk> {
  askedAt = Date.now();
  const answer = await disk.fetch('http://disk/');
  known = edgeDisk.parse(await answer.json());
  return known;
}

/** Whether `diskOf` has to ask. */
export function isDiskKnown({ DISK }: Env): boolean {
  return DISK === undefined || (known !== null && Date.now() - askedAt < FRESH_MS);
}

/** Why no new work is taken, by the last answer; null: it is. */
export function knownLowDisk({ DISK }: Env): Refusal | null {
  return DISK === undefined || known?.low !== true ? null : diskLow(known);
}

/** Why no new work is taken; null: it is. */
export async function lowDisk(env: Env): Promise<Refusal | null> {
  const disk = await diskOf(env);
  return disk?.low === true ? diskLow(disk) : null;
}

function diskLow({ free_mb, floor_mb }: EdgeDisk): Refusal {
  const detail = `The service's disk has ${free_mb} MB free, and below ${floor_mb} MB (DISK_FLOOR_MB) it takes no new work. Reading, stopping, deleting and answering go on. Try again when there is room.`;
  return { refused: 'disk_low', detail, retry_after_seconds: RETRY_SECONDS };
}

/** The refusal of a call that could not be stored at all. */
export const DISK_FULL: Refusal = {
  refused: 'disk_low',
  detail: 'The service’s disk is full: nothing could be stored. Try again when there is room.',
  retry_after_seconds: RETRY_SECONDS,
};

/**
 * Whether a call failed because the disk is full. An object whose write finds no room says so in SQLite's words; calls that
 * come while it breaks down have an error of the runtime's that says nothing. Errors lose their class on the way.
 */
export async function isDiskFull(error: Error, { DISK }: Env): Promise<boolean> {
  if (error.message.includes('SQLITE_FULL')) return true;
  if (!error.message.startsWith('internal error; reference = ')) return false;
  // A disk can fill up within the time for which an answer counts.
  return DISK !== undefined && (await ask(DISK)).free_mb === 0;
}
