import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi';
import { v7 as uuidV7 } from 'uuid';
import {
  acceptedMessage,
  chatRequest,
  interruptAnswer,
  interruptRequest,
  messageList,
  messageStatus,
  messageView,
  turnList,
  wakeupList,
} from '../../../protocol/api/session/message.ts';
import type { AppEnv } from '../../app-env.ts';
import { secured } from '../../auth/authorise.ts';
import {
  body,
  idempotencyHeader,
  json,
  messageParams,
  pageQuery,
  refusals,
  sessionParams,
  wakeupParams,
} from '../../contract.ts';
import { sessionOf } from '../../objects.ts';
import { refuse } from '../../refuse.ts';
import { traceOf } from '../../telemetry/trace.ts';
import { untilAnswered } from '../../until-answered.ts';

const chat = createRoute({
  method: 'post',
  path: '/sessions/{session_id}/chat',
  operationId: 'sendMessage',
  tags: ['Messages'],
  summary: 'Send a message; it is queued, wakes a parked session, and is never lost',
  description:
    'With `stream: true` (the default) it answers at once; the events say what becomes of the message, and so does `GET …/messages/{message_id}`. With `stream: false` it answers when the message has ended.',
  ...secured('new work', 'sessions:write'),
  request: { params: sessionParams, headers: idempotencyHeader, ...body(chatRequest) },
  responses: {
    200: json(
      '`stream: false`: how the message ended. A failed one has `status: "failed"` and an `error`',
      messageView,
    ),
    202: json('`stream: true`: accepted', acceptedMessage),
    ...refusals('queue_full', 'quota_exceeded', 'idempotency_key_reused'),
  },
});

const show = createRoute({
  method: 'get',
  path: '/sessions/{session_id}/messages/{message_id}',
  operationId: 'getMessage',
  tags: ['Messages'],
  summary: 'One message: its state, and its result once there is one',
  ...secured('sessions:read'),
  request: { params: messageParams },
  responses: { 200: json('The message', messageView), ...refusals('message_not_found') },
});

const position = z
  .string()
  .regex(/^\d{1,15}$/, 'must be the next_cursor of the page before')
  .transform(Number);

const list = createRoute({
  method: 'get',
  path: '/sessions/{session_id}/messages',
  operationId: 'listMessages',
  tags: ['Messages'],
  summary: 'A session’s messages, the oldest first; `state=queued` shows what waits',
  ...secured('sessions:read'),
  request: { params: sessionParams, query: pageQuery(position).extend({ state: messageStatus.optional() }) },
  responses: { 200: json('A page', messageList), ...refusals() },
});

const withdraw = createRoute({
  method: 'delete',
  path: '/sessions/{session_id}/messages/{message_id}',
  operationId: 'withdrawMessage',
  tags: ['Messages'],
  summary: 'Withdraw a message whose turn has not begun',
  ...secured('goes on', 'sessions:write'),
  request: { params: messageParams },
  responses: {
    200: json('Withdrawn: `interrupted`, with the code `withdrawn`', messageView),
    ...refusals('message_not_found', 'message_started'),
  },
});

const turns = createRoute({
  method: 'get',
  path: '/sessions/{session_id}/turns',
  operationId: 'listTurns',
  tags: ['Messages'],
  summary: 'The turns that have ended, whoever began them; the oldest first',
  ...secured('sessions:read'),
  request: { params: sessionParams, query: pageQuery(position) },
  responses: { 200: json('A page', turnList), ...refusals() },
});

const wakeups = createRoute({
  method: 'get',
  path: '/sessions/{session_id}/wakeups',
  operationId: 'listWakeups',
  tags: ['Messages'],
  summary: 'When the session’s agent will wake itself, and with which prompt; the next one first',
  ...secured('sessions:read'),
  request: { params: sessionParams },
  responses: { 200: json('All of them', wakeupList), ...refusals() },
});

