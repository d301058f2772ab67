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

/** Ports of one container that it says something listens on. */
export const MAX_LISTENING_PORTS = 64;

/** A frame with several events takes no further event once it holds this much. */
export const BATCH_BYTES = 512 * 1024;

/** Most events in a frame. */
export const BATCH_EVENTS = 200;

/**
 * The window of the wrapper link. A wrapper sends no further frame while so much of what it sent is not acknowledged: bytes
 * are the length of its `items` frames as text, UTF-16 units. The session holds acknowledgements back to slow a container
 * down. It also has to be more than a turn of `claude` has at once, or a slow network would slow everyone down.
 */
export const LINK_WINDOW_BYTES = 16 * 1024 * 1024;
export const LINK_WINDOW_EVENTS = 10_000;

/**
 * More than this unacknowledged is a flood: no correct wrapper sends it. Its last frame may begin just within the window, and
 * be as large as a frame may be.
 */
export const LINK_FLOOD_BYTES = LINK_WINDOW_BYTES + MAX_FRAME_BYTES + BATCH_BYTES;
export const LINK_FLOOD_EVENTS = LINK_WINDOW_EVENTS + 5 * BATCH_EVENTS;

/** Longest line between runner and container about a stream: a terminal's command is in it. */
export const MAX_STREAM_LINE = 256 * 1024;
