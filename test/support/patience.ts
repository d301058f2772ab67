/** CI runs all projects side by side on two cores: there, everything takes several times as long as alone. */
const SLOWNESS = process.env['CI'] === undefined ? 1 : 6;

/**
 * A time limit of this many seconds on a quiet machine. A limit only ends what hangs and is never what a test proves, so it may
 * be as long as it likes: nothing that goes well waits for it.
 */
export const atMost = (seconds: number): number => seconds * 1000 * SLOWNESS;

/** How long a condition may take to come true: see `until`. */
export const WAIT_MS = atMost(30);
