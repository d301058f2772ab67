import * as z from 'zod';

/** UUIDv7. A session's id is also Claude Code's `--session-id`; a message's is the `uuid` of its user message. */
export const uuid = z.uuid({ error: 'must be a UUID' });

/** A user by name: the `sub` of their tokens. */
export const userName = z.string().min(1).max(256);

/** Counts the launches of a session, from 1. Everything that a container sends belongs to the epoch of its launch. */
export const epoch = z.int().min(1);

/** An instant on the wire: RFC 3339 in UTC, to the millisecond. */
export const instant = z.iso.datetime();
