import type { QueuedJob } from '../tables/outbox-table.ts';

/** A failed job is tried again after this time, milliseconds. It doubles with each failure, up to the longest. */
const RETRY_MS = 1000;
const LONGEST_RETRY_MS = 60_000;
/** The same for what Discord does not allow us: an operator has to act first. */
const FORBIDDEN_MS = 60_000;
const LONGEST_FORBIDDEN_MS = 600_000;

/** After so many faults of our own a job is dropped, so that the jobs behind it do not wait forever. */
export const MAX_FAULTS = 5;

const doubled = (ms: number, times: number, longest: number) => Math.min(ms * 2 ** Math.min(times, 10), longest);

/** How long a failed job waits, milliseconds. */
export const backoff = ({ attempts }: Pick<QueuedJob, 'attempts'>) => doubled(RETRY_MS, attempts, LONGEST_RETRY_MS);

/** How long a job waits that Discord does not allow, milliseconds. */
export const forbiddenBackoff = (attempts: number) => doubled(FORBIDDEN_MS, attempts, LONGEST_FORBIDDEN_MS);
