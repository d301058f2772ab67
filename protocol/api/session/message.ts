import * as z from 'zod';
import { shownBlock } from '../../content/blocks.ts';
import { prompt } from '../../content/prompt.ts';
import { instant, uuid } from '../../ids.ts';
import { messageError } from '../../reason.ts';

export const messageStatus = z.enum(['queued', 'processing', 'completed', 'failed', 'interrupted']);
export type MessageStatus = z.infer<typeof messageStatus>;

/** How a message reaches an agent that is at work. */
const delivery = z.enum(['queue', 'steer', 'interrupt']);
export type Delivery = z.infer<typeof delivery>;

/** The same key with the same request has its effect once. */
export const idempotencyKey = z.string().min(1).max(255);

/** `POST /sessions/{id}/chat`. */
export const chatRequest = z.strictObject({
  /** Text, or blocks: text, images and documents. */
  prompt,
  /** `true` answers 202 at once; `false` waits for the result. */
  stream: z.boolean().default(true),
  /** Seconds from acceptance. Then the message fails with `turn_timeout`, and its turn is interrupted. */
  timeout_seconds: z.int().min(1).max(604_800).optional(),
  /**
   * `queue`: it waits until what runs has ended. `steer`: `claude` gets it within the running turn. `interrupt`: the running
   * turn is ended, and it is next.
   */
  delivery: delivery.default('queue'),
  /**
   * With `stream: false`. `settled`: until the subagents that its turn began have ended and the agent has reported on them.
   * `turn`: until its turn has ended.
   */
  wait: z.enum(['turn', 'settled']).default('settled'),
});

/** The 202 of a chat. The message's state is at `GET /sessions/{id}/messages/{message_id}`. */
export const acceptedMessage = z.object({ message_id: uuid, status: z.literal('processing') });

/** Tokens of the model, counted as Anthropic's API does: `input_tokens` are those that no cache had. */
export const tokenUsage = z.object({
  input_tokens: z.int(),
  output_tokens: z.int(),
  cache_creation_input_tokens: z.int(),
  cache_read_input_tokens: z.int(),
});

/** The figures of one message's turn, not of the session. */
export const turnResult = z.object({
  type: z.literal('result'),
  subtype: z.string(),
  result: z.string().nullable(),
  duration_ms: z.number(),
  total_cost_usd: z.number(),
  usage: tokenUsage,
});
export type TurnResult = z.infer<typeof turnResult>;

/** Work that `claude` has left running in the background. */
export const backgroundTask = z.object({
  task_id: z.string(),
  /** `agent`: it will report what it found. `shell`: it may run for ever, such as a server. */
  kind: z.enum(['agent', 'shell']),
  description: z.string(),
  started_at: instant,
});
export type BackgroundTask = z.infer<typeof backgroundTask>;

/**
 * Who began a turn. `agent`: `claude` itself, because a task in the background had something to say, or by a wake-up that it
 * had scheduled.
 */
export const turnOrigin = z.enum(['user', 'parent', 'agent']);
export type TurnOrigin = z.infer<typeof turnOrigin>;

/** A turn that has ended. */
export const turnView = turnResult.partial().extend({
  /** Of a turn that a message began, that message's id. */
  turn_id: uuid,
  origin: turnOrigin,
  status: messageStatus.extract(['completed', 'failed', 'interrupted']),
  started_at: instant,
  finished_at: instant,
  error: messageError.nullable(),
});
export type TurnView = z.infer<typeof turnView>;

/** `GET /sessions/{id}/turns`. */
export const turnList = z.object({
  data: z.array(turnView.extend({ message_ids: z.array(uuid) })),
  next_cursor: z.string().nullable(),
});

/**
 * A message's state. Once its turn has ended, with the turn's result. When `claude` speaks again of what the message began, its
 * `result` is that of the last such turn, and the figures are the sums of all its turns.
 */
export const messageView = turnResult.partial().extend({
  message_id: uuid,
  session_id: uuid,
  status: messageStatus,
  /** Who sent it: a caller of the API, the session's parent, or the agent itself by a wake-up. */
  origin: turnOrigin,
  /** As text; of blocks, with images and documents named in their places. */
  prompt: z.string(),
  /** The blocks, if it was sent as blocks: data is replaced by its size. */
  content: z.array(shownBlock).optional(),
  created_at: instant,
  started_at: instant.nullable(),
  finished_at: instant.nullable(),
  /** When its subagents had ended and been reported on as well; null: not yet. */
  settled_at: instant.nullable(),
  /** Until when it waits for a usage limit to be reset; null: it does not. */
  retry_at: instant.nullable(),
  error: messageError.nullable(),
  /** The turns that answered it, or followed from it; the oldest first. */
  turns: z.array(turnView),
  /** What it began and is still running. */
  background_tasks: z.array(backgroundTask),
});
export type MessageView = z.infer<typeof messageView>;

/** `GET /sessions/{id}/messages`: the oldest first. */
export const messageList = z.object({ data: z.array(messageView), next_cursor: z.string().nullable() });

/** A message that the agent has scheduled for itself, and that is still to come. */
export const wakeupView = z.object({ wakeup_id: uuid, at: instant, prompt: z.string() });
export type WakeupView = z.infer<typeof wakeupView>;

/** `GET /sessions/{id}/wakeups`: the next one first, all on one page. */
export const wakeupList = z.object({ data: z.array(wakeupView), next_cursor: z.string().nullable() });

/** `POST /sessions/{id}/interrupt`. */
export const interruptRequest = z.strictObject({
  /** End what runs in the background, too. */
  background: z.boolean().default(false),
});

/** `POST /sessions/{id}/interrupt`: the message whose turn is being interrupted, if one ran. */
export const interruptAnswer = z.object({ interrupted: z.boolean(), message_id: uuid.nullable() });
export type InterruptAnswer = z.infer<typeof interruptAnswer>;
