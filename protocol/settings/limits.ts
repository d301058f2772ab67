/** Sizes that both ends of a connection must agree on. Bytes, unless the name says otherwise. */

/** Largest HTTP request body, and largest frame a viewer may send. */
export const MAX_BODY_BYTES = 1024 * 1024;

/**
 * Largest single line of Claude Code's that is carried whole. Escaped inside a frame it can double, and workerd
 * receives messages of up to 32 MiB; a longer line is named in the log (`session.oversized`), not carried.
 */
export const MAX_LINE_BYTES = 12 * 1024 * 1024;

/** Largest frame on the links between wrapper, runner and session. */
export const MAX_FRAME_BYTES = 28 * 1024 * 1024;

/** A frame of several events is closed once it holds this much. */
export const BATCH_BYTES = 512 * 1024;

/** A frame holds at most this many events. */
export const BATCH_EVENTS = 200;
