import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import { v7 as uuidV7 } from 'uuid';
import { childList, sessionTree, spawnedSession, spawnRequest } from '../../../protocol/api/session/child.ts';
import { uuid } from '../../../protocol/ids.ts';
import type { AppEnv } from '../../app-env.ts';
import { secured } from '../../auth/authorise.ts';
import { body, idempotencyHeader, json, pageQuery, refusals, sessionParams } from '../../contract.ts';
import { configRefusal } from '../../maxima.ts';
import { directoryOf, noteCreated, originFor, sessionOf, streamUrl } from '../../objects.ts';
import { audited } from '../../gate/audit.ts';
import { refuse } from '../../refuse.ts';
import { untilAnswered } from '../../until-answered.ts';
import { traceOf } from '../../telemetry/trace.ts';

const spawn = createRoute({
  method: 'post',
  path: '/sessions/{session_id}/spawn',
  operationId: 'spawnChild',
  tags: ['Children'],
  summary: 'Begin a child: a session that does at most what this one may, and tells it what becomes of it',
  ...audited('session.created', secured('new work', 'sessions:write')),
  request: { params: sessionParams, headers: idempotencyHeader, ...body(spawnRequest) },
  responses: {
    201: json('Begun', spawnedSession),
    ...refusals(
      'session_limit_reached',
      'session_rate_reached',
      'quota_exceeded',
      'idempotency_key_reused',
      'child_too_wide',
      'spawn_depth_exceeded',
      'children_limit_reached',
      'tree_limit_reached',
      'budget_reached',
      'queue_full',
      'snapshot_pending',
      'redis_not_configured',
      'pool_unknown',
      'pool_forbidden',
      'files_unavailable',
      'storage_unavailable',
    ),
  },
});

const list = createRoute({
  method: 'get',
  path: '/sessions/{session_id}/children',
  operationId: 'listChildren',
  tags: ['Children'],
  summary: 'The sessions that this one has begun, the oldest first',
  ...secured('sessions:read'),
  request: { params: sessionParams, query: pageQuery(uuid) },
  responses: { 200: json('A page', childList), ...refusals() },
});

const tree = createRoute({
  method: 'get',
  path: '/sessions/{session_id}/tree',
  operationId: 'getTree',
  tags: ['Children'],
  summary: 'This session with all below it: status, cost and budget of each',
  ...secured('sessions:read'),
  request: { params: sessionParams },
  responses: { 200: json('The tree, each session before its children', sessionTree), ...refusals() },
});

/** Children: spawn, list, tree. */
export function addChildren(app: OpenAPIHono<AppEnv>): void {
  app.openapi(spawn, async (c) => {
    const found = await sessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const { session } = found;
    const owner = c.get('caller').owner;
    const request = c.req.valid('json');
    const unfit = configRefusal(request.config, c.get('settings'));
    if (unfit !== null) return refuse(c, unfit);
    const key = c.req.valid('header')['idempotency-key'];
    const call = { child_id: uuidV7(), request, idempotency_key: key, traceparent: traceOf(c), origin: originFor(c) };
    const spawned = await untilAnswered(async () => await session.spawn(owner, call));
    if ('refused' in spawned) {
      return refuse(c, spawned, spawned.refused === 'snapshot_pending' ? { 'retry-after': '5' } : {});
    }
    const { view, child } = spawned;
    noteCreated(c, view.session_id);
    const named = request.callback?.type === 'webhook' && request.callback.secret !== undefined;
    return c.json(
      {
        child_session_id: view.session_id,
        status: view.status,
        parent_session_id: child.parent,
        message_id: child.message_id,
        websocket_url: streamUrl(c, view.session_id),
        ...(child.webhook?.secret === undefined || named ? {} : { callback_secret: child.webhook.secret }),
      },
      201,
    );
  });

  app.openapi(list, async (c) => {
    const found = await sessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const { session } = found;
    const children = await session.children(c.get('caller').owner);
    if ('refused' in children) return refuse(c, children);
    const { cursor, limit } = c.req.valid('query');
    const after = cursor?.toLowerCase() ?? '';
    const ids = children.filter((id) => id > after).toSorted();
    const page = await directoryOf(c).summaries(ids.slice(0, limit));
    const data = page.map((summary) => ({ ...summary, websocket_url: streamUrl(c, summary.session_id) }));
    return c.json({ data, next_cursor: ids.length > limit ? (ids[limit - 1] ?? null) : null }, 200);
  });

  app.openapi(tree, async (c) => {
    const found = await sessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const { session } = found;
    const view = await session.show(c.get('caller').owner);
    if ('refused' in view) return refuse(c, view);
    return c.json(await directoryOf(c).tree(view.session_id), 200);
  });
}
