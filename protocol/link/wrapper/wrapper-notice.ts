import * as z from 'zod';
import { shareArtifactInput } from '../../api/files/artifact.ts';
import { childToolCall } from '../child-tools.ts';
import { wakeupToolCall } from '../wakeup-tools.ts';
import { leftOut } from '../../git/left-out.ts';
import { portNumber, sharePortInput } from '../../api/session/port.ts';
import { uuid, epoch } from '../../ids.ts';
import { protocolVersion } from '../version-field.ts';
import { askUserInput, interactionSubject, notifyUserInput } from '../../api/session/interaction.ts';

/**
 * What a wrapper sends over its link (protocol/link/wrapper/wrapper-link.ts). In a file apart from what it receives: it parses only
 * the latter, and loading these schemas would slow down each container's start.
 */

/** A repository, as the URL that is cloned, and its folder of the workspace. `path` absent: the workspace itself. */
const clonePlace = { repo: z.string().max(2048), path: z.string().max(512).optional() };
/** Another repository follows. Absent: this was the last. */
const more = z.boolean().optional();
/** One before it was cloned. Absent: none was. */
const afterClone = z.boolean().optional();

/** The wrapper's own notices, numbered together with Claude Code's lines. */
export const wrapperNotice = z.discriminatedUnion('notice', [
  /** `claude` is initialised and takes prompts. */
  z.object({
    notice: z.literal('ready'),
    claude_version: z.string().max(128),
    /** Claude Code's id of the conversation, of a `claude` that had one before the session came. Absent: its lines say it. */
    conversation_id: uuid.optional(),
  }),
  /** A clone begins. */
  z.object({ notice: z.literal('cloning'), ...clonePlace }),
  /**
   * A clone is done; `commit` is its HEAD. After the last one the runner answers with `go`, and `claude` starts only then.
   */
  z.object({
    notice: z.literal('cloned'),
    ...clonePlace,
    commit: z.string().max(64),
    ms: z.int(),
    /** What it does not have, the first `MAX_LEFT_OUT`; absent: it has everything. */
    left_out: leftOut.optional(),
    /** How many there are. */
    left_out_count: z.int().min(0).optional(),
    more,
  }),
  /** The folder was a clone of it already, and git has fetched what is new. Its files are as before. Also answered with `go`. */
  z.object({
    notice: z.literal('fetched'),
    ...clonePlace,
    commit: z.string().max(64),
    ms: z.int(),
    more,
    after_clone: afterClone,
  }),
  /** It was not cloned, because of the files that its folder has. They are as before. Also answered with `go`. */
  z.object({
    notice: z.literal('clone_skipped'),
    ...clonePlace,
    detail: z.string().max(2048),
    more,
    after_clone: afterClone,
  }),
  /** A clone failed; `detail` is git's own message. The epoch's last notice. */
  z.object({
    notice: z.literal('clone_failed'),
    ...clonePlace,
    repo: clonePlace.repo.optional(),
    detail: z.string().max(8192),
  }),
  /** A command of the repository's `devcontainer.json`. `output`: the end of what it wrote; absent: it has only begun. */
  z.object({
    notice: z.literal('command'),
    name: z.string().max(300),
    ms: z.int().min(0).optional(),
    output: z.string().max(4096).optional(),
  }),
  /** All of them have run. Answered with `go`, as the last clone is where there are no commands. */
  z.object({ notice: z.literal('prepared'), after_clone: afterClone }),
  /** One of them failed: which, how, and the end of what it wrote. The epoch's last notice. */
  z.object({ notice: z.literal('prepare_failed'), name: z.string().max(300), detail: z.string().max(8192) }),
  /** The message was not given to `claude`, because of a file that its blocks name. */
  z.object({ notice: z.literal('prompt_refused'), message_id: uuid, detail: z.string().max(8192) }),
  /**
   * `claude` waits for a person: for a permission, or for answers to its `AskUserQuestion`. The wrapper chooses the id. The
   * command `resolve` answers it.
   */
  z.object({
    notice: z.literal('asked'),
    interaction_id: uuid,
    tool_use_id: z.string().max(256),
    subject: interactionSubject,
  }),
  /** `claude` no longer waits for this interaction. */
  z.object({ notice: z.literal('withdrawn'), interaction_id: uuid }),
  /** The agent called one of CC-Docker's own tools. The command `tool_result` answers it. */
  z.object({
    notice: z.literal('tool_call'),
    call_id: uuid,
    /** How Claude Code names the call in its lines. Absent: it did not say. */
    tool_use_id: z.string().max(256).optional(),
    call: z.discriminatedUnion('tool', [
      z.object({ tool: z.literal('ask_user'), input: askUserInput }),
      z.object({ tool: z.literal('notify_user'), input: notifyUserInput }),
      z.object({ tool: z.literal('share_artifact'), input: shareArtifactInput }),
      z.object({ tool: z.literal('share_port'), input: sharePortInput }),
      ...childToolCall.options,
      ...wakeupToolCall.options,
    ]),
  }),
  /** The agent no longer waits for the result of this call. */
  z.object({ notice: z.literal('tool_cancelled'), call_id: uuid }),
  /** `claude` answers `set_model` or `set_permission_mode`. `refused`: it did not take it, in its own words; null: it did. */
  z.object({
    notice: z.literal('setting_answered'),
    setting: z.enum(['model', 'permission_mode']),
    refused: z.string().max(2048).nullable(),
  }),
  /** A model call has ended within a turn: what `claude` has spent since its last `result`, USD. */
  z.object({ notice: z.literal('spent'), since_result_usd: z.number().min(0) }),
  /**
   * The state of one of the session's MCP servers. Sent for servers that fail or are slow, and again when that changes.
   */
  z.object({
    notice: z.literal('mcp_server'),
    name: z.string().max(64),
    state: z.enum(['connected', 'connecting', 'failed', 'needs_auth']),
    detail: z.string().max(2048).nullable(),
  }),
  /** Something in the container begins to listen on a TCP port, or nothing does any more. `process`: what listens, if it is known. */
  z.object({
    notice: z.literal('port'),
    port: portNumber,
    state: z.enum(['open', 'closed']),
    process: z.string().max(64).optional(),
  }),
  /** `claude` could not be started or did not initialise. The epoch's last notice: no `exited` follows. */
  z.object({ notice: z.literal('start_failed'), detail: z.string().max(8192) }),
  /** The wrapper probed each guarantee of the seal before anything else ran, and all hold. */
  z.object({ notice: z.literal('sealed'), probes: z.array(z.string().max(64)).max(32) }),
  /** A guarantee of the seal does not hold, so nothing was started. The epoch's last notice. */
  z.object({
    notice: z.literal('seal_broken'),
    failed: z
      .array(z.object({ probe: z.string().max(64), detail: z.string().max(1024) }))
      .min(1)
      .max(32),
  }),
  /** `claude` has ended; `stderr` is the end of its output there. */
  z.object({
    notice: z.literal('exited'),
    code: z.int().nullable(),
    signal: z.string().nullable(),
    stderr: z.string().max(8192),
  }),
  /** A terminal's command has ended: by itself, or because nobody had the terminal for too long. */
  z.object({
    notice: z.literal('terminal_ended'),
    terminal: uuid,
    code: z.int().min(0).max(255).nullable(),
    signal: z.string().max(16).nullable(),
  }),
  /** A line of `claude` was longer than `MAX_LINE_BYTES` and is not transferred. */
  z.object({ notice: z.literal('oversized'), bytes: z.int(), head: z.string().max(1024) }),
  /** A line of `claude` was not a JSON object. */
  z.object({ notice: z.literal('garbled'), line: z.string().max(8192) }),
]);
export type WrapperNotice = z.infer<typeof wrapperNotice>;

