import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi';
import { v7 as uuidV7 } from 'uuid';
import {
  changeSessionRequest,
  createdSession,
  createSessionRequest,
  sessionList,
  sessionStatus,
  sessionTicket,
  sessionView,
  stoppedSession,
  type SessionSummary,
} from '../../../protocol/api/session/session.ts';
import { readyView } from '../../../durable/rpc/session/ready-views.ts';
import { arrayText, jsonText, withMembers, type JsonText } from '../../../protocol/json-text.ts';
import type { AppEnv } from '../../app-env.ts';
import { secured, securedFor } from '../../auth/authorise.ts';
import { answerText, body, idempotencyHeader, json, refusals, sessionParams } from '../../contract.ts';
import { configRefusal } from '../../maxima.ts';
import { directoryOf, noteCreated, originFor, sessionOf, streamUrl, streamUrls } from '../../objects.ts';
import { audited } from '../../gate/audit.ts';
import { refuse } from '../../refuse.ts';
import { traceOf } from '../../telemetry/trace.ts';

const create = createRoute({
  method: 'post',
  path: '/sessions',
  operationId: 'createSession',
  tags: ['Sessions'],
  summary: 'Begin a session: a container starts, and the session takes messages at once',
  ...audited('session.created', securedFor('owner', 'new work', 'sessions:write')),
  request: { headers: idempotencyHeader, ...body(createSessionRequest) },
  responses: {
    201: json('Begun', createdSession),
    ...refusals(
      'session_limit_reached',
      'session_rate_reached',
      'quota_exceeded',
      'idempotency_key_reused',
      'workspace_held',
      'workspace_not_found',
      'snapshot_not_found',
      'redis_not_configured',
      'pool_unknown',
      'pool_forbidden',
      'environment_not_found',
      'image_forbidden',
    ),
  },
});

const list = createRoute({
  method: 'get',
  path: '/sessions',
  operationId: 'listSessions',
  tags: ['Sessions'],
  summary: 'Your sessions, the newest first',
  ...securedFor('listed', 'sessions:read'),
  request: {
    query: z.strictObject({
      status: sessionStatus.optional(),
      limit: z.coerce.number().int().min(1).max(200).default(50),
      offset: z.coerce.number().int().min(0).default(0),
      cursor: z.uuid().optional(),
    }),
  },
  responses: { 200: json('A page', sessionList), ...refusals() },
});

const show = createRoute({
  method: 'get',
  path: '/sessions/{session_id}',
  operationId: 'getSession',
  tags: ['Sessions'],
  summary: 'One session',
  ...secured('sessions:read'),
  request: { params: sessionParams },
  responses: { 200: json('The session', sessionView), ...refusals() },
});

const change = createRoute({
  method: 'patch',
  path: '/sessions/{session_id}',
  operationId: 'changeSession',
  tags: ['Sessions'],
  summary:
    'Change its model, permission mode or title, at once and for good; or what it and all below it may cost: raised, what has paused goes on',
  ...secured('goes on', 'sessions:write'),
  request: { params: sessionParams, ...body(changeSessionRequest) },
  responses: { 200: json('The session', sessionView), ...refusals('restart_required', 'queue_full') },
});

const stop = createRoute({
  method: 'post',
  path: '/sessions/{session_id}/stop',
  operationId: 'stopSession',
  tags: ['Sessions'],
  summary: 'Park the session: its container goes, its files and conversation stay; the next message wakes it',
  ...secured('goes on', 'sessions:write'),
  request: { params: sessionParams },
  responses: { 200: json('Stopped', stoppedSession), ...refusals() },
});

const remove = createRoute({
  method: 'delete',
  path: '/sessions/{session_id}',
  operationId: 'deleteSession',
  tags: ['Sessions'],
  summary: 'Remove the session with all that it stored',
  ...audited('session.deleted', secured('goes on', 'sessions:write')),
  request: { params: sessionParams },
  responses: { 204: { description: 'Removed' }, ...refusals() },
});

const ticket = createRoute({
  method: 'post',
  path: '/sessions/{session_id}/tickets',
  operationId: 'createTicket',
  tags: ['Sessions'],
  summary: 'A ticket for a browser: `?ticket=` opens one stream or download of the session, once, within 30 s',
  ...audited('ticket.minted', secured('sessions:read')),
  request: { params: sessionParams },
  responses: { 201: json('The ticket', sessionTicket), ...refusals('tickets_limit_reached') },
});

/** Sessions: create, list, show, change, stop, delete. */
export function addSessions(app: OpenAPIHono<AppEnv>): void {
  app.openapi(create, async (c) => {
    const unfit = configRefusal(c.req.valid('json').config, c.get('settings'));
    if (unfit !== null) return refuse(c, unfit);
    const { owner, author } = c.get('caller');
    const created = await directoryOf(c).create({
      session_id: uuidV7(),
      owner,
      ...(author && { author }),
      request: c.req.valid('json'),
      idempotency_key: c.req.valid('header')['idempotency-key'],
      traceparent: traceOf(c),
      origin: originFor(c),
    });
    if ('refused' in created) return refuse(c, created);
    const { session_id, status, container_id, created_at, callback_secret } = created;
    // Its creator has the secret already that the request named.
    const isMade = c.req.valid('json').config.callback?.secret === undefined && callback_secret !== undefined;
    noteCreated(c, session_id);
    const websocket_url = streamUrl(c, session_id);
    const secret = isMade ? { callback_secret } : {};
    return c.json({ session_id, status, container_id, created_at, websocket_url, ...secret }, 201);
  });

  app.openapi(list, async (c) => {
    const { status, limit, offset, cursor } = c.req.valid('query');
    const page = await directoryOf(c).listTexts({ status, limit, offset, cursor, within: c.get('caller').sid });
    const { next_cursor, total } = page;
    const streamOf = streamUrls(c);
    const data: JsonText<SessionSummary[]> = arrayText(
      page.data.map(({ id, summary }) => withMembers(summary, { websocket_url: jsonText(streamOf(id)) })),
    );
    const rest = jsonText({ next_cursor, total, limit, offset });
    return answerText(c, withMembers(rest, { data, sessions: data }));
  });

  app.openapi(show, async (c) => {
    const found = await sessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const { owner } = c.get('caller');
    const view = readyView(c.env, found.id, owner) ?? (await found.session.showText(owner));
    if (typeof view !== 'string') return refuse(c, view);
    return answerText(c, withMembers(view, { websocket_url: jsonText(streamUrl(c, found.id)) }));
  });

  app.openapi(change, async (c) => {
    const found = await sessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const { session } = found;
    const view = await session.change(c.get('caller').owner, c.req.valid('json'));
    if ('refused' in view) return refuse(c, view);
    return c.json({ ...view, websocket_url: streamUrl(c, view.session_id) }, 200);
  });

  app.openapi(ticket, async (c) => {
    const found = await sessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const minted = await found.session.mintTicket(c.get('caller'));
    return 'refused' in minted ? refuse(c, minted) : c.json(minted, 201);
  });

  app.openapi(stop, async (c) => {
    const found = await sessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const { session } = found;
    const stopped = await session.stop(c.get('caller').owner);
    return 'refused' in stopped ? refuse(c, stopped) : c.json(stopped, 200);
  });

  app.openapi(remove, async (c) => {
    const found = await sessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const { session } = found;
    const deleted = await session.delete(c.get('caller').owner);
    return 'refused' in deleted ? refuse(c, deleted) : c.body(null, 204);
  });
}
