/** Limits that both ends of a connection must agree on. Bytes, unless the name says otherwise. */

/** Largest HTTP request body, and largest frame that a viewer may send, unless it carries blocks. */
export const MAX_BODY_BYTES = 1024 * 1024;

/**
 * Largest request body, and largest frame of a viewer, that carries blocks (images, documents). It is one frame on its way to
 * the container, with its text twice, and has to fit `MAX_FRAME_BYTES`. Claude's API takes 32 MB in a request, and that is the
 * whole conversation.
 */
export const MAX_CONTENT_BYTES = 20 * 1024 * 1024;

/** Most text in the blocks of a message, UTF-8. As much as a message of text alone can have. */
export const MAX_TEXT_BYTES = 1024 * 1024;

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