const NOTICES: ReadonlySet<string> = new Set(wrapperNotice.options.map(({ shape }) => shape.notice.value));

/** A notice of a wrapper that is newer than who reads it. It has its number like any other, and is passed over. */
const unknownNotice = z.object({
  notice: z
    .string()
    .max(64)
    .refine((name) => !NOTICES.has(name)),
});

/** A line exactly as Claude Code wrote it (without the newline), or a notice of the wrapper. */
const linkItem = z.union([z.string(), wrapperNotice, unknownNotice]);
export type LinkItem = z.infer<typeof linkItem>;

export const isKnownNotice = (item: Exclude<LinkItem, string>): item is WrapperNotice => NOTICES.has(item.notice);

/** Wrapper → session. */
export const wrapperFrame = z.discriminatedUnion('kind', [
  /** The first frame of every connection. `taken`: the last command taken. */
  z.object({
    kind: z.literal('hello'),
    epoch,
    taken: z.int().min(0),
    /** Of who sends it: the wrapper, or its runner. Absent: 1. */
    protocol: protocolVersion.optional(),
    /** Of the runner alone: it dials a tunnel when it is asked to. Absent: it is of an earlier version. */
    tunnel: z.boolean().optional(),
  }),
  /** Items `first, first+1, …`. */
  z.object({ kind: z.literal('items'), first: z.int().min(1), items: z.array(linkItem).min(1) }),
  /** A `stream_event` line: broadcast to viewers, neither numbered nor stored. */
  z.object({ kind: z.literal('preview'), line: z.string() }),
  /** The commands up to `command` have been taken. */
  z.object({ kind: z.literal('taken'), command: z.int().min(1) }),
  /** Answers `ping`. For the runner only: the session never gets it. */
  z.object({ kind: z.literal('pong'), number: z.int().min(1) }),
]);
export type WrapperFrame = z.infer<typeof wrapperFrame>;
