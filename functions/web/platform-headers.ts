import type { EdgeEnv } from '../../durable/rpc/edge-env.ts';

/** What a platform in front of the Worker says in headers: Cloudflare, Miniflare, proxies that take after them. */
const PLATFORMS = /^(?:cf-|mf-|true-client-ip$|x-real-ip$)/;

/**
 * Takes the headers out that only a platform may set, and that a client has sent. On Cloudflare the platform does that itself.
 *
 * @param env `ADDRESS_HEADER`: a proxy of the operator's sets this one
 */
export function withoutPlatformHeaders(
  request: Request,
  env: Pick<EdgeEnv, 'RUNTIME'> & { readonly ADDRESS_HEADER?: string },
): Request {
  if (env.RUNTIME !== 'workerd') return request;
  const foreign = foreignHeaders(request, env.ADDRESS_HEADER);
  if (foreign.length === 0) return request;
  const headers = new Headers(request.headers);
  for (const name of foreign) headers.delete(name);
  return new Request(request, { headers });
}

/** The headers of a request that only a platform may set. @param own a proxy of the operator's sets this one */
export function foreignHeaders({ headers }: Request, own: string | undefined): string[] {
  const foreign: string[] = [];
  // Not by an iterator: that is an object outside of V8's heap with a copy of all headers, for each call.
  headers.forEach((_, name) => {
    if (PLATFORMS.test(name) && name !== own?.toLowerCase()) foreign.push(name);
  });
  return foreign;
}
