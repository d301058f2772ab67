import type { Space } from '../../lib/disk/free-space.ts';
import type { Usage } from '../../lib/disk/usage.ts';

const MB = 1024 * 1024;
/** Less than this says nothing: logs and other small writes are always about. */
const LEAST: Usage = { bytes: MB, files: 1_000 };
/** Measured again after this time in any case, milliseconds: others may have freed what this session has written. */
const UNMEASURED_MS = 60_000;
/** The same where the file system does not count files, milliseconds. */
const UNCOUNTED_MS = 2_000;

/**
 * What to do about a workspace that may still take `room`, when the file system's free space has changed like this since it
 * was measured. `pause`: what was written meanwhile may be so much that the session is near its limit, or over it, if it
 * was the session that wrote.
 */
export function verdictOf(
  room: Usage,
  { before, now, sinceMs }: { before: Space; now: Space; sinceMs: number },
): 'fine' | 'measure' | 'pause' {
  const fell: Usage = {
    bytes: before.freeBytes - now.freeBytes,
    files: before.freeFiles === null || now.freeFiles === null ? 0 : before.freeFiles - now.freeFiles,
  };
  if (reaches(fell, room, 2)) return 'pause';
  const unmeasuredMs = now.freeFiles === null ? UNCOUNTED_MS : UNMEASURED_MS;
  return reaches(fell, room, 8) || sinceMs > unmeasuredMs ? 'measure' : 'fine';
}

/** Whether as much was written as a `part`th of what may still be. */
function reaches(fell: Usage, room: Usage, part: number): boolean {
  return (['bytes', 'files'] as const).some((of) => fell[of] >= Math.max(LEAST[of], room[of] / part));
}
