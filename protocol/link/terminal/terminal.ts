import * as z from 'zod';
import { terminalCommand, terminalSide } from '../../api/session/terminal.ts';
import { uuid } from '../../ids.ts';

/**
 * Asks a container for a terminal, over the tunnel. Then both ends speak frames (terminal-frames.ts) on the stream of bytes that
 * the tunnel makes; the runner passes them on unread.
 */
export const terminalOpen = z.object({
  /** The session chooses it. */
  terminal: uuid,
  /** What to begin; absent: it has begun, and this viewer comes, or comes back. */
  begin: z
    .object({
      /** Absent: the user's shell. */
      command: terminalCommand.optional(),
      tty: z.boolean(),
      /** The variable `TERM`. */
      term: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}$/),
      /** After so long without a viewer it is ended, seconds. */
      detached_seconds: z.int().min(1),
    })
    .optional(),
  /** Output from this position on; absent: all that is kept. */
  after: z.int().min(0).optional(),
  cols: terminalSide,
  rows: terminalSide,
});
export type TerminalOpen = z.infer<typeof terminalOpen>;

/** Why a container has no such terminal. */
export interface TerminalRefusal {
  readonly code: 'terminal_not_found' | 'terminal_limit_reached' | 'terminal_unavailable';
  readonly detail: string;
}

/** Terminals that may run in a container at once. */
export const MAX_TERMINALS = 16;
/** How much of a terminal's output is kept for whoever comes back, and may be on its way without being acknowledged, bytes. */
export const TERMINAL_WINDOW = 256 * 1024;
