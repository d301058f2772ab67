import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi';
import {
  environmentBuildList,
  environmentBuildLog,
  environmentList,
  environmentRequest,
  environmentView,
  newEnvironmentName,
} from '../../protocol/api/environment.ts';
import { environmentName } from '../../protocol/api/environment-name.ts';
import { uuid } from '../../protocol/ids.ts';
import type { AppEnv } from '../app-env.ts';
import { securedFor } from '../auth/authorise.ts';
import { body, json, pageQuery, refusals } from '../contract.ts';
import { audited } from '../gate/audit.ts';
import { directoryOf } from '../objects.ts';
import { refuse } from '../refuse.ts';

const NAME = { description: 'The environment', example: 'python' };
const params = z.object({ name: environmentName.meta(NAME) });
const buildParams = params.extend({ build_id: uuid.meta({ description: 'The build' }) });

const put = createRoute({
  method: 'put',
  path: '/environments/{name}',
  operationId: 'putEnvironment',
  tags: ['Environments'],
  summary: 'Set up an environment, or replace it: sessions that are created from now on start from that',
  ...audited('environment.changed', securedFor('owner', 'new work', 'environments:write')),
  request: { params: z.object({ name: newEnvironmentName.meta(NAME) }), ...body(environmentRequest) },
  responses: {
    200: json('The environment', environmentView),
    ...refusals('environments_limit_reached', 'image_forbidden'),
  },
});

const list = createRoute({
  method: 'get',
  path: '/environments',
  operationId: 'listEnvironments',
  tags: ['Environments'],
  summary: 'Your environments and those that the operator shares, by name',
  ...securedFor('owner', 'sessions:read'),
  responses: { 200: json('All of them', environmentList), ...refusals() },
});

const show = createRoute({
  method: 'get',
  path: '/environments/{name}',
  operationId: 'getEnvironment',
  tags: ['Environments'],
  summary: 'One environment',
  ...securedFor('owner', 'sessions:read'),
  request: { params },
  responses: { 200: json('The environment', environmentView), ...refusals('environment_not_found') },
});

const remove = createRoute({
  method: 'delete',
  path: '/environments/{name}',
  operationId: 'deleteEnvironment',
  tags: ['Environments'],
  summary: 'Remove an environment with the logs of its builds; sessions that were created from it go on as they are',
  ...audited('environment.deleted', securedFor('owner', 'goes on', 'environments:write')),
  request: { params },
  responses: { 204: { description: 'Removed' }, ...refusals('environment_not_found', 'environment_shared') },
});

const builds = createRoute({
  method: 'get',
  path: '/environments/{name}/builds',
  operationId: 'listBuilds',
  tags: ['Environments'],
  summary: 'The builds of its image that your sessions waited for, the newest first; the last 20 are kept',
  ...securedFor('owner', 'sessions:read'),
  request: { params, query: pageQuery(uuid) },
  responses: { 200: json('A page', environmentBuildList), ...refusals('environment_not_found') },
});

const build = createRoute({
  method: 'get',
  path: '/environments/{name}/builds/{build_id}',
  operationId: 'getBuild',
  tags: ['Environments'],
  summary: 'One build, with what it wrote',
  ...securedFor('owner', 'sessions:read'),
  request: { params: buildParams },
  responses: { 200: json('The build', environmentBuildLog), ...refusals('environment_not_found', 'build_not_found') },
});

/** Environments: set up, list, show, remove; and the builds of their images. */
export function addEnvironments(app: OpenAPIHono<AppEnv>): void {
  app.openapi(put, async (c) => {
    const view = await directoryOf(c).setEnvironment(c.req.valid('param').name, c.req.valid('json'));
    return 'refused' in view ? refuse(c, view) : c.json(view, 200);
  });

  app.openapi(list, async (c) => c.json({ data: await directoryOf(c).environments(), next_cursor: null }, 200));

  app.openapi(show, async (c) => {
    const view = await directoryOf(c).environment(c.req.valid('param').name);
    return 'refused' in view ? refuse(c, view) : c.json(view, 200);
  });

  app.openapi(remove, async (c) => {
    const removed = await directoryOf(c).removeEnvironment(c.req.valid('param').name);
    return 'refused' in removed ? refuse(c, removed) : c.body(null, 204);
  });

  app.openapi(builds, async (c) => {
    const { cursor, limit } = c.req.valid('query');
    const page = await directoryOf(c).environmentBuilds(c.req.valid('param').name, cursor?.toLowerCase(), limit);
    return 'refused' in page ? refuse(c, page) : c.json(page, 200);
  });

  app.openapi(build, async (c) => {
    const { name, build_id } = c.req.valid('param');
    const view = await directoryOf(c).environmentBuild(name, build_id.toLowerCase());
    return 'refused' in view ? refuse(c, view) : c.json(view, 200);
  });
}
