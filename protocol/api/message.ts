import * as z from 'zod';
import { shownBlock } from '../content/blocks.ts';
import { prompt } from '../content/prompt.ts';
import { instant, uuid } from '../ids.ts';
import { messageError } from '../reason.ts';

export const messageStatus = z.enum(['queued', 'processing', 'completed', 'failed', 'interrupted']);
export type MessageStatus = z.infer<typeof messageStatus>;

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
});

/** The 202 of a chat. The message's state is at `GET /sessions/{id}/messages/{message_id}`. */
export const acceptedMessage = z.object({ message_id: uuid, status: z.literal('processing') });

/** The figures of one message's turn, not of the session. */
export const turnResult = z.object({
  type: z.literal('result'),
  subtype: z.string(),
  result: z.string().nullable(),
  duration_ms: z.number(),
  total_cost_usd: z.number(),
  usage: z.object({ input_tokens: z.int(), output_tokens: z.int() }),
});
export type TurnResult = z.infer<typeof turnResult>;

/** A message's state, with the turn's result once there is one. */
export const messageView = turnResult.partial().extend({
  message_id: uuid,
  session_id: uuid,
  status: messageStatus,
  /** As text; of blocks, with images and documents named in their places. */
  prompt: z.string(),
  /** The blocks, if it was sent as blocks: data is replaced by its size. */
  content: z.array(shownBlock).optional(),
  created_at: instant,
  started_at: instant.nullable(),
  finished_at: instant.nullable(),
  error: messageError.nullable(),
});
export type MessageView = z.infer<typeof messageView>;

/** `POST /sessions/{id}/interrupt`: the message whose turn is being interrupted, if one ran. */
export const interruptAnswer = z.object({ interrupted: z.boolean(), message_id: uuid.nullable() });
export type InterruptAnswer = z.infer<typeof interruptAnswer>;
