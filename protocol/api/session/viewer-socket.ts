import * as z from 'zod';
import { instant, uuid } from '../../ids.ts';
import { permissionDecision, resolveRequest } from './interaction.ts';
import { chatRequest, idempotencyKey } from './message.ts';
import type { Scope } from '../../token.ts';

/**
 * `WS /sessions/{id}/stream`. With `?after=SEQ`, every frame from the server is an array of events and previews (which have
 * no `seq`), or one of the objects below. Without `after`, the socket speaks the seed's dialect: one Claude Code message a
 * frame, from now on.
 */

/** Client → server. */
export const viewerFrame = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('prompt'),
    prompt: chatRequest.shape.prompt,
    timeout_seconds: chatRequest.shape.timeout_seconds,
    delivery: chatRequest.shape.delivery,
    /** As the header `Idempotency-Key` of a chat: repeated after a broken connection, the prompt is one message. */
    idempotency_key: idempotencyKey.optional(),
    /** Where in a trace the prompt belongs (W3C Trace Context). Absent: where the connection does, if its client said so. */
    traceparent: z.string().max(128).optional(),
    /** Comes back in `accepted`. */
    ref: z.string().max(128).optional(),
  }),
  z.strictObject({ type: z.literal('interrupt'), background: z.boolean().default(false) }),
  /** As `POST …/interactions/{interaction_id}/resolve`: with `answer` or with `decision`. */
  z.strictObject({
    type: z.literal('resolve'),
    interaction_id: uuid,
    answer: resolveRequest.options[0].shape.answer.optional(),
    decision: permissionDecision.optional(),
    message: z.string().max(8000).optional(),
  }),
  z.strictObject({ type: z.literal('ping') }),
  /** An answer to the server's `ping`. None is needed. */
  z.strictObject({ type: z.literal('pong') }),
  /**
   * The viewer has read the events up to `seq`. With `?acks=true`, a viewer that reads a long log is never closed for
   * it.
   */
  z.strictObject({ type: z.literal('ack'), seq: z.int().min(0) }),
]);
export type ViewerFrame = z.infer<typeof viewerFrame>;

/** The scope that each frame needs besides `sessions:read`, which opens the socket. */
export const FRAME_SCOPES = {
  prompt: 'sessions:write',
  interrupt: 'sessions:write',
  resolve: 'interactions:answer',
  ping: null,
  pong: null,
  ack: null,
} as const satisfies Record<ViewerFrame['type'], Scope | null>;

/** Server → client, besides the events. */
export const viewerAnswer = z.discriminatedUnion('type', [
  z.object({ type: z.literal('accepted'), message_id: uuid, ref: z.string().optional() }),
  z.object({ type: z.literal('resolved'), interaction_id: uuid }),
  z.object({ type: z.literal('pong'), time: instant }),
  /** Nothing was sent for a while: this keeps the connection open. */
  z.object({ type: z.literal('ping') }),
  z.object({ type: z.literal('error'), code: z.string(), detail: z.string() }),
]);
export type ViewerAnswer = z.infer<typeof viewerAnswer>;
