import {
  allowInsecureRequests,
  ClientSecretBasic,
  ClientSecretPost,
  customFetch,
  discoveryRequest,
  None,
  processDiscoveryResponse,
  type AuthorizationServer,
  type Client,
  type ClientAuth,
  type CustomFetchOptions,
} from 'oauth4webapi';
import type { EdgeSettings } from '../../../protocol/settings/edge-settings.ts';

/** A call to the provider takes no longer, milliseconds. */
const CALL_MS = 10_000;
/** How long what the provider says of itself is believed, milliseconds. */
const KNOWN_MS = 600_000;

/** The provider, and what this service is to it. */
export interface Provider {
  readonly server: AuthorizationServer;
  readonly client: Client;
  readonly auth: ClientAuth;
}

/** The issuer with which people sign in; null: there is none. */
export const issuerOf = ({ OIDC_CLIENT_ID, JWT_ISSUER }: EdgeSettings): string | null =>
  OIDC_CLIENT_ID === undefined || JWT_ISSUER === undefined ? null : JWT_ISSUER;

interface Known {
  readonly server: AuthorizationServer;
  /** When it was asked, epoch milliseconds. */
  readonly at: number;
}
const known = new Map<string, Known>();

/** The provider did not answer, or not in time. */
export class ProviderUnreachable extends Error {}

/** What every call to a provider has. One on this machine or in its network may do without TLS, as its key set may. */
export const callOptions = (issuer: string) => ({
  [allowInsecureRequests]: issuer.startsWith('http:'),
  signal: AbortSignal.timeout(CALL_MS),
  // Runtimes call a network's failure by different names.
  [customFetch]: async (url: string, { body, ...init }: CustomFetchOptions<string, URLSearchParams | undefined>) => {
    try {
      return await fetch(url, { ...init, ...(body !== undefined && { body }) });
    } catch (error) {
      throw new ProviderUnreachable(String(error), { cause: error });
    }
  },
});

/** @throws when the provider cannot be asked, or is none */
export async function providerOf(settings: EdgeSettings): Promise<Provider | null> {
  const issuer = issuerOf(settings);
  const { OIDC_CLIENT_ID: client_id, OIDC_CLIENT_SECRET: secret } = settings;
  if (issuer === null || client_id === undefined) return null;
  const before = known.get(issuer);
  const isFresh = before !== undefined && Date.now() < before.at + KNOWN_MS;
  const server = isFresh ? before.server : await discover(issuer);
  return { server, client: { client_id }, auth: authOf(server, secret) };
}

async function discover(issuer: string): Promise<AuthorizationServer> {
  const url = new URL(issuer);
  const server = await processDiscoveryResponse(url, await discoveryRequest(url, callOptions(issuer)));
  known.set(issuer, { server, at: Date.now() });
  return server;
}

/** How the provider knows us: by the secret in a header, where it takes that (OpenID Connect Core, 9: it does, if it says nothing). */
function authOf({ token_endpoint_auth_methods_supported: methods }: AuthorizationServer, secret: string | undefined) {
  if (secret === undefined) return None();
  const takesHeader = methods === undefined || methods.includes('client_secret_basic');
  return takesHeader ? ClientSecretBasic(secret) : ClientSecretPost(secret);
}
