import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi';
import { v7 as uuidV7 } from 'uuid';
import { forkedSession } from '../../../protocol/api/session/session.ts';
import { forkRequest, snapshotList, snapshotView } from '../../../protocol/api/files/workspace.ts';
import type { AppEnv } from '../../app-env.ts';
import { secured, securedFor } from '../../auth/authorise.ts';
import { body, idempotencyHeader, json, pageQuery, refusals, sessionParams, snapshotParams } from '../../contract.ts';
import { directoryOf, noteCreated, sessionOf, streamUrl } from '../../objects.ts';
import { audited } from '../../gate/audit.ts';
import { refuse } from '../../refuse.ts';
import { untilAnswered } from '../../until-answered.ts';
import { traceOf } from '../../telemetry/trace.ts';

const take = createRoute({
  method: 'post',
  path: '/sessions/{session_id}/snapshots',
  operationId: 'takeSnapshot',
  tags: ['Snapshots'],
  summary: 'Save the files and the conversation as they are now, whether the session runs or is parked',
  ...secured('new work', 'sessions:write'),
  request: { params: sessionParams },
  responses: {
    200: json('There is one of just how they are', snapshotView),
    202: json('Asked for: `pending` until it is stored', snapshotView),
    ...refusals('quota_exceeded', 'files_unavailable', 'storage_unavailable'),
  },
});

const list = createRoute({
  method: 'get',
  path: '/sessions/{session_id}/snapshots',
  operationId: 'listSnapshots',
  tags: ['Snapshots'],
  summary: 'A session’s snapshots, the newest first',
  ...secured('sessions:read'),
  request: { params: sessionParams, query: pageQuery(z.uuid()) },
  responses: { 200: json('A page', snapshotList), ...refusals() },
});

const show = createRoute({
  method: 'get',
  path: '/sessions/{session_id}/snapshots/{snapshot_id}',
  operationId: 'getSnapshot',
  tags: ['Snapshots'],
  summary: 'One snapshot',
  ...secured('sessions:read'),
  request: { params: snapshotParams },
  responses: { 200: json('The snapshot', snapshotView), ...refusals('snapshot_not_found') },
});

const fork = createRoute({
  method: 'post',
  path: '/sessions/{session_id}/fork',
  operationId: 'forkSession',
  tags: ['Snapshots'],
  summary: 'A new session with the same conversation and files, which go their own way from here',
  ...audited('session.created', securedFor('owner', 'new work', 'sessions:write')),
  request: { params: sessionParams, headers: idempotencyHeader, ...body(forkRequest) },
  responses: {
    201: json('Begun', forkedSession),
    ...refusals(
      'session_limit_reached',
      'session_rate_reached',
      'quota_exceeded',
      'idempotency_key_reused',
      'snapshot_not_found',
      'snapshot_pending',
      'pool_unknown',
      'pool_forbidden',
      'files_unavailable',
      'storage_unavailable',
    ),
  },
});

/** Snapshots of a session, and forks. */
export function addSnapshots(app: OpenAPIHono<AppEnv>): void {
  app.openapi(take, async (c) => {
    const found = await sessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const { session } = found;
    const owner = c.get('caller').owner;
    const id = uuidV7();
    const view = await untilAnswered(async () => await session.requestSnapshot(owner, id));
    if ('refused' in view) return refuse(c, view);
    return view.state === 'stored' ? c.json(view, 200) : c.json(view, 202);
  });

  app.openapi(list, async (c) => {
    const found = await sessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const { session } = found;
    const { cursor, limit } = c.req.valid('query');
    const page = await session.listSnapshots(c.get('caller').owner, cursor, limit);
    return 'refused' in page ? refuse(c, page) : c.json({ data: [...page.data], next_cursor: page.next_cursor }, 200);
  });

  app.openapi(show, async (c) => {
    const found = await sessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const { session } = found;
    const view = await session.snapshot(c.get('caller').owner, c.req.valid('param').snapshot_id.toLowerCase());
    return 'refused' in view ? refuse(c, view) : c.json(view, 200);
  });

  app.openapi(fork, async (c) => {
    const found = await sessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const { session } = found;
    const directory = directoryOf(c);
    const { owner, author } = c.get('caller');
    const source = c.req.valid('param').session_id.toLowerCase();
    const named = c.req.valid('json').snapshot?.toLowerCase();
    const key = c.req.valid('header')['idempotency-key'];
    const snapshotId = uuidV7();
    const asked = JSON.stringify(['fork', source, named ?? null]);
    const begin = async () => {
      const origin = await untilAnswered(async () => await session.forkSource(owner, snapshotId, named));
      if ('refused' in origin) return origin;
      const { request, snapshot_id, conversation_id, environment: inherited } = origin;
      const fork = { session_id: source, snapshot_id, conversation_id, asked };
      return directory.create({
        session_id: uuidV7(),
        owner,
        request,
        idempotency_key: key,
        fork,
        inherited,
        traceparent: traceOf(c),
        ...(author && { author }),
      });
    };
    // A repeated call gets the answer of the first, without another snapshot.
    const made = key === undefined ? null : await directory.forked(key, asked, owner);
    const created = made ?? (await begin());
    if ('refused' in created) {
      return refuse(c, created, created.refused === 'snapshot_pending' ? { 'retry-after': '5' } : {});
    }
    const { session_id, status, container_id, created_at } = created;
    noteCreated(c, session_id);
    const answer = { session_id, status, container_id, created_at, websocket_url: streamUrl(c, session_id) };
    return c.json({ ...answer, forked_from: source }, 201);
  });
}
