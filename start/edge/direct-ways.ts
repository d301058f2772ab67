import { upstreamProxies } from '../../runner/lib/upstream-proxy/proxies.ts';

/** What the edge reaches by itself, and the setting by which it is told to. */
const WAYS: readonly (readonly [what: string, setting: string])[] = [
  ['Discord', 'DISCORD_BOT_TOKEN'],
  ['the key set', 'JWT_JWKS_URL'],
  ['the provider of the sign-in', 'OIDC_CLIENT_ID'],
  ['Redis', 'UPSTASH_REDIS_REST_URL'],
  ['the collector of traces', 'OTEL_EXPORTER_OTLP_ENDPOINT'],
];

/**
 * The edge runs in workerd, whose only way through a proxy are requests with the whole URL: a proxy's CONNECT, without which
 * there is no TLS, it does not speak. So it dials everything directly, proxy or not.
 *
 * @param env where the proxies are set
 * @param vars the edge's settings
 * @returns the sentence that says so; undefined: no proxy is set
 */
export function directWays(
  env: Readonly<Record<string, string | undefined>>,
  vars: Readonly<Record<string, string>>,
): string | undefined {
  const read = upstreamProxies(env);
  const set = !read.ok || read.proxies.http !== undefined || read.proxies.https !== undefined;
  if (!set) return undefined;
  const ways = [...WAYS.flatMap(([what, setting]) => ((vars[setting] ?? '') === '' ? [] : [what])), 'webhooks'];
  return `a proxy is set, and the edge itself uses none: it dials ${ways.join(', ')} directly (docs/operations.md)`;
}
