import { record } from '../../durable/rpc/telemetry/spans.ts';
import { isSampled, newSpanId, newTraceId, parseTraceparent, traceparentOf } from '../../protocol/trace/context.ts';
import type { Context, MiddlewareHandler, Next } from 'hono';
import type { AppEnv } from '../app-env.ts';
import { inBackground } from './background.ts';
import { methodOf, routeOf } from './route-of.ts';

/** What machines ask every few seconds: nobody looks for it in a trace, unless they began one. */
const PROBES = new Set(['/health', '/ready', '/metrics']);

/** Records a span for each call, in the client's trace (`traceparent`) or in a new one, where a collector is set. */
export const withTrace: MiddlewareHandler<AppEnv> = (c, next) =>
  c.get('settings').OTEL_EXPORTER_OTLP_ENDPOINT === undefined ? next() : traced(c, next);

async function traced(c: Context<AppEnv>, next: Next): Promise<void> {
  const settings = c.get('settings');
  const parent = parseTraceparent(c.req.header('traceparent'));
  const trace_id = parent?.trace_id ?? newTraceId();
  const sampled = parent?.sampled ?? isSampled(trace_id, settings.OTEL_TRACES_SAMPLER_ARG);
  const trace = { trace_id, span_id: newSpanId(), sampled };
  c.set('trace', trace);
  const start = Date.now();
  await next();
  const route = routeOf(c);
  if (!sampled || (parent === null && PROBES.has(route))) return;
  const { status } = c.res;
  const method = methodOf(c);
  const code = c.get('refused');
  const attributes = {
    'http.request.method': method,
    'http.route': route,
    'http.response.status_code': status,
    'cc_docker.request_id': c.get('requestId'),
  };
  const span = { ...trace, parent_id: parent?.span_id ?? null, kind: 'server' as const, start, end: Date.now() };
  // By convention, what a client did wrong is no error of the server's.
  const error = status >= 500 ? { error: code ?? String(status) } : {};
  record({ ...span, name: `${method} ${route}`, attributes, ...error }, settings, (sending) =>
    inBackground(c, sending),
  );
}

/** The call's place in its trace, for what it causes: a `traceparent`; undefined: nothing is traced. */
export function traceOf(c: Pick<Context<AppEnv>, 'get'>): string | undefined {
  const trace = c.get('trace');
  return trace === undefined ? undefined : traceparentOf(trace);
}
