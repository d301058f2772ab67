import * as z from 'zod';
import { uuid } from '../ids.ts';
import { resolution } from '../api/interaction.ts';

/**
 * The link between a container's wrapper and its session: JSON frames, a line each on the session's unix socket, which
 * the runner relays over the session's data socket: upward all that is waiting in one message, a line a frame.
 *
 * Both directions are exactly once. What the wrapper says is numbered `1, 2, …` within its epoch and kept until the
 * session has stored it; what the session orders is numbered too, and kept until the wrapper has taken it. After
 * any break the wrapper says `hello`, is answered `welcome`, and each side sends again what the other lacks. The runner in
 * between is an end of the link to both: it keeps what one side has sent until the other has it, and so outlives either.
 */

/** An order for the wrapper. */
export const wrapperCommand = z.discriminatedUnion('command', [
  /** Hand a user message to `claude`; `message_id` becomes its `uuid`. */
  z.object({ command: z.literal('prompt'), message_id: uuid, prompt: z.string() }),
  /** Answers `asked`. */
  z.object({ command: z.literal('resolve'), interaction_id: uuid, resolution }),
  /** Answers `tool_call`: what the model reads, and the same as data where the tool has a schema for it. */
  z.object({
    command: z.literal('tool_result'),
    call_id: uuid,
    text: z.string(),
    is_error: z.boolean(),
    structured: z.record(z.string(), z.unknown()).optional(),
  }),
  /** From now on, say what is spent (`spent`) as each call of the model's ends; or no longer. */
  z.object({ command: z.literal('watch_spending'), on: z.boolean() }),
  /** End the running turn. */
  z.object({ command: z.literal('interrupt'), message_id: uuid }),
]);
export type WrapperCommand = z.infer<typeof wrapperCommand>;

/** Session → wrapper. */
export const sessionFrame = z.discriminatedUnion('kind', [
  /** Answers `hello`. Items up to `stored` are safe; send what follows. */
  z.object({ kind: z.literal('welcome'), stored: z.int().min(0) }),
  /** Items up to `stored` are safe and can be forgotten. */
  z.object({ kind: z.literal('ack'), stored: z.int().min(1) }),
  /** A gap was seen: send again from `from` on. */
  z.object({ kind: z.literal('resend'), from: z.int().min(1) }),
  /** The runner's own notices up to `stored` are safe. For the runner: no wrapper is sent it. */
  z.object({ kind: z.literal('host_ack'), stored: z.int().min(0) }),
  /** What was cloned has been saved as the workspace's start: go on. From the runner itself, with each `welcome` once it is so. */
  z.object({ kind: z.literal('go') }),
  /** Whether calls to the model are held back (the budget is spent). For the runner: no wrapper is sent it. */
  z.object({ kind: z.literal('model'), held: z.boolean() }),
  z.object({ kind: z.literal('command'), number: z.int().min(1), command: wrapperCommand }),
]);
export type SessionFrame = z.infer<typeof sessionFrame>;
