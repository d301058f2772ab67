import * as z from 'zod';
import { instant, userName, uuid } from '../../ids.ts';
import { sessionStatus } from './session.ts';

/** An interaction waits for a person: a question of the agent, or a permission to use a tool. */

/** Longest preview of an option, characters. */
export const MAX_PREVIEW = 8000;

const questionOption = z.object({
  label: z.string().min(1).max(200),
  description: z.string().max(2000).optional(),
  /** What choosing it looks like, to compare: code, a mockup. Markdown, best shown in a monospaced box. */
  preview: z.string().max(MAX_PREVIEW).optional(),
});

/** One question. Without options, or with `free_text`, any text is an answer. */
const question = z.object({
  question: z.string().min(1).max(8000),
  /** The question's topic in a word or two. */
  header: z.string().max(64).optional(),
  options: z.array(questionOption).max(25),
  multi_select: z.boolean(),
  free_text: z.boolean(),
});
export type Question = z.infer<typeof question>;

/** A subagent that asks. Its type and description are known where Claude Code has named it. */
export const askingAgent = z.object({
  id: z.string().max(256),
  type: z.string().max(256).optional(),
  /** What it is doing, in a few words. */
  description: z.string().max(500).optional(),
});
export type AskingAgent = z.infer<typeof askingAgent>;

/** What is asked. `ask_user` asks one question, Claude Code's `AskUserQuestion` one to four. */
export const interactionSubject = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('question'), questions: z.array(question).min(1).max(8) }),
  z.object({
    kind: z.literal('permission'),
    tool_name: z.string().max(256),
    /** The tool's input; null: it is longer than `MAX_SHOWN_INPUT`, and only the log has it. */
    input: z.record(z.string(), z.unknown()).nullable(),
    /** Whether `allow_session` has an effect on this tool. */
    can_allow_session: z.boolean(),
    /** The subagent that asks; null, or absent: the main agent does. */
    agent: askingAgent.nullable().optional(),
  }),
]);
export type InteractionSubject = z.infer<typeof interactionSubject>;

/** Longest tool input that an interaction shows, characters of JSON. */
export const MAX_SHOWN_INPUT = 262_144;

/** One answer for each question, in order: a text, or the labels that were chosen. */
const answers = z
  .array(z.union([z.string().max(32_768), z.array(z.string().max(200)).max(25)]))
  .min(1)
  .max(8);
export type Answers = z.infer<typeof answers>;

export const permissionDecision = z.enum(['allow', 'allow_session', 'deny']);
export type PermissionDecision = z.infer<typeof permissionDecision>;

/** How it was resolved. */
export const resolution = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('answers'), answers }),
  z.object({ kind: z.literal('decision'), decision: permissionDecision, message: z.string().max(8000).nullable() }),
]);
export type Resolution = z.infer<typeof resolution>;

/** `expired`: the deadline passed, and the default (if any) was applied. `withdrawn`: the agent waits no longer. */
export const interactionState = z.enum(['open', 'resolved', 'expired', 'withdrawn']);
export type InteractionState = z.infer<typeof interactionState>;

export const interactionView = z.object({
  interaction_id: uuid,
  session_id: uuid,
  state: interactionState,
  subject: interactionSubject,
  priority: z.enum(['low', 'normal', 'high', 'urgent']),
  created_at: instant,
  deadline: instant,
  /** Who may answer it; null: all who may answer for the session, which are its owner and its `answerers`. */
  answerers: z.array(userName).nullable(),
  /** The resolution at the deadline; null: the agent learns that nobody answered. */
  default: resolution.nullable(),
  /** The agent's turn is over: the answer becomes a message to it, which wakes the session. */
  detached: z.boolean(),
  resolved_at: instant.nullable(),
  /** Who resolved it; null: no person did, but the deadline or the agent. */
  resolved_by: z.string().nullable(),
  resolution: resolution.nullable(),
});
export type InteractionView = z.infer<typeof interactionView>;

/**
 * An interaction in the list of what waits in all sessions. `shortened`: what is asked is long, and parts of it (a tool's input,
 * previews and descriptions of options) are left out here; the interaction itself has them.
 */
export const waitingInteraction = interactionView.extend({
  shortened: z.boolean(),
  session: z.object({
    title: z.string().nullable(),
    status: sessionStatus,
    parent_session_id: uuid.nullable(),
  }),
});
export type WaitingInteraction = z.infer<typeof waitingInteraction>;

/** `GET /interactions`, the oldest first. */
export const waitingList = z.object({ data: z.array(waitingInteraction), next_cursor: z.string().nullable() });

/** `GET /sessions/{id}/interactions`, the oldest first. */
export const interactionList = z.object({ data: z.array(interactionView), next_cursor: z.string().nullable() });

/**
 * `POST /sessions/{id}/interactions/{iid}/resolve`. A question takes `answer`: a text, labels of options, or (for several
 * questions) an array with one of these for each. A permission takes `decision`.
 */
export const resolveRequest = z.union([
  z.strictObject({
    answer: z.union([
      z.string().max(32_768),
      z
        .array(z.union([z.string().max(32_768), z.array(z.string().max(200)).max(25)]))
        .min(1)
        .max(25),
    ]),
  }),
  z.strictObject({ decision: permissionDecision, message: z.string().max(8000).optional() }),
]);
export type ResolveRequest = z.infer<typeof resolveRequest>;

/** The arguments of the `ask_user` tool, with the seed's names. */
export const askUserInput = z.strictObject({
  question: z.string().min(1).max(8000),
  options: z
    .array(z.union([z.string().min(1).max(200), questionOption]))
    .max(25)
    .optional(),
  multi_select: z.boolean().optional(),
  /** Seconds until the default is applied. */
  timeout_seconds: z.int().min(1).max(604_800).optional(),
  /**
   * Reminders while nobody has answered, evenly spaced until the deadline. Absent: the session's
   * `interaction_reminders`.
   */
  max_attempts: z.int().min(0).max(100).optional(),
  priority: z.enum(['low', 'normal', 'high', 'urgent']).optional(),
  /** The answer when nobody gives one in time. */
  default: z.string().max(32_768).optional(),
  /** Restricts who may answer, among those who may answer for the session. Absent: all of them may. */
  answerers: z.array(userName).min(1).max(33).optional(),
});
export type AskUserInput = z.infer<typeof askUserInput>;

/** The arguments of the `notify_user` tool, with the seed's names. */
export const notifyUserInput = z.strictObject({
  message: z.string().min(1).max(32_768),
  priority: z.enum(['low', 'normal', 'high', 'urgent']).optional(),
  summary: z.string().max(2000).optional(),
});
