import * as z from 'zod';
import { instant } from '../../ids.ts';

/**
 * One event of a session's log. `seq` counts from 1 without gaps; it is the storage key, the SSE id and the cursor. `type`
 * is Claude Code's own, with its JSON untouched in `data`, or one of CC-Docker's (`session.*`, `message.*`, …).
 */
export const eventEnvelope = z.object({
  seq: z.int().min(1),
  time: instant,
  type: z.string(),
  data: z.record(z.string(), z.unknown()),
});
export type EventEnvelope = z.infer<typeof eventEnvelope>;

/** `GET /sessions/{id}/events`: a page of the log, the oldest first. */
export const eventPage = z.object({
  data: z.array(eventEnvelope),
  /** The next `after`; null: the page is the log's end. */
  next_cursor: z.string().nullable(),
  /** The next `before`; null: nothing that comes before the page is stored. */
  prev_cursor: z.string().nullable(),
  /** `seq` of the newest event. */
  last_seq: z.int(),
  /** What was asked for and is no longer stored: it comes before `data`. */
  gap: z.object({ from: z.int(), to: z.int() }).optional(),
});

/** A token-by-token preview: broadcast, but never stored, so it has no `seq`. */
export const previewEnvelope = eventEnvelope.omit({ seq: true });
export type PreviewEnvelope = z.infer<typeof previewEnvelope>;
