import { createServer, type RequestListener } from 'node:http';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { installPackages } from '../../../container/build/install-packages.ts';
import { close, listen } from '../net/listen.ts';

/** What is used of `oidc-provider` here. */
interface Package {
  readonly default: new (issuer: string, configuration: object) => { callback(): RequestListener };
}

export interface OidcProvider {
  readonly issuer: string;
  readonly stop: () => Promise<void>;
}

export const CLIENT = { id: 'cc-docker', secret: 'of the client, and of no use elsewhere' };

/**
 * A real OpenID provider on loopback. Whoever signs in there is called what they say; each client has to use PKCE.
 *
 */
export async function startOidcProvider(callback: string): Promise<OidcProvider> {
  const installed = await installPackages({
    folder: import.meta.dirname,
    what: 'an OpenID provider',
    onProgress: console.log,
  });
  if (!installed.ok) throw new Error(installed.detail);
  const file = path.join(import.meta.dirname, 'node_modules/oidc-provider/lib/index.js');
  const { default: Provider } = (await import(pathToFileURL(file).href)) as Package;
  const server = createServer();
  const port = await listen(server, '127.0.0.1');
  const issuer = `http://127.0.0.1:${port}`;
  const provider = new Provider(issuer, {
    clients: [{ client_id: CLIENT.id, client_secret: CLIENT.secret, redirect_uris: [callback] }],
    cookies: { keys: ['of a test'] },
    claims: { profile: ['name'], email: ['email'] },
    // In the ID token, as most providers have it.
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: true } },
    findAccount: (_: unknown, id: string) => ({
      accountId: id,
      claims: () => ({ sub: id, name: `${id} of the provider`, email: `${id}@example.org` }),
    }),
    pkce: { required: () => true },
  });
  server.on('request', provider.callback());
  return { issuer, stop: () => close(server) };
}
