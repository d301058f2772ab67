/** Limits that both ends of a connection must agree on. Bytes, unless the name says otherwise. */

/** Largest HTTP request body, and largest frame that a viewer may send. */
export const MAX_BODY_BYTES = 1024 * 1024;

/**
 * Longest line of Claude Code that is transferred. For a longer one, the log gets `session.oversized` instead. The reason:
 * inside a frame a line is escaped and can double in size, and workerd receives messages of up to 32 MiB.
 */
export const MAX_LINE_BYTES = 12 * 1024 * 1024;

/** Largest frame on the links between wrapper, runner and session. */
export const MAX_FRAME_BYTES = 28 * 1024 * 1024;

/** A frame with several events takes no further event once it holds this much. */
export const BATCH_BYTES = 512 * 1024;

/** Most events in a frame. */
export const BATCH_EVENTS = 200;
