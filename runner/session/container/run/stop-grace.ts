/** How long a stopped container may take to end, milliseconds. `claude` may take 5 s, and its last lines 8 s to be stored. */
export const STOP_GRACE_MS = 14_000;
/** The same for a container that fills the disk: only its last lines are waited for. */
export const FULL_GRACE_MS = 3_000;
