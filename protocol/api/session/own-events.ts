import * as z from 'zod';
import { shownBlock } from '../../content/blocks.ts';
import { environmentName, environmentRevision } from '../environment-name.ts';
import { artifactView } from '../files/artifact.ts';
import { childResult } from './child.ts';
import { leftOut } from '../../git/left-out.ts';
import { instant, uuid } from '../../ids.ts';
import { interactionState, interactionSubject, resolution } from './interaction.ts';
import { backgroundTask, turnOrigin, turnView, wakeupView } from './message.ts';
import { reason, messageError } from '../../reason.ts';
import { agentTool } from './session-config.ts';
import { sessionSettings, sessionStatus } from './session.ts';
import { skippedFile, snapshotState, snapshotTrigger } from '../files/workspace.ts';

/** CC-Docker's own events with the schemas of their `data`. */
export const ownEvents = {
  'session.status': z.object({ status: sessionStatus, epoch: z.int(), reason: reason.nullable() }),
  /**
   * A setting has changed, whoever changed it: its owner, a command in the conversation, or an approved plan. `refused`:
   * Claude Code did not take a change, for this reason, and the setting is as before.
   */
  'session.settings': sessionSettings.extend({ refused: z.string().optional() }),
  /** `claude` is initialised in this epoch's container. */
  'session.ready': z.object({ epoch: z.int(), claude_version: z.string() }),
  /** The wrapper probed the seal from inside the container, and it holds. */
  'session.sealed': z.object({ epoch: z.int(), probes: z.array(z.string()) }),
  /** A decision of the egress policy. The same decision comes again with what has been counted since. */
  'session.egress': z.object({
    epoch: z.int(),
    host: z.string(),
    port: z.int(),
    verdict: z.enum(['allowed', 'refused']),
    rule: z.string(),
    count: z.int(),
    bytes_sent: z.int(),
    bytes_received: z.int(),
  }),
  /** `claude` ended. The events after it say whether that was intended. */
  'session.claude_exited': z.object({
    epoch: z.int(),
    code: z.int().nullable(),
    signal: z.string().nullable(),
    stderr: z.string(),
  }),
  /** What runs in the background now. */
  'session.background_tasks': z.object({ tasks: z.array(backgroundTask) }),
  /** The conversation began anew (`/clear`), under another id of Claude Code's. The files stay. */
  'session.conversation_reset': z.object({ conversation_id: uuid }),
  /** A line of Claude Code was too long to transfer: its length, and how it began. */
  'session.oversized': z.object({ bytes: z.int(), head: z.string() }),
  /** A line of Claude Code was not a JSON object, or its `type` is reserved for CC-Docker. */
  'session.garbled': z.object({ line: z.string() }),
  /** Events `from` to `to` are no longer stored. Sent only to the viewer that asked for them, and not stored itself. */
  'session.gap': z.object({ from: z.int(), to: z.int() }),
  /** A snapshot was stored, could not be stored yet, or was given up. */
  'workspace.snapshot': z.object({
    snapshot_id: uuid,
    trigger: snapshotTrigger,
    state: snapshotState,
    files: z.int(),
    bytes: z.int(),
    new_bytes: z.int(),
    skipped: z.array(skippedFile),
    detail: z.string().nullable(),
  }),
  /** The files came from a snapshot. */
  'workspace.restored': z.object({
    epoch: z.int(),
    snapshot_id: z.string(),
    files: z.int(),
    bytes: z.int(),
    ms: z.int(),
  }),
  /** `path`, here and below: the folder of the workspace that the repository has; absent: the workspace itself. */
  'workspace.cloning': z.object({ epoch: z.int(), repo: z.string(), path: z.string().optional() }),
  /** `left_out`: what it does not have, the first of `left_out_count`. */
  'workspace.cloned': z.object({
    epoch: z.int(),
    repo: z.string(),
    path: z.string().optional(),
    commit: z.string(),
    ms: z.int(),
    left_out: leftOut,
    left_out_count: z.int(),
  }),
  /** The folder was a clone of it already, and git has fetched what is new. Its files are as before. */
  'workspace.fetched': z.object({
    epoch: z.int(),
    repo: z.string(),
    path: z.string().optional(),
    commit: z.string(),
    ms: z.int(),
  }),
  /** It was not cloned, because of the files that its folder has. They are as before. */
  'workspace.clone_skipped': z.object({
    epoch: z.int(),
    repo: z.string(),
    path: z.string().optional(),
    detail: z.string(),
  }),
  /**
   * The image of the session's environment. `building`: its container starts when that is built. `ready`: it is there, and with
   * `cached` it was before. `failed`: so the container does not start; `line` of `setup`, and the end of what it wrote.
   */
  'environment.build': z.object({
    epoch: z.int(),
    build_id: uuid,
    environment: environmentName,
    revision: environmentRevision.nullable(),
    state: z.enum(['building', 'ready', 'failed']),
    cached: z.boolean().optional(),
    ms: z.int().optional(),
    reason: reason.optional(),
    line: z.int().nullable().optional(),
    output: z.string().optional(),
  }),
  /**
   * What the repository's `devcontainer.json` comes down to. `image`: null: the service's own. `features`: it has some that are
   * installed. `unsupported`: what of it has no effect, and why.
   */
  'environment.devcontainer': z.object({
    epoch: z.int(),
    repo: z.string(),
    commit: z.string(),
    file: z.string(),
    image: z.string().nullable(),
    features: z.boolean(),
    commands: z.array(z.string()),
    ports: z.array(z.object({ port: z.int(), label: z.string().optional() })),
    unsupported: z.array(z.object({ name: z.string(), why: z.string() })),
  }),
  /**
   * A command of the repository's `devcontainer.json`: it begins (`started`), has ended well (`done`), or ended the launch
   * (`failed`). `output`: the end of what it wrote.
   */
  'environment.command': z.object({
    epoch: z.int(),
    name: z.string(),
    state: z.enum(['started', 'done', 'failed']),
    ms: z.int().nullable(),
    output: z.string().nullable(),
  }),
  /** The session waits for a person. Every new viewer gets the open ones. */
  'interaction.opened': z.object({
    interaction_id: uuid,
    subject: interactionSubject,
    priority: z.enum(['low', 'normal', 'high', 'urgent']),
    deadline: instant,
  }),
  /** Nobody has answered yet: reminder `attempt` of `of`. A late reminder replaces those that were missed before it. */
  'interaction.reminded': z.object({ interaction_id: uuid, attempt: z.int(), of: z.int(), deadline: instant }),
  'interaction.closed': z.object({
    interaction_id: uuid,
    state: interactionState.exclude(['open']),
    resolved_by: z.string().nullable(),
    resolution: resolution.nullable(),
  }),
  /** The agent sends its user a message (`notify_user`). */
  'session.notification': z.object({
    message: z.string(),
    priority: z.enum(['low', 'normal', 'high', 'urgent']),
    summary: z.string().nullable(),
  }),
  /** The container called a tool of CC-Docker that this session does not have. Nothing was done. */
  'session.tool_refused': z.object({ epoch: z.int(), tool: agentTool, detail: z.string() }),
  /** The container said what cannot be true of this session. Nothing was done. */
  'session.notice_refused': z.object({ epoch: z.int(), notice: z.string(), detail: z.string() }),
  /** The state of one of the session's MCP servers. */
  'session.mcp_server': z.object({
    epoch: z.int(),
    name: z.string(),
    state: z.enum(['connected', 'connecting', 'failed', 'needs_auth']),
    detail: z.string().nullable(),
  }),
  /**
   * Something in the container begins to listen on a TCP port, or nothing does any more. When the container ends, all are closed.
   * `process`: what listens, if it is known. `shared`: people have a URL of it.
   */
  'session.port': z.object({
    epoch: z.int(),
    port: z.int(),
    state: z.enum(['open', 'closed']),
    process: z.string().nullable(),
    shared: z.boolean(),
  }),
  /** A port has a URL now, or has it for longer. `by`: who asked for it. */
  'session.port_shared': z.object({
    port: z.int(),
    label: z.string().nullable(),
    expires_at: instant,
    by: z.enum(['owner', 'agent', 'environment']),
  }),
  /** A port's URL leads nowhere any more. */
  'session.port_unshared': z.object({ port: z.int(), cause: z.enum(['removed', 'expired']) }),
  /**
   * A person has opened a terminal in the container (`command`: to run one command), or it has ended. What was typed and what it
   * showed is nowhere. Without `code` and `signal` it ended with its container.
   */
  'session.terminal': z.object({
    terminal_id: uuid,
    state: z.enum(['opened', 'ended']),
    /** Who has opened it. */
    by: z.string(),
    command: z.boolean(),
    /** False: between pipes. */
    tty: z.boolean(),
    code: z.int().nullable().optional(),
    signal: z.string().nullable().optional(),
  }),
  /** The agent shared a file with people. */
  'session.artifact': artifactView.omit({ session_id: true, created_at: true }),
  /**
   * `reached`: the budget of `budget_session_id`'s tree is spent, so this session pauses. `resumed`: there is budget
   * again.
   */
  'session.budget': z.object({
    state: z.enum(['reached', 'resumed']),
    budget_session_id: uuid,
    budget_usd: z.number().nullable(),
    spent_usd: z.number(),
  }),
  'child.spawned': z.object({ child_session_id: uuid, title: z.string().nullable(), message_id: uuid }),
  'child.status': z.object({ child_session_id: uuid, status: sessionStatus, reason: reason.nullable() }),
  /** A child's message has ended. */
  'child.result': z.object({ child_session_id: uuid, ...childResult.shape }),
  /** A child, or one of its descendants, waits for a person, or waits no longer. */
  'child.interaction': z.object({
    child_session_id: uuid,
    interaction_id: uuid,
    state: interactionState,
    subject: interactionSubject.nullable(),
  }),
  /** An update of a child could not be posted to its webhook, or published (`url`: `pubsub:CHANNEL`), and is not tried again. */
  'child.callback_failed': z.object({ child_session_id: uuid, url: z.string(), attempts: z.int(), detail: z.string() }),
  'child.deleted': z.object({ child_session_id: uuid }),
  'message.queued': z.object({
    message_id: uuid,
    prompt: z.string(),
    /** The blocks, if it was sent as blocks: data is replaced by its size. */
    content: z.array(shownBlock).optional(),
  }),
  'message.processing': z.object({ message_id: uuid }),
  /** A usage limit of the model ended its turn. It waits, and its turn begins anew when the limit is reset. */
  'message.held': z.object({ message_id: uuid, retry_at: instant }),
  /** `settled: false`: subagents that it began still run, or have not been reported on. `message.settled` follows. */
  'message.completed': z.object({ message_id: uuid, settled: z.literal(false).optional() }),
  'message.settled': z.object({ message_id: uuid }),
  'message.failed': z.object({ message_id: uuid, error: messageError }),
  'message.interrupted': z.object({ message_id: uuid, error: messageError }),
  /** The agent has scheduled a message for itself. */
  'wakeup.scheduled': wakeupView,
  /** Its time has come: it is a message now. */
  'wakeup.fired': z.object({ wakeup_id: uuid, message_id: uuid }),
  /** The agent or its owner has canceled it. */
  'wakeup.canceled': z.object({ wakeup_id: uuid }),
  /** `claude` begins a turn itself. `message_id`: the message from which it follows, if any. */
  'turn.started': z.object({ turn_id: uuid, origin: turnOrigin, message_id: uuid.nullable() }),
  'turn.ended': turnView.omit({ started_at: true, finished_at: true }).extend({ message_id: uuid.nullable() }),
} as const;
type OwnEventType = keyof typeof ownEvents;
/** One of CC-Docker's own events: a `type` with the `data` that belongs to it. */
export type OwnEvent = { [T in OwnEventType]: { type: T; data: z.infer<(typeof ownEvents)[T]> } }[OwnEventType];

/** CC-Docker's own previews with the schemas of their `data`. */
export const ownPreviews = {
  /** What the build has written from `at` on, UTF-16 units from its beginning. `GET /environments/{name}/builds/{id}` has it all. */
  'environment.output': z.object({ build_id: uuid, at: z.int(), text: z.string() }),
} as const;
export type OwnPreviewType = keyof typeof ownPreviews;

/** Prefixes that are reserved for CC-Docker's own types. A container cannot put such an event into its log. */
export const OWN_PREFIXES = [
  'session.',
  'message.',
  'interaction.',
  'child.',
  'workspace.',
  'turn.',
  'wakeup.',
  'environment.',
] as const;
