import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi';
import { portList, portView, sharePortRequest } from '../../../protocol/api/session/port.ts';
import type { AppEnv } from '../../app-env.ts';
import { secured } from '../../auth/authorise.ts';
import { body, json, refusals, sessionParams } from '../../contract.ts';
import { audited } from '../../gate/audit.ts';
import { originFor, sessionOf } from '../../objects.ts';
import { refuse } from '../../refuse.ts';

const portParams = sessionParams.extend({
  port: z.coerce.number().int().min(1).max(65_535).meta({ description: 'The port', example: 5173 }),
});

const share = createRoute({
  method: 'post',
  path: '/sessions/{session_id}/ports',
  operationId: 'sharePort',
  tags: ['Ports'],
  summary: 'Give a port of the container a URL, or prolong it; nothing need listen there yet',
  description:
    'The URL opens in any browser, without a header: whoever has it sees what the port serves, over HTTP, WebSocket and event streams. The same port again keeps its URL, and its time begins anew.',
  ...audited('port.shared', secured('goes on', 'sessions:write')),
  request: { params: sessionParams, ...body(sharePortRequest) },
  responses: {
    201: json('Shared', portView),
    ...refusals('ports_limit_reached', 'previews_not_configured'),
  },
});

const list = createRoute({
  method: 'get',
  path: '/sessions/{session_id}/ports',
  operationId: 'listPorts',
  tags: ['Ports'],
  summary: 'The ports that are shared, with their URLs, and those that something listens on',
  ...secured('sessions:read'),
  request: { params: sessionParams },
  responses: { 200: json('All of them', portList), ...refusals() },
});

const remove = createRoute({
  method: 'delete',
  path: '/sessions/{session_id}/ports/{port}',
  operationId: 'unsharePort',
  tags: ['Ports'],
  summary: 'Share a port no longer: its URL leads nowhere, for good',
  ...audited('port.unshared', secured('goes on', 'sessions:write')),
  request: { params: portParams },
  responses: { 204: { description: 'Not shared any more' }, ...refusals('port_not_shared') },
});

/** Shared ports: share, list, remove. What people see who open one: `functions/preview/`. */
export function addPorts(app: OpenAPIHono<AppEnv>): void {
  app.openapi(share, async (c) => {
    const found = await sessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const { session } = found;
    const shared = await session.sharePort(c.get('caller').owner, c.req.valid('json'), originFor(c));
    return 'refused' in shared ? refuse(c, shared) : c.json(shared, 201);
  });

  app.openapi(list, async (c) => {
    const found = await sessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const { session } = found;
    const ports = await session.ports(c.get('caller').owner, originFor(c));
    return 'refused' in ports ? refuse(c, ports) : c.json(ports, 200);
  });

  app.openapi(remove, async (c) => {
    const found = await sessionOf(c);
    if ('refused' in found) return refuse(c, found);
    const { session } = found;
    const removed = await session.unsharePort(c.get('caller').owner, c.req.valid('param').port);
    return 'refused' in removed ? refuse(c, removed) : c.body(null, 204);
  });
}
