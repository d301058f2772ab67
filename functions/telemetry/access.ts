import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import { count, observeIn, sendTelemetry } from '../../durable/rpc/telemetry/counts.ts';
import { histogramOf, type Histogram } from '../../protocol/metrics/registry.ts';
import type { AppEnv } from '../app-env.ts';
import { writeAccessLine } from './access-log.ts';
import { inBackground } from './background.ts';
import { knownHash, ownerHash } from './owner-hash.ts';
import { methodOf, routeOf } from './route-of.ts';

/** One call, as the access log has it. Nothing that a caller wrote is in it, but a request id that fits its rule. */
interface AccessLine {
  readonly log: 'access';
  readonly time: string;
  readonly id: string;
  readonly method: string;
  readonly route: string;
  readonly status: number;
  /** Until the call was answered; a stream: until it began. */
  readonly ms: number;
  /** Null: the caller is not known. */
  readonly owner: string | null;
  /** Of the body that came, as it was announced; null: it was not. */
  readonly bytes_in: number | null;
  /** Why it was refused. */
  readonly code?: string;
  /** The trace that it is in. */
  readonly trace?: string;
}

/** Counts each call and how long it took, and writes its line of the access log (`ACCESS_LOG`). */
export const withAccess = createMiddleware<AppEnv>(async (c, next) => {
  const begun = Date.now();
  await next();
  const ms = Date.now() - begun;
  const { status } = c.res;
  const method = methodOf(c);
  const route = routeOf(c);
  const code = c.get('refused');
  const trace = c.get('trace');
  if (code !== undefined) count('cc_docker_refusals_total', { code });
  observeIn(durationsOf(method, route, status), ms / 1000);
  sendTelemetry(c.env, (sending) => inBackground(c, sending));
  const { ACCESS_LOG } = c.get('settings');
  if (ACCESS_LOG === 'off' || (ACCESS_LOG === 'errors' && status < 400)) return;
  const owner = c.get('owner');
  const line: AccessLine = {
    log: 'access',
    time: new Date(begun).toISOString(),
    id: c.get('requestId'),
    method,
    route,
    status,
    ms,
    owner:
      owner === undefined ? null : (knownHash(c.get('settings'), owner) ?? (await ownerHash(c.get('settings'), owner))),
    bytes_in: announced(c),
    ...(code !== undefined && { code }),
    ...(trace !== undefined && { trace: trace.trace_id }),
  };
  writeAccessLine(c, JSON.stringify(line));
});

/** Histograms by what they are of: as many as routes, methods and kinds of answers. */
const durations = new Map<string, Histogram>();

function durationsOf(method: string, route: string, status: number): Histogram {
  const key = `${method} ${route} ${Math.floor(status / 100)}`;
  const known = durations.get(key);
  if (known !== undefined) return known;
  const labels = { method, route, status: `${Math.floor(status / 100)}xx` };
  const made = histogramOf('cc_docker_http_request_duration_seconds', labels);
  durations.set(key, made);
  return made;
}

function announced(c: Context<AppEnv>): number | null {
  const length = c.req.header('content-length');
  return length !== undefined && /^\d{1,15}$/.test(length) ? Number(length) : null;
}
