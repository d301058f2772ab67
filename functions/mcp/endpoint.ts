import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import type { AppEnv } from '../app-env.ts';
import { refuse } from '../refuse.ts';
import { Api, type Serve } from './api.ts';

/**
 * Refuses web pages of other sites (MCP, streamable HTTP, "Security Warning"). With DNS rebinding, a page's own name
 * points to this machine, so the page looks like ours. Over plain HTTP a name therefore proves nothing: the host has to
 * be an address or `localhost`.
 */
export const withOwnOrigin = createMiddleware<AppEnv>(async (c, next) => {
  const origin = c.req.header('origin');
  if (origin === undefined || isOwn(origin, new URL(c.req.url))) return next();
  const detail = 'A web page of another site may not call this. Programs send no Origin header.';
  return refuse(c, { refused: 'origin_refused', detail });
});

function isOwn(origin: string, own: URL): boolean {
  const page = URL.parse(origin);
  if (page === null || page.host !== own.host) return false;
  return page.protocol === 'https:' || isAddress(page.hostname);
}

/** No DNS server answers for these. */
function isAddress(hostname: string): boolean {
  return hostname === 'localhost' || hostname.startsWith('[') || /^\d+\.\d+\.\d+\.\d+$/.test(hostname);
}

/** The MCP server, for a caller whose token has been checked. */
export async function mcp(c: Context<AppEnv>, serve: Serve): Promise<Response> {
  if (c.req.method !== 'POST') {
    // MCP, streamable HTTP, allows this for a server that sends nothing unasked and has no sessions to end.
    const detail = 'MCP is spoken by POST here: there is no stream to listen to, and no MCP session to end.';
    return refuse(c, { refused: 'method_not_allowed', detail }, { allow: 'POST' });
  }
  // Loaded at the first call: most edges never need it, and it would make every start slower.
  const { serveMcp } = await import('./server.ts');
  const { origin } = new URL(c.req.url);
  return serveMcp(c.req.raw, new Api(serve, origin, c.req.header('authorization') ?? ''));
}
