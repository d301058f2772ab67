import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi';
import {
  snapshotList,
  storageView,
  workspaceId,
  workspaceList,
  workspaceView,
} from '../../../protocol/api/files/workspace.ts';
import type { AppEnv } from '../../app-env.ts';
import { securedFor } from '../../auth/authorise.ts';
import { json, pageQuery, refusals, workspaceParams } from '../../contract.ts';
import { directoryOf } from '../../objects.ts';
import { refuse } from '../../refuse.ts';

const list = createRoute({
  method: 'get',
  path: '/workspaces',
  operationId: 'listWorkspaces',
  tags: ['Workspaces'],
  summary: 'Your persistent workspaces, by name',
  ...securedFor('owner', 'sessions:read'),
  request: { query: pageQuery(workspaceId) },
  responses: { 200: json('A page', workspaceList), ...refusals() },
});

const show = createRoute({
  method: 'get',
  path: '/workspaces/{workspace_id}',
  operationId: 'getWorkspace',
  tags: ['Workspaces'],
  summary: 'One persistent workspace: who holds it, and its newest snapshot',
  ...securedFor('owner', 'sessions:read'),
  request: { params: workspaceParams },
  responses: { 200: json('The workspace', workspaceView), ...refusals('workspace_not_found') },
});

const remove = createRoute({
  method: 'delete',
  path: '/workspaces/{workspace_id}',
  operationId: 'deleteWorkspace',
  tags: ['Workspaces'],
  summary: 'Remove a workspace that no session holds, with its files',
  ...securedFor('owner', 'goes on', 'sessions:write'),
  request: { params: workspaceParams },
  responses: {
    204: { description: 'Removed' },
    ...refusals('workspace_not_found', 'workspace_held', 'storage_unavailable'),
  },
});

const snapshots = createRoute({
  method: 'get',
  path: '/workspaces/{workspace_id}/snapshots',
  operationId: 'listWorkspaceSnapshots',
  tags: ['Workspaces'],
  summary: 'A workspace’s snapshots, the newest first, whichever session they are of',
  ...securedFor('owner', 'sessions:read'),
  request: { params: workspaceParams, query: pageQuery(z.uuid()) },
  responses: { 200: json('A page', snapshotList), ...refusals('workspace_not_found') },
});

const storage = createRoute({
  method: 'get',
  path: '/storage',
  operationId: 'getStorage',
  tags: ['Workspaces'],
  summary: 'What you have stored, by its parts, and how much that may be',
  ...securedFor('owner', 'sessions:read'),
  responses: { 200: json('As last measured', storageView), ...refusals() },
});

/** Persistent workspaces, and what an owner's data takes in the storage. */
export function addWorkspaces(app: OpenAPIHono<AppEnv>): void {
  app.openapi(list, async (c) => {
    const { cursor, limit } = c.req.valid('query');
    return c.json(await directoryOf(c).workspaces(cursor, limit), 200);
  });

  app.openapi(show, async (c) => {
    const found = await directoryOf(c).workspace(c.req.valid('param').workspace_id);
    return 'refused' in found ? refuse(c, found) : c.json(found, 200);
  });

  app.openapi(remove, async (c) => {
    const removed = await directoryOf(c).removeWorkspace(c.req.valid('param').workspace_id);
    return 'refused' in removed ? refuse(c, removed) : c.body(null, 204);
  });

  app.openapi(snapshots, async (c) => {
    const { cursor, limit } = c.req.valid('query');
    const page = await directoryOf(c).workspaceSnapshots(c.req.valid('param').workspace_id, cursor, limit);
    return 'refused' in page ? refuse(c, page) : c.json(page, 200);
  });

  app.openapi(storage, async (c) => c.json(await directoryOf(c).storageUsage(), 200));
}
