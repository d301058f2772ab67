import * as z from 'zod';
import { contentBlock } from '../../content/blocks.ts';
import { uuid } from '../../ids.ts';
import { protocolVersion } from '../version-field.ts';
import { resolution } from '../../api/session/interaction.ts';
import { modelName, permissionMode } from '../../api/session/session-config.ts';

/**
 * The link between a container's wrapper and its session. Frames are JSON, one a line, on the session's unix socket. The
 * runner relays them over the session's data socket; towards the session it puts all waiting frames into one message.
 *
 * Both directions deliver exactly once. The wrapper numbers its items (lines of `claude`, and notices of its own) `1, 2, …`
 * within the epoch and keeps each until the session has stored it. The session numbers its commands and keeps each until the
 * wrapper has taken it. After a break, the wrapper sends `hello`, the session answers `welcome`, and each side sends again
 * what the other lacks. The runner is an end of the link for both: it keeps what one side has sent until the other has it.
 */

/** A command for the wrapper. */
export const wrapperCommand = z.discriminatedUnion('command', [
  /** Give `claude` a user message; `message_id` becomes its `uuid`. */
  z.object({
    command: z.literal('prompt'),
    message_id: uuid,
    prompt: z.string(),
    /** True: within the running turn, as soon as `claude` can take it. Absent: in a turn of its own. */
    steer: z.boolean().optional(),
    /** The message's blocks; absent: `prompt` is all of it. */
    content: z.array(contentBlock).optional(),
    /** The turn's place in its trace (W3C Trace Context); absent: it is not traced. */
    traceparent: z.string().max(128).optional(),
  }),
  /** Nothing. It has the number of a `prompt` whose message ended before it was taken. */
  z.object({ command: z.literal('skip') }),
  /** Answers `asked`. */
  z.object({ command: z.literal('resolve'), interaction_id: uuid, resolution }),
  /**
   * Answers `tool_call`. `text` is for the model; `structured` is the same as data, for a tool with an output schema.
   */
  z.object({
    command: z.literal('tool_result'),
    call_id: uuid,
    text: z.string(),
    is_error: z.boolean(),
    structured: z.record(z.string(), z.unknown()).optional(),
  }),
  /** `on`: send `spent` after each model call from now on. Otherwise: no longer. */
  z.object({ command: z.literal('watch_spending'), on: z.boolean() }),
  /** Use this model from the next call on. `setting_answered` answers. */
  z.object({ command: z.literal('set_model'), model: modelName }),
  /** Ask for permissions in this way from now on. `setting_answered` answers. */
  z.object({ command: z.literal('set_permission_mode'), permission_mode: permissionMode }),
  /** End what runs, unless it is this message's turn and has ended. Null: whatever runs. */
  z.object({
    command: z.literal('interrupt'),
    message_id: uuid.nullable(),
    /** End subagents in the background too. */
    background: z.boolean().optional(),
    /** Tasks in the background to end besides. */
    stop_tasks: z.array(z.string()).optional(),
  }),
]);
export type WrapperCommand = z.infer<typeof wrapperCommand>;

const COMMANDS: ReadonlySet<string> = new Set(wrapperCommand.options.map(({ shape }) => shape.command.value));

/** A command of an edge that is newer than the wrapper. It is taken like any other, and nothing is done. */
const unknownCommand = z.object({
  command: z
    .string()
    .max(64)
    .refine((name) => !COMMANDS.has(name)),
});

export const isKnownCommand = (command: { readonly command: string }): command is WrapperCommand =>
  COMMANDS.has(command.command);

/** Session → wrapper. */
export const sessionFrame = z.discriminatedUnion('kind', [
  /** Answers `hello`. Items up to `stored` are stored; send those after them. */
  z.object({
    kind: z.literal('welcome'),
    stored: z.int().min(0),
    /** As in `hello`: of the session's edge, or of the runner. */
    protocol: protocolVersion.optional(),
  }),
  /** Items up to `stored` are stored and can be forgotten. */
  z.object({ kind: z.literal('ack'), stored: z.int().min(1) }),
  /** Items are missing: send again from `from` on. */
  z.object({ kind: z.literal('resend'), from: z.int().min(1) }),
  /** The runner's own notices up to `stored` are stored. For the runner only: a wrapper never gets it. */
  z.object({ kind: z.literal('host_ack'), stored: z.int().min(0) }),
  /**
   * The clone is saved as the workspace's start: go on. The runner itself sends it, from then on with each `welcome`.
   */
  z.object({ kind: z.literal('go') }),
  /** `held`: model calls are paused, because the budget is spent. For the runner only: a wrapper never gets it. */
  z.object({ kind: z.literal('model'), held: z.boolean() }),
  /** `wanted`: somebody watches who is shown previews. At first they are. For the runner only: a wrapper never gets it. */
  z.object({ kind: z.literal('previews'), wanted: z.boolean() }),
  /** Dial the session's tunnel (`protocol/link/tunnel/frames.ts`). For the runner only, and for one whose `hello` has `tunnel`. */
  z.object({ kind: z.literal('tunnel') }),
  z.object({ kind: z.literal('command'), number: z.int().min(1), command: z.union([wrapperCommand, unknownCommand]) }),
  /** `pong` with the same number answers, at once. From the runner itself, which asks whether the wrapper still lives. */
  z.object({ kind: z.literal('ping'), number: z.int().min(1) }),
]);
export type SessionFrame = z.infer<typeof sessionFrame>;
