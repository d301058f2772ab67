import * as z from 'zod';
import { credentialEnvironment, dummyCredentialEnv, modelCredential, type ModelCredential } from './credential.ts';

/** The model's host name inside a container. Claude Code reaches it over a unix socket. */
export const MODEL_HOST = 'model.cc-docker.local';
const ANTHROPIC_API = 'https://api.anthropic.com';

/** `baseUrl` has no trailing slash and may have a path; `/v1/messages` is appended. */
export type ModelUpstream =
  | { kind: 'anthropic'; baseUrl: string; credential: ModelCredential | undefined }
  | { kind: 'demo' };

const baseUrl = z
  .string()
  .trim()
  .transform((value) => (value === '' ? undefined : value))
  .pipe(
    z
      .url({ protocol: /^https?$/, error: 'must be a URL such as https://api.anthropic.com', abort: true })
      .refine((value) => {
        const url = new URL(value);
        return url.username === '' && url.password === '' && url.search === '' && url.hash === '';
      }, 'must have no user, password, query or fragment: a credential goes into ANTHROPIC_AUTH_TOKEN or ANTHROPIC_API_KEY')
      .transform((value) => value.replace(/\/+$/, ''))
      .optional(),
  )
  .optional();

/**
 * The model that an environment configures. A credential is for `ANTHROPIC_BASE_URL`, or for Anthropic if that is unset. A
 * base URL without a credential is allowed, because some gateways need none. Neither is set: the demo model.
 */
export const modelUpstreamEnvironment = credentialEnvironment
  .extend({ ANTHROPIC_BASE_URL: baseUrl })
  .transform((env): ModelUpstream => {
    const credential = modelCredential(env);
    if (credential === undefined && env.ANTHROPIC_BASE_URL === undefined) return { kind: 'demo' };
    return { kind: 'anthropic', baseUrl: env.ANTHROPIC_BASE_URL ?? ANTHROPIC_API, credential };
  });

/** Where the model's traffic goes, for logs and banners. Holds no secret. */
export function describeUpstream(upstream: ModelUpstream): string {
  if (upstream.kind === 'demo') return 'the demo model (no credential is set)';
  if (upstream.credential === undefined) return `${upstream.baseUrl} without a credential`;
  return `${upstream.baseUrl} with ${Object.keys(dummyCredentialEnv(upstream.credential.kind)).join()}`;
}

/**
 * The environment with which Claude Code in a container reaches its gateway: plain HTTP over the socket (an `https` base
 * URL would fail), with a dummy of the real credential's kind.
 *
 * @param socketPath the gateway's socket, as a path in the container
 */
export function containerModelEnv(upstream: ModelUpstream, socketPath: string): Record<string, string> {
  const kind = upstream.kind === 'demo' ? 'api_key' : (upstream.credential?.kind ?? 'api_key');
  return {
    ANTHROPIC_UNIX_SOCKET: socketPath,
    ANTHROPIC_BASE_URL: `http://${MODEL_HOST}`,
    ...dummyCredentialEnv(kind),
  };
}
