import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import { v7 as uuidV7 } from 'uuid';
import { acceptedMessage, chatRequest, interruptAnswer, messageView } from '../../protocol/api/message.ts';
import type { AppEnv } from '../app-env.ts';
import { body, idempotencyHeader, json, messageParams, refusals, secured, sessionParams } from '../contract.ts';
import { sessionOf } from '../objects.ts';
import { refuse } from '../refuse.ts';
import { untilAnswered } from '../until-answered.ts';

const chat = createRoute({
  method: 'post',
  path: '/sessions/{session_id}/chat',
  summary: 'Send a message; it is queued, wakes a parked session, and is never lost',
  security: secured,
  request: { params: sessionParams, headers: idempotencyHeader, ...body(chatRequest) },
  responses: {
    200: json(
      '`stream: false`: how the message ended. A failed one has `status: "failed"` and an `error`',
      messageView,
    ),
    202: json('`stream: true`: accepted', acceptedMessage),
    ...refusals,
  },
});

const show = createRoute({
  method: 'get',
  path: '/sessions/{session_id}/messages/{message_id}',
  summary: 'One message: its state, and its result once there is one',
  security: secured,
  request: { params: messageParams },
  responses: { 200: json('The message', messageView), ...refusals },
});

const interrupt = createRoute({
  method: 'post',
  path: '/sessions/{session_id}/interrupt',
  summary: 'End the running turn; the session takes the next message',
  security: secured,
  request: { params: sessionParams },
  responses: { 200: json('Whether a turn ran', interruptAnswer), ...refusals },
});

/** Messages: chat, status, interrupt. */
export function addMessages(app: OpenAPIHono<AppEnv>): void {
  app.openapi(chat, async (c) => {
    const found = sessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const { session } = found;
    const { prompt, stream, timeout_seconds } = c.req.valid('json');
    const owner = c.get('owner');
    const idempotency_key = c.req.valid('header')['idempotency-key'];
    const input = { message_id: uuidV7(), prompt, timeout_seconds, idempotency_key };
    if (!stream) {
      const view = await untilAnswered(async () => await session.chatAndWait(owner, input));
      return 'refused' in view ? refuse(c, view) : c.json(view, 200);
    }
    const accepted = await session.chat(owner, input);
    if ('refused' in accepted) return refuse(c, accepted);
    return c.json({ message_id: accepted.message_id, status: 'processing' as const }, 202);
  });

  app.openapi(show, async (c) => {
    const found = sessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const { session } = found;
    const view = await session.message(c.get('owner'), c.req.valid('param').message_id);
    return 'refused' in view ? refuse(c, view) : c.json(view, 200);
  });

  app.openapi(interrupt, async (c) => {
    const found = sessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const { session } = found;
    const answer = await session.interrupt(c.get('owner'));
    return 'refused' in answer ? refuse(c, answer) : c.json(answer, 200);
  });
}
