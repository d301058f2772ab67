import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi';
import { diskOf } from '../../durable/rpc/edge-disk.ts';
import { gateStub } from '../../durable/rpc/edge-env.ts';
import { sendTelemetryNow } from '../../durable/rpc/telemetry/counts.ts';
import { health, readiness } from '../../protocol/health.ts';
import type { AppEnv } from '../app-env.ts';
import { securedFor } from '../auth/authorise.ts';
import { json, refusals } from '../contract.ts';
import { refuse } from '../refuse.ts';
import { metricsText } from './metrics-text.ts';
import { poolsHealth, runnersMetrics } from './pools-health.ts';
import { serviceHealth, unreadyReasons } from './service-health.ts';

const healthRoute = createRoute({
  method: 'get',
  path: '/health',
  operationId: 'getHealth',
  tags: ['Service'],
  summary: 'How each part is; no token needed. Writes and reads state, at most once a second',
  responses: {
    200: json('The service answers; `degraded`: no session can start', health),
    503: json('`failing`: state cannot be written and read, or an object does not answer in time', health),
  },
});

const readyRoute = createRoute({
  method: 'get',
  path: '/ready',
  operationId: 'getReadiness',
  tags: ['Service'],
  summary: 'Whether a session could start; no token needed',
  responses: { 200: json('One could', readiness), ...refusals('not_ready') },
});

const metricsRoute = createRoute({
  method: 'get',
  path: '/metrics',
  operationId: 'getMetrics',
  tags: ['Service'],
  summary: 'Metrics in Prometheus’s format',
  ...securedFor('owner', 'admin'),
  responses: { 200: { description: 'The metrics', content: { 'text/plain': { schema: z.string() } } }, ...refusals() },
});

/** When a load balancer may ask again, seconds. */
const RETRY_SECONDS = 5;

/** What operators and their machines ask of the service. */
export function addTelemetry(app: OpenAPIHono<AppEnv>): void {
  app.openapi(healthRoute, async (c) => {
    const how = await serviceHealth(c);
    return c.json(how, how.status === 'failing' ? 503 : 200);
  });

  app.openapi(readyRoute, async (c) => {
    const reasons = unreadyReasons(await serviceHealth(c));
    if (reasons.length === 0) return c.json({ ready: true as const }, 200);
    const detail = `No session could start: ${reasons.join('; ')}.`;
    return refuse(c, { refused: 'not_ready', detail, retry_after_seconds: RETRY_SECONDS });
  });

  app.openapi(metricsRoute, async (c) => {
    // At home all objects are in this isolate. On Cloudflare the others send what they have within a second.
    await sendTelemetryNow(c.env);
    const [gate, pool, runners, disk] = await Promise.all([
      gateStub(c.env).metrics(),
      poolsHealth(c),
      runnersMetrics(c),
      diskOf(c.env),
    ]);
    return c.text(metricsText({ gate, pool, runners, disk }), 200, {
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
    });
  });
}
