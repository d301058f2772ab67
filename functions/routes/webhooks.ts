import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi';
import {
  deliveryList,
  deliveryState,
  deliveryView,
  webhookList,
  webhookName,
  webhookRequest,
  webhookView,
} from '../../protocol/api/webhook.ts';
import { uuid } from '../../protocol/ids.ts';
import type { Refusal } from '../../protocol/api/problem.ts';
import { sessionStub } from '../../durable/rpc/edge-env.ts';
import type { AppEnv } from '../app-env.ts';
import { secured, securedFor } from '../auth/authorise.ts';
import { body, json, pageQuery, refusals, sessionParams } from '../contract.ts';
import { audited } from '../gate/audit.ts';
import { directoryOf, originFor, sessionOf } from '../objects.ts';
import { refuse } from '../refuse.ts';

const params = z.object({
  name: webhookName.meta({ description: 'The webhook', example: 'phone' }),
});
const deliveryParam = z
  .string()
  .meta({ description: 'The delivery: its `webhook-id`', example: '01939f5a-7c1e-7000-8000-1a2b3c4d5e6f' });
const states = { state: deliveryState.optional() };

const put = createRoute({
  method: 'put',
  path: '/webhooks/{name}',
  operationId: 'putWebhook',
  tags: ['Webhooks'],
  summary: 'Have word of all your sessions posted to a URL, or change how',
  ...audited('webhook.changed', securedFor('owner', 'goes on', 'sessions:write')),
  request: { params, ...body(webhookRequest) },
  responses: {
    200: json('The webhook; with its secret, if this call has made it', webhookView),
    ...refusals('webhooks_limit_reached'),
  },
});

const list = createRoute({
  method: 'get',
  path: '/webhooks',
  operationId: 'listWebhooks',
  tags: ['Webhooks'],
  summary: 'Your webhooks, by name',
  ...securedFor('owner', 'sessions:read'),
  responses: { 200: json('All of them', webhookList), ...refusals() },
});

const deliveries = createRoute({
  method: 'get',
  path: '/deliveries',
  operationId: 'listDeliveries',
  tags: ['Webhooks'],
  summary: 'What was posted of your sessions and what is to be, the newest first',
  ...securedFor('owner', 'sessions:read'),
  request: { query: pageQuery(uuid).extend({ ...states, webhook: webhookName.optional() }) },
  responses: { 200: json('A page', deliveryList), ...refusals() },
});

const redeliver = createRoute({
  method: 'post',
  path: '/deliveries/{delivery_id}/redeliver',
  operationId: 'redeliver',
  tags: ['Webhooks'],
  summary: 'Post a delivery again, or now if it waits',
  ...securedFor('owner', 'goes on', 'sessions:write'),
  request: { params: z.object({ delivery_id: deliveryParam }) },
  responses: { 200: json('The delivery', deliveryView), ...refusals('delivery_not_found') },
});

const show = createRoute({
  method: 'get',
  path: '/webhooks/{name}',
  operationId: 'getWebhook',
  tags: ['Webhooks'],
  summary: 'One webhook',
  ...securedFor('owner', 'sessions:read'),
  request: { params },
  responses: { 200: json('The webhook', webhookView), ...refusals('webhook_not_found') },
});

const remove = createRoute({
  method: 'delete',
  path: '/webhooks/{name}',
  operationId: 'deleteWebhook',
  tags: ['Webhooks'],
  summary: 'Remove a webhook: what waits for it is not posted any more',
  ...audited('webhook.deleted', securedFor('owner', 'goes on', 'sessions:write')),
  request: { params },
  responses: { 204: { description: 'Removed' }, ...refusals('webhook_not_found') },
});

const ofSession = createRoute({
  method: 'get',
  path: '/sessions/{session_id}/deliveries',
  operationId: 'listSessionDeliveries',
  tags: ['Webhooks'],
  summary: 'What was posted of a session and what is to be, the newest first',
  ...secured('sessions:read'),
  request: { params: sessionParams, query: pageQuery(uuid).extend(states) },
  responses: { 200: json('A page', deliveryList), ...refusals() },
});

const redeliverOfSession = createRoute({
  method: 'post',
  path: '/sessions/{session_id}/deliveries/{delivery_id}/redeliver',
  operationId: 'redeliverOfSession',
  tags: ['Webhooks'],
  summary: 'Post a delivery of a session again, or now if it waits',
  ...secured('goes on', 'sessions:write'),
  request: { params: sessionParams.extend({ delivery_id: deliveryParam }) },
  responses: { 200: json('The delivery', deliveryView), ...refusals('delivery_not_found') },
});

const DELIVERY_NOT_FOUND: Refusal = {
  refused: 'delivery_not_found',
  detail: 'None of your deliveries has this id. `GET /api/v1/deliveries` lists them.',
};

/** Webhooks: set up, list, show, remove; and what became of each post. */
export function addWebhooks(app: OpenAPIHono<AppEnv>): void {
  app.openapi(put, async (c) => {
    const { name } = c.req.valid('param');
    const view = await directoryOf(c).setWebhook({ name, request: c.req.valid('json'), origin: originFor(c) });
    return 'refused' in view ? refuse(c, view) : c.json(view, 200);
  });

  app.openapi(list, async (c) => c.json({ data: await directoryOf(c).webhooks(), next_cursor: null }, 200));

  app.openapi(deliveries, async (c) => {
    const { state, webhook, cursor, limit } = c.req.valid('query');
    const query = { state, webhook, cursor: cursor?.toLowerCase(), limit };
    return c.json(await directoryOf(c).deliveries(query), 200);
  });

  app.openapi(redeliver, async (c) => {
    const id = c.req.valid('param').delivery_id.toLowerCase();
    const sessionId = await directoryOf(c).sessionOfDelivery(id);
    if (sessionId === null) return refuse(c, DELIVERY_NOT_FOUND);
    const view = await sessionStub(c.env, sessionId).redeliver(c.get('caller').owner, id);
    return 'refused' in view ? refuse(c, view) : c.json(view, 200);
  });

  app.openapi(show, async (c) => {
    const view = await directoryOf(c).webhook(c.req.valid('param').name);
    return 'refused' in view ? refuse(c, view) : c.json(view, 200);
  });

  app.openapi(remove, async (c) => {
    const removed = await directoryOf(c).removeWebhook(c.req.valid('param').name);
    return 'refused' in removed ? refuse(c, removed) : c.body(null, 204);
  });

  app.openapi(ofSession, async (c) => {
    const found = await sessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const { state, cursor, limit } = c.req.valid('query');
    const query = { state, cursor: cursor?.toLowerCase(), limit };
    const page = await found.session.deliveries(c.get('caller').owner, query);
    return 'refused' in page ? refuse(c, page) : c.json({ ...page, data: [...page.data] }, 200);
  });

  app.openapi(redeliverOfSession, async (c) => {
    const found = await sessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const id = c.req.valid('param').delivery_id.toLowerCase();
    const view = await found.session.redeliver(c.get('caller').owner, id);
    return 'refused' in view ? refuse(c, view) : c.json(view, 200);
  });
}
