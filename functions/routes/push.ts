import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi';
import { gateStub } from '../../durable/rpc/edge-env.ts';
import { feedOf } from '../../durable/rpc/gate-rpc.ts';
import {
  DEVICE_LIFE_MS,
  pushInfo,
  pushSubscriptionId,
  pushSubscriptionList,
  pushSubscriptionRequest,
  pushSubscriptionView,
  pushTested,
} from '../../protocol/api/push.ts';
import type { AppEnv } from '../app-env.ts';
import { securedFor } from '../auth/authorise.ts';
import { body, json, refusals } from '../contract.ts';
import { audited } from '../gate/audit.ts';
import { markOf, noteUntil } from '../gate/revocations.ts';
import { directoryOf, originFor } from '../objects.ts';
import { refuse } from '../refuse.ts';

const params = z.object({
  id: pushSubscriptionId.meta({ description: 'The device, by the id that it has chosen', example: 'phone' }),
});

const info = createRoute({
  method: 'get',
  path: '/push',
  operationId: 'getPush',
  tags: ['Push'],
  summary: 'What a browser needs to subscribe: the service’s public key',
  ...securedFor('owner', 'sessions:read'),
  responses: { 200: json('The key', pushInfo), ...refusals() },
});

const put = createRoute({
  method: 'put',
  path: '/push/subscriptions/{id}',
  operationId: 'putPushSubscription',
  tags: ['Push'],
  summary: 'Have this device notified of your sessions, or change of what',
  ...audited('push.changed', securedFor('owner', 'goes on', 'sessions:write')),
  request: { params, ...body(pushSubscriptionRequest) },
  responses: { 200: json('The device', pushSubscriptionView), ...refusals('push_limit_reached') },
});

const list = createRoute({
  method: 'get',
  path: '/push/subscriptions',
  operationId: 'listPushSubscriptions',
  tags: ['Push'],
  summary: 'Your devices that are notified, the newest first',
  ...securedFor('owner', 'sessions:read'),
  responses: { 200: json('All of them', pushSubscriptionList), ...refusals() },
});

const test = createRoute({
  method: 'post',
  path: '/push/subscriptions/{id}/test',
  operationId: 'testPushSubscription',
  tags: ['Push'],
  summary: 'Send a device a test message',
  ...securedFor('owner', 'goes on', 'sessions:write'),
  request: { params },
  responses: { 200: json('What came of it', pushTested), ...refusals('push_subscription_not_found') },
});

const remove = createRoute({
  method: 'delete',
  path: '/push/subscriptions/{id}',
  operationId: 'deletePushSubscription',
  tags: ['Push'],
  summary: 'Notify a device no more',
  ...audited('push.deleted', securedFor('owner', 'goes on', 'sessions:write')),
  request: { params },
  responses: { 204: { description: 'Removed' }, ...refusals('push_subscription_not_found') },
});

/** Web push: the service's key, and the owner's devices. */
export function addPush(app: OpenAPIHono<AppEnv>): void {
  app.openapi(info, async (c) => c.json({ public_key: await gateStub(c.env).vapidKey() }, 200));

  app.openapi(put, async (c) => {
    const { owner } = c.get('caller');
    const { id } = c.req.valid('param');
    const request = c.req.valid('json');
    const input = { id, request, origin: originFor(c), token: markOf(c.get('caller')) };
    const view = await directoryOf(c).setPush(input);
    if ('refused' in view) return refuse(c, view);
    // Whoever revokes the token ends what it has set up. It may be revoked at this moment, when the gate does not know of this yet.
    const revoked = await noteUntil(c, feedOf(owner), Date.now() + DEVICE_LIFE_MS);
    if (revoked === null) return c.json(view, 200);
    await directoryOf(c).removePush(id);
    return refuse(c, revoked);
  });

  app.openapi(list, async (c) => c.json({ data: await directoryOf(c).pushes(), next_cursor: null }, 200));

  app.openapi(test, async (c) => {
    const tested = await directoryOf(c).testPush(c.req.valid('param').id);
    return 'refused' in tested ? refuse(c, tested) : c.json(tested, 200);
  });

  app.openapi(remove, async (c) => {
    const removed = await directoryOf(c).removePush(c.req.valid('param').id);
    return 'refused' in removed ? refuse(c, removed) : c.body(null, 204);
  });
}
