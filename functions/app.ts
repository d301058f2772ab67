import { OpenAPIHono } from '@hono/zod-openapi';
import { RegExpRouter } from 'hono/router/reg-exp-router';
import { DISK_FULL, isDiskFull } from '../durable/rpc/edge-disk.ts';
import type { Refusal } from '../protocol/api/problem.ts';
import { issuesOf } from '../protocol/issues.ts';
import { RedisUnavailable } from '../redis/client.ts';
import type { AppEnv } from './app-env.ts';
import { addAdmin } from './routes/admin.ts';
import { addInstallable } from './console/installable.ts';
import { addConsole, consolePage, opensPage } from './console/pages.ts';
import { addOidc } from './console/oidc/routes.ts';
import { addBrowserSession } from './console/session.ts';
import { addArtifacts } from './routes/files/artifacts.ts';
import { addChildren } from './routes/session/children.ts';
import { addDiscord, discordInteractions } from './discord/routes.ts';
import { objectsDoor } from './door/door.ts';
import { addDocs } from './web/docs.ts';
import { addEnvironments } from './routes/environments.ts';
import { addEvents } from './routes/session/events.ts';
import { addFiles } from './routes/files/files.ts';
import { addInteractions } from './routes/session/interactions.ts';
import { addLogin } from './routes/login.ts';
import { mcp } from './mcp/endpoint.ts';
import { addOverview } from './routes/overview.ts';
import { previewHosts } from './preview/previews.ts';
import { addMessages } from './routes/session/messages.ts';
import { addressOf } from './gate/address.ts';
import { withAddressLimit } from './gate/limits.ts';
import { withCaller } from './auth/authorise.ts';
import { withSettings } from './web/middleware.ts';
import { refuse } from './refuse.ts';
import { runnerSockets } from './routes/runner-sockets.ts';
import { addPorts } from './routes/session/ports.ts';
import { addRunners } from './routes/runners.ts';
import { addSessions } from './routes/session/sessions.ts';
import { addSnapshots } from './routes/files/snapshots.ts';
import { answerLinks } from './routes/answer-links.ts';
import { addPush } from './routes/push.ts';
import { addWebhooks } from './routes/webhooks.ts';
import { withAccess } from './telemetry/access.ts';
import { executionOf } from './telemetry/background.ts';
import { withTrace } from './telemetry/trace.ts';
import { addTerminal } from './routes/session/terminal.ts';
import { addTelemetry } from './telemetry/routes.ts';
import { isTransient } from './until-answered.ts';
import { addWorkspaces } from './routes/files/workspaces.ts';
import { withAnswerHeaders } from './web/answer-headers.ts';
import { withCors, withKnownSite } from './web/web-guard.ts';

const REDIS_UNAVAILABLE: Refusal = {
  refused: 'redis_unavailable',
  retry_after_seconds: 1,
  detail:
    'Whether the call may be answered is known to Redis alone (UPSTASH_REDIS_REST_URL), which does not say. Try again.',
};

/** What an object says that refuses state of a newer version (`durable/shared/schema.ts`); null: another error. Errors lose their class on the way here. */
function tooNewDetail(error: Error): string | null {
  return /^(?:Error: )?state_too_new: (.*)$/.exec(error.message)?.[1] ?? null;
}

const RUNNERS_ELSEWHERE: Refusal = {
  refused: 'route_not_found',
  detail: 'Runners dial the edge that has the objects (EDGE_URL), not this one.',
};

/**
 * The HTTP API: stateless handlers that parse, authorise, call one object and answer.
 *
 * @param where it is served: on the Worker, beside the objects, or `elsewhere`, which reaches them through the Worker's door.
 *   What runners dial, and the door itself, are on the Worker alone.
 */
export function createApp(where: 'worker' | 'elsewhere' = 'worker'): OpenAPIHono<AppEnv> {
  // Named, so that a path which it cannot take fails at once. Hono would else use one that takes any, and longer for each call.
  const app = new OpenAPIHono<AppEnv>({ router: new RegExpRouter() });

  app.onError(async (error, c) => {
    if (isTransient(error)) {
      console.warn(
        `edge: request ${c.get('requestId')} was answered 503, for an object was not reached: ${String(error)}`,
      );
      const detail = 'The session could not be reached just now. Try again.';
      return refuse(c, { refused: 'unavailable', detail }, { 'retry-after': '1' });
    }
    if (error instanceof RedisUnavailable) return refuse(c, REDIS_UNAVAILABLE);
    if (await isDiskFull(error, c.env)) {
      console.error(`edge: the disk is full (request ${c.get('requestId')}): ${error.message}`);
      return refuse(c, DISK_FULL);
    }
    console.error(`edge: request ${c.get('requestId')} failed:`, error);
    const tooNew = tooNewDetail(error);
    if (tooNew !== null) return refuse(c, { refused: 'state_too_new', detail: tooNew });
    return refuse(c, { refused: 'internal_error', detail: 'The log of the edge says more. Please report it.' });
  });
  app.notFound((c) => {
    // People get the console's own page, which says as much, and a way on.
    if (opensPage(c) && !c.req.path.startsWith('/api/')) return consolePage(c, 404);
    const detail = `There is no ${c.req.method} ${c.req.path}. The calls are listed at /docs.`;
    return refuse(c, { refused: 'route_not_found', detail });
  });

  // Before all others: on the host of a preview, nothing of this answers.
  app.use(previewHosts(where));
  app.use(withAnswerHeaders, withSettings, withAccess, withTrace);
  // Edges elsewhere count their callers themselves: here all of those have one address.
  if (where === 'worker') app.route('/objects', objectsDoor);
  app.use(withAddressLimit);
  // Signed by Discord, which calls by whatever name a tunnel has.
  app.route('/api/v1/discord', discordInteractions);
  app.use(withCors, withKnownSite);
  addTelemetry(app);
  app.route('/answer', answerLinks);
  if (where === 'worker') app.route('/api/v1/runner', runnerSockets);
  else app.all('/api/v1/runner/*', (c) => refuse(c, RUNNERS_ELSEWHERE));
  app.route('/api/v1', api());
  app.all('/mcp', withCaller, (c) => {
    const address = addressOf(c);
    const env = address === null ? c.env : { ...c.env, CALLER_ADDRESS: address };
    return mcp(c, (request) => app.fetch(request, env, executionOf(c)));
  });

  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
  });
  app.openAPIRegistry.registerComponent('securitySchemes', 'code', {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'A one-time code for a login, in place of a token',
  });
  app.openAPIRegistry.registerComponent('securitySchemes', 'ticket', { type: 'apiKey', in: 'query', name: 'ticket' });
  addDocs(app);
  addOidc(app);
  addConsole(app);
  addInstallable(app);
  return app;
}

function api(): OpenAPIHono<AppEnv> {
  const app = new OpenAPIHono<AppEnv>({
    defaultHook: (result, c) => {
      if (result.success) return undefined;
      const errors = issuesOf(result.error);
      const said = errors.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');
      return refuse(c, { refused: 'invalid_request', detail: said, errors });
    },
  });
  addSessions(app);
  addChildren(app);
  addSnapshots(app);
  addWorkspaces(app);
  addMessages(app);
  addInteractions(app);
  addPorts(app);
  addWebhooks(app);
  addPush(app);
  addEnvironments(app);
  addEvents(app);
  addOverview(app);
  addTerminal(app);
  addFiles(app);
  addDiscord(app);
  addArtifacts(app);
  addAdmin(app);
  addLogin(app);
  addBrowserSession(app);
  addRunners(app);
  return app;
}
