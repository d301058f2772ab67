import * as z from 'zod';
import { uuid } from '../../ids.ts';

/**
 * `WS /sessions/{id}/terminal`: a shell or a command in the session's container. Binary frames are bytes: of the input, and of the
 * output. Without a terminal (`tty=false`), each binary frame of the server begins with a byte that says of which stream it is
 * (`TerminalChannel`). Text frames are one of the objects below.
 */

/** The first byte of the server's binary frames when the command has no terminal. */
export const TerminalChannel = { output: 1, error: 2 } as const;
export type TerminalChannel = (typeof TerminalChannel)[keyof typeof TerminalChannel];

/** Most columns, and most rows. */
const MAX_SIDE = 1000;
export const terminalSide = z.int().min(1).max(MAX_SIDE);

/** All words of a command together, UTF-8 bytes. */
const MAX_COMMAND_BYTES = 32 * 1024;
const MAX_WORDS = 4096;

/** A command and its arguments, as they are: no shell reads them. */
export const terminalCommand = z
  .array(z.string().refine((word) => !word.includes('\0'), 'must hold no NUL character'))
  .min(1)
  .max(MAX_WORDS)
  .refine((words) => words[0] !== '', 'must begin with a command')
  .refine(
    (words) => new TextEncoder().encode(words.join('\0')).length < MAX_COMMAND_BYTES,
    `must be shorter than ${MAX_COMMAND_BYTES} bytes: a longer script can come as a file, or on its input`,
  );

/** How far the client may be ahead of what the server has said to have taken (`taken`), bytes. */
export const TERMINAL_INPUT_WINDOW = 64 * 1024;

/** A position in a terminal's output or input: bytes since it began. */
const position = z.int().min(0);

/** Client → server. */
export const terminalFrame = z.discriminatedUnion('type', [
  /** What to run: the first frame, when the socket was opened with `exec=true`. Not in the URL, which proxies write into their logs. */
  z.strictObject({ type: z.literal('command'), command: terminalCommand }),
  z.strictObject({ type: z.literal('resize'), cols: terminalSide, rows: terminalSide }),
  /** For the command and its processes. */
  z.strictObject({ type: z.literal('signal'), signal: z.enum(['HUP', 'INT', 'QUIT', 'TERM', 'KILL', 'USR1', 'USR2']) }),
  /** Nothing more is typed: the command's input ends. */
  z.strictObject({ type: z.literal('end') }),
  /** With `acks=true`: the output up to this position was read. */
  z.strictObject({ type: z.literal('ack'), at: position }),
  z.strictObject({ type: z.literal('ping') }),
]);
export type TerminalFrame = z.infer<typeof terminalFrame>;

/** What the container says of a terminal. */
export const terminalReport = z.discriminatedUnion('type', [
  /** It runs. Output goes on from `at`. `input`: how much input it has taken. */
  z.object({ type: z.literal('ready'), terminal: uuid, at: position, input: position, tty: z.boolean() }),
  /** It has taken the input up to this position. */
  z.object({ type: z.literal('taken'), input: position }),
  /** The output from `from` to `to` was dropped: nobody watched, and the terminal went on. */
  z.object({ type: z.literal('gap'), from: position, to: position }),
  /** The command has ended, and all of its output, up to `at`, was sent. `signal`: it was ended by it, and has no `code`. */
  z.object({
    type: z.literal('exit'),
    code: z.int().min(0).max(255).nullable(),
    signal: z.string().max(16).nullable(),
    at: position,
  }),
]);
export type TerminalReport = z.infer<typeof terminalReport>;

/** Server → client. */
export const terminalAnswer = z.discriminatedUnion('type', [
  ...terminalReport.options,
  /** The session's container is being started: `queued` or `starting`, and why it waits. */
  z.object({ type: z.literal('waiting'), status: z.string(), detail: z.string().nullable() }),
  z.object({ type: z.literal('ping') }),
  z.object({ type: z.literal('pong') }),
  /** Why it ends, or which frame was not taken; `code` as of a problem. */
  z.object({ type: z.literal('error'), code: z.string(), detail: z.string() }),
]);
export type TerminalAnswer = z.infer<typeof terminalAnswer>;