const cancelWakeup = createRoute({
  method: 'delete',
  path: '/sessions/{session_id}/wakeups/{wakeup_id}',
  operationId: 'cancelWakeup',
  tags: ['Messages'],
  summary: 'Cancel a wake-up that has not come yet',
  ...secured('goes on', 'sessions:write'),
  request: { params: wakeupParams },
  responses: { 204: { description: 'Canceled' }, ...refusals('wakeup_not_found') },
});

const interrupt = createRoute({
  method: 'post',
  path: '/sessions/{session_id}/interrupt',
  operationId: 'interruptSession',
  tags: ['Messages'],
  summary: 'End what runs, whoever began it; the session takes the next message',
  ...secured('goes on', 'sessions:write'),
  request: { params: sessionParams, body: { ...body(interruptRequest).body, required: false } },
  responses: { 200: json('Whether a turn ran', interruptAnswer), ...refusals() },
});

/** Messages: chat, status, list, withdraw, interrupt; turns; and wake-ups. */
export function addMessages(app: OpenAPIHono<AppEnv>): void {
  app.openapi(chat, async (c) => {
    const found = await sessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const { session } = found;
    const { prompt, stream, timeout_seconds, delivery, wait } = c.req.valid('json');
    const owner = c.get('caller').owner;
    const idempotency_key = c.req.valid('header')['idempotency-key'];
    const sent = { message_id: uuidV7(), prompt, timeout_seconds, delivery, idempotency_key };
    const input = { ...sent, traceparent: traceOf(c) };
    if (!stream) {
      const view = await untilAnswered(async () => await session.chatAndWait(owner, input, wait));
      return 'refused' in view ? refuse(c, view) : c.json(view, 200);
    }
    const accepted = await session.chat(owner, input);
    if ('refused' in accepted) return refuse(c, accepted);
    return c.json({ message_id: accepted.message_id, status: 'processing' as const }, 202);
  });

  app.openapi(show, async (c) => {
    const found = await sessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const { session } = found;
    const view = await session.message(c.get('caller').owner, c.req.valid('param').message_id);
    return 'refused' in view ? refuse(c, view) : c.json(view, 200);
  });

  app.openapi(list, async (c) => {
    const found = await sessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const { state, cursor = 0, limit } = c.req.valid('query');
    const page = await found.session.messages(c.get('caller').owner, state, cursor, limit);
    return 'refused' in page ? refuse(c, page) : c.json(messageList.parse(page), 200);
  });

  app.openapi(withdraw, async (c) => {
    const found = await sessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const view = await found.session.withdraw(c.get('caller').owner, c.req.valid('param').message_id);
    return 'refused' in view ? refuse(c, view) : c.json(view, 200);
  });

  app.openapi(turns, async (c) => {
    const found = await sessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const { cursor = 0, limit } = c.req.valid('query');
    const page = await found.session.turns(c.get('caller').owner, cursor, limit);
    return 'refused' in page ? refuse(c, page) : c.json(turnList.parse(page), 200);
  });

  app.openapi(wakeups, async (c) => {
    const found = await sessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const waiting = await found.session.wakeups(c.get('caller').owner);
    return 'refused' in waiting ? refuse(c, waiting) : c.json({ data: [...waiting], next_cursor: null }, 200);
  });

  app.openapi(cancelWakeup, async (c) => {
    const found = await sessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const { wakeup_id } = c.req.valid('param');
    const done = await found.session.cancelWakeup(c.get('caller').owner, wakeup_id.toLowerCase());
    return 'refused' in done ? refuse(c, done) : c.body(null, 204);
  });

  app.openapi(interrupt, async (c) => {
    const found = await sessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const { session } = found;
    const { background } = interruptRequest.parse(c.req.valid('json') ?? {});
    const answer = await session.interrupt(c.get('caller').owner, background);
    return 'refused' in answer ? refuse(c, answer) : c.json(answer, 200);
  });
}
