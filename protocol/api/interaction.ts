import * as z from 'zod';
import { instant, userName, uuid } from '../ids.ts';

/** Something that waits for a person: a question of the agent's, or its leave to use a tool. */

export const questionOption = z.object({
  label: z.string().min(1).max(200),
  description: z.string().max(2000).optional(),
});

/** One question. Without options, or with `free_text`, any text is an answer. */
export const question = z.object({
  question: z.string().min(1).max(8000),
  /** A word or two that stand for it. */
  header: z.string().max(64).optional(),
  options: z.array(questionOption).max(25),
  multi_select: z.boolean(),
  free_text: z.boolean(),
});
export type Question = z.infer<typeof question>;

/** What is asked. `questions`: one of `ask_user`'s, one to four of Claude Code's `AskUserQuestion`. */
export const interactionSubject = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('question'), questions: z.array(question).min(1).max(8) }),
  z.object({
    kind: z.literal('permission'),
    tool_name: z.string().max(256),
    /** The tool's input; null when it is too long to show (`MAX_SHOWN_INPUT`), in which case the log has it. */
    input: z.record(z.string(), z.unknown()).nullable(),
    /** Whether `allow_session` means something for it. */
    can_allow_session: z.boolean(),
  }),
]);
export type InteractionSubject = z.infer<typeof interactionSubject>;

/** Longest input of a tool that an interaction shows, as JSON, characters. */
export const MAX_SHOWN_INPUT = 262_144;

/** Answers, one for each question in their order: the text, or the labels that were chosen. */
export const answers = z
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

/** `expired`: its deadline passed, and its default (if any) was taken. `withdrawn`: the agent waits no longer. */
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
  /** Who may answer it; null: whoever may answer for the session, which are its owner and its `answerers`. */
  answerers: z.array(userName).nullable(),
  /** What is taken at the deadline; null: the agent is told that nobody answered. */
  default: resolution.nullable(),
  /** The agent's turn is over: the answer will be a message to it, which wakes it. */
  detached: z.boolean(),
  resolved_at: instant.nullable(),
  /** Who resolved it; null: nobody, its deadline or the agent did. */
  resolved_by: z.string().nullable(),
  resolution: resolution.nullable(),
});
export type InteractionView = z.infer<typeof interactionView>;

/** `GET /sessions/{id}/interactions`, the oldest first. */
export const interactionList = z.object({ data: z.array(interactionView), next_cursor: z.string().nullable() });

/**
 * `POST /sessions/{id}/interactions/{iid}/resolve`. A question takes `answer`: a text, labels of options, or (for several questions)
 * an array with one of these for each. A permission takes `decision`.
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

/** What the `ask_user` tool takes; the seed's names. */
export const askUserInput = z.strictObject({
  question: z.string().min(1).max(8000),
  options: z
    .array(z.union([z.string().min(1).max(200), questionOption]))
    .max(25)
    .optional(),
  multi_select: z.boolean().optional(),
  /** Seconds until the default is taken. */
  timeout_seconds: z.int().min(1).max(604_800).optional(),
  /** Reminders while nobody has answered, evenly spaced until the deadline. Absent: the session's `interaction_reminders`. */
  max_attempts: z.int().min(0).max(100).optional(),
  priority: z.enum(['low', 'normal', 'high', 'urgent']).optional(),
  /** Taken when nobody answers in time. */
  default: z.string().max(32_768).optional(),
  /** Of those who may answer for the session, who may answer this. Absent: each of them. */
  answerers: z.array(userName).min(1).max(33).optional(),
});
export type AskUserInput = z.infer<typeof askUserInput>;

/** What the `notify_user` tool takes; the seed's names. */
export const notifyUserInput = z.strictObject({
  message: z.string().min(1).max(32_768),
  priority: z.enum(['low', 'normal', 'high', 'urgent']).optional(),
  summary: z.string().max(2000).optional(),
});
