import type { Context } from 'hono';
import type { CallerEnv } from '../app-env.ts';
import { refuse } from '../refuse.ts';
import { REQUEST_ID } from '../telemetry/request-id.ts';
import { traceOf } from '../telemetry/trace.ts';
import { Api, type Serve } from './api.ts';

/** The MCP server, for a caller whose token has been checked. */
export async function mcp(c: Context<CallerEnv>, serve: Serve): Promise<Response> {
  if (c.req.method !== 'POST') {
    // MCP, streamable HTTP, allows this for a server that sends nothing unasked and has no sessions to end.
    const detail = 'MCP is spoken by POST here: there is no stream to listen to, and no MCP session to end.';
    return refuse(c, { refused: 'method_not_allowed', detail }, { allow: 'POST' });
  }
  // Loaded at the first call: most edges never need it, and it would make every start slower.
  const { serveMcp } = await import('./server.ts');
  const { origin } = new URL(c.req.url);
  const traceparent = traceOf(c);
  const headers = {
    authorization: c.req.header('authorization') ?? '',
    [REQUEST_ID]: c.get('requestId'),
    ...(traceparent !== undefined && { traceparent }),
  };
  return serveMcp(c.req.raw, c.get('settings').BODY_TIMEOUT, new Api(serve, origin, headers));
}
