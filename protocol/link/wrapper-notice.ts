import * as z from 'zod';
import { shareArtifactInput } from '../api/artifact.ts';
import { childToolCall } from './child-tools.ts';
import { uuid, epoch } from '../ids.ts';
import { askUserInput, interactionSubject, notifyUserInput } from '../api/interaction.ts';

/**
 * What a wrapper says over its link (protocol/link/wrapper-link.ts). Apart from what it hears: it parses only that, and each
 * container's start would pay for these schemas.
 */

/** What the wrapper itself has to say, in the same numbering as Claude Code's lines. */
export const wrapperNotice = z.discriminatedUnion('notice', [
  /** `claude` is initialised: a prompt will be taken at once. */
  z.object({ notice: z.literal('ready'), claude_version: z.string().max(128) }),
  /** `git clone` begins; and it is done, at `commit`. The runner answers the latter with `go`, before which nothing starts. */
  z.object({ notice: z.literal('cloning'), repo: z.string().max(2048) }),
  z.object({ notice: z.literal('cloned'), repo: z.string().max(2048), commit: z.string().max(64), ms: z.int() }),
  /** It failed, in git's own words. The epoch's last notice. */
  z.object({ notice: z.literal('clone_failed'), detail: z.string().max(8192) }),
  /**
   * `claude` waits for a person: for a permission, or for answers to its `AskUserQuestion`. The id is the wrapper's. Answered with
   * the command `resolve`.
   */
  z.object({
    notice: z.literal('asked'),
    interaction_id: uuid,
    tool_use_id: z.string().max(256),
    subject: interactionSubject,
  }),
  /** It waits no longer. */
  z.object({ notice: z.literal('withdrawn'), interaction_id: uuid }),
  /** One of CC-Docker's own tools was called. Answered with the command `tool_result`. */
  z.object({
    notice: z.literal('tool_call'),
    call_id: uuid,
    call: z.discriminatedUnion('tool', [
      z.object({ tool: z.literal('ask_user'), input: askUserInput }),
      z.object({ tool: z.literal('notify_user'), input: notifyUserInput }),
      z.object({ tool: z.literal('share_artifact'), input: shareArtifactInput }),
      ...childToolCall.options,
    ]),
  }),
  /** Nobody waits for its result any more. */
  z.object({ notice: z.literal('tool_cancelled'), call_id: uuid }),
  /** What `claude` has spent since its last `result`, USD: a model call of a turn that goes on is done. */
  z.object({ notice: z.literal('spent'), since_result_usd: z.number().min(0) }),
  /** How it stands with one of the session's MCP servers; said of those that fail or are slow, and again when that changes. */
  z.object({
    notice: z.literal('mcp_server'),
    name: z.string().max(64),
    state: z.enum(['connected', 'connecting', 'failed', 'needs_auth']),
    detail: z.string().max(2048).nullable(),
  }),
  /** `claude` could not be started or did not initialise. The epoch's last notice: no `exited` follows. */
  z.object({ notice: z.literal('start_failed'), detail: z.string().max(8192) }),
  /** Each guarantee of the seal was probed from inside, before anything else ran, and holds. */
  z.object({ notice: z.literal('sealed'), probes: z.array(z.string().max(64)).max(32) }),
  /** A guarantee does not hold. Nothing was started. The epoch's last notice. */
  z.object({
    notice: z.literal('seal_broken'),
    failed: z
      .array(z.object({ probe: z.string().max(64), detail: z.string().max(1024) }))
      .min(1)
      .max(32),
  }),
  /** `claude` has ended; `stderr` is the end of what it wrote there. */
  z.object({
    notice: z.literal('exited'),
    code: z.int().nullable(),
    signal: z.string().nullable(),
    stderr: z.string().max(8192),
  }),
  /** A line of `claude`'s was longer than `MAX_LINE_BYTES` and is not carried. */
  z.object({ notice: z.literal('oversized'), bytes: z.int(), head: z.string().max(1024) }),
  /** A line of `claude`'s was not a JSON object. */
  z.object({ notice: z.literal('garbled'), line: z.string().max(8192) }),
]);
export type WrapperNotice = z.infer<typeof wrapperNotice>;

/** A line of Claude Code's exactly as it was written (without the newline), or the wrapper's own notice. */
export const linkItem = z.union([z.string(), wrapperNotice]);
export type LinkItem = z.infer<typeof linkItem>;

/** Wrapper → session. */
export const wrapperFrame = z.discriminatedUnion('kind', [
  /** First on every connection. `taken`: the last command taken. */
  z.object({ kind: z.literal('hello'), epoch, taken: z.int().min(0) }),
  /** Items `first, first+1, …`. */
  z.object({ kind: z.literal('items'), first: z.int().min(1), items: z.array(linkItem).min(1) }),
  /** A `stream_event` line: shown to who is watching, neither numbered nor stored. */
  z.object({ kind: z.literal('preview'), line: z.string() }),
  /** Commands up to `command` have been taken. */
  z.object({ kind: z.literal('taken'), command: z.int().min(1) }),
]);
export type WrapperFrame = z.infer<typeof wrapperFrame>;
