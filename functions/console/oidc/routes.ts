import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import {
  authorizationCodeGrantRequest,
  AuthorizationResponseError,
  calculatePKCECodeChallenge,
  generateRandomCodeVerifier,
  generateRandomNonce,
  generateRandomState,
  OperationProcessingError,
  processAuthorizationCodeResponse,
  ResponseBodyError,
  UnsupportedOperationError,
  validateAuthResponse,
  WWWAuthenticateChallengeError,
} from 'oauth4webapi';
import type { AppEnv } from '../../app-env.ts';
import { reachedAt } from '../../auth/browser-cookie.ts';
import { verifyIdToken } from '../../auth/user-token.ts';
import { overFailedTokens } from '../../gate/limits.ts';
import { ifRevoked } from '../../gate/revocations.ts';
import { signIn } from '../session.ts';
import { keepBegun, takeBegun, type Begun } from './begun.ts';
import { faultPage, type Fault } from './fault-page.ts';
import { callOptions, providerOf, ProviderUnreachable, type Provider } from './provider.ts';

type C = Context<AppEnv>;

const CALLBACK = '/login/oidc/callback';

/**
 * The sign-in with a provider of OpenID Connect: the code flow with PKCE (RFC 9700). The state of a sign-in is in the browser that began it,
 * so that nobody else's answer ends it.
 */
export function addOidc(app: OpenAPIHono<AppEnv>): void {
  app.get('/login/oidc', async (c) => {
    const site = c.req.header('sec-fetch-site');
    // Another site could else sign people in without their knowing.
    if (site !== undefined && site !== 'same-origin' && site !== 'none') return faultPage(c, FROM_ELSEWHERE);
    // Only the console's page has a key, without which nothing could be done with the sign-in.
    const key = c.req.query('key') ?? '';
    if (!/^[\w-]{43}$/.test(key)) return faultPage(c, FROM_ELSEWHERE);
    const found = await reachProvider(c);
    return 'title' in found ? faultPage(c, found) : await begin(c, found, key);
  });

  app.get(CALLBACK, async (c) => {
    const begun = await takeBegun(c);
    if (begun === null) return await refused(c, NOT_BEGUN);
    const found = await reachProvider(c);
    if ('title' in found) return faultPage(c, found);
    const fault = await finish(c, found, begun);
    return fault === null ? c.redirect(begun.to, 303) : await refused(c, fault);
  });
}

async function begin(c: C, { server, client }: Provider, key: string): Promise<Response> {
  if (server.authorization_endpoint === undefined) return faultPage(c, unusable('it has no authorization_endpoint'));
  const begun = {
    state: generateRandomState(),
    nonce: generateRandomNonce(),
    verifier: generateRandomCodeVerifier(),
    key,
    to: ownPath(c.req.query('to'), reachedAt(c).origin),
  };
  const url = new URL(server.authorization_endpoint);
  const asked = {
    client_id: client.client_id,
    response_type: 'code',
    redirect_uri: callbackOf(c),
    scope: c.get('settings').OIDC_SCOPE,
    state: begun.state,
    nonce: begun.nonce,
    code_challenge: await calculatePKCECodeChallenge(begun.verifier),
    code_challenge_method: 'S256',
  };
  for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value);
  await keepBegun(c, begun);
  return c.redirect(url.href, 303);
}

/** Signs in whom the provider names. @returns why not; null: they are signed in */
async function finish(c: C, { server, client, auth }: Provider, begun: Begun): Promise<Fault | null> {
  const settings = c.get('settings');
  let token: string | undefined;
  try {
    const answered = validateAuthResponse(server, client, new URL(c.req.url).searchParams, begun.state);
    const { verifier, nonce: expectedNonce } = begun;
    const options = callOptions(server.issuer);
    const request = authorizationCodeGrantRequest(server, client, auth, answered, callbackOf(c), verifier, options);
    const wanted = { expectedNonce, requireIdToken: true };
    ({ id_token: token } = await processAuthorizationCodeResponse(server, client, await request, wanted));
  } catch (error) {
    return faultOf(error);
  }
  const verified = await verifyIdToken(token ?? '', settings);
  if ('refused' in verified) return { ...TOKEN_REFUSED, detail: verified.detail };
  const caller = { ...verified.caller, expires: Date.now() + settings.OIDC_SESSION * 1000 };
  if ((await ifRevoked(c, caller)) !== null) return REVOKED;
  await signIn(c, caller, 'oidc', begun.key);
  return null;
}

async function reachProvider(c: C): Promise<Provider | Fault> {
  try {
    return (await providerOf(c.get('settings'))) ?? NO_PROVIDER;
  } catch (error) {
    console.error(`sign-in: the provider ${c.get('settings').JWT_ISSUER} cannot be asked: ${String(error)}`);
    return UNREACHABLE;
  }
}

/** A path of this service, whatever was asked for: never another host. */
function ownPath(asked: string | undefined, origin: string): string {
  const url = URL.parse(asked ?? '/', origin);
  if (url === null || url.origin !== origin) return '/';
  // Two slashes at its beginning would be a host.
  return `/${url.pathname.replace(/^\/+/, '')}`;
}

const callbackOf = (c: C) => `${reachedAt(c).origin}${CALLBACK}`;

/** A failed one counts as a refused token: nobody may try many. */
async function refused(c: C, fault: Fault): Promise<Response> {
  const over = await overFailedTokens(c);
  return faultPage(c, over === null ? fault : { ...TOO_MANY, detail: over.detail });
}

/** @throws what is not the provider's doing */
function faultOf(error: unknown): Fault {
  if (error instanceof AuthorizationResponseError) {
    if (error.error === 'access_denied') return DENIED;
    const more = error.error_description === undefined ? '' : `: ${error.error_description}`;
    return { ...PROVIDER_REFUSED, detail: `The provider refused the sign-in (${error.error}${more}).` };
  }
  if (error instanceof ResponseBodyError) {
    const detail =
      error.error === 'invalid_client'
        ? 'The provider does not know this service by OIDC_CLIENT_ID and OIDC_CLIENT_SECRET. Whoever runs the service can set them right.'
        : `The provider did not take its own code back (${error.error}). Each is good once, and for a short time: begin anew.`;
    return { ...PROVIDER_REFUSED, detail };
  }
  if (error instanceof WWWAuthenticateChallengeError)
    return { ...PROVIDER_REFUSED, detail: 'The provider does not know this service by OIDC_CLIENT_ID and its secret.' };
  if (error instanceof OperationProcessingError || error instanceof UnsupportedOperationError)
    return { ...NOT_FITTING, detail: `${NOT_FITTING.detail} (${error.message})` };
  if (error instanceof ProviderUnreachable) {
    console.error(`sign-in: the provider did not answer: ${String(error)}`);
    return UNREACHABLE;
  }
  throw error;
}

const FROM_ELSEWHERE: Fault = {
  status: 403,
  title: 'Begin here',
  detail: 'This sign-in was not begun on the page of the console. If you want to sign in, begin there.',
};
const NO_PROVIDER: Fault = {
  status: 404,
  title: 'There is no provider',
  detail: 'This service has no provider to sign in with (OIDC_CLIENT_ID). Sign in with a link or a token.',
};
const UNREACHABLE: Fault = {
  status: 502,
  title: 'The provider does not answer',
  detail: 'The provider that people sign in with (JWT_ISSUER) cannot be reached just now. Try again in a minute.',
};
const NOT_BEGUN: Fault = {
  status: 400,
  title: 'This sign-in was not begun here',
  detail:
    'It was begun in another browser or at another address of this service, took longer than 10 minutes, or was answered before. Begin anew.',
};
const DENIED: Fault = {
  status: 403,
  title: 'The sign-in was not allowed',
  detail: 'You, or the rules of the provider, have said no. Begin anew if that was not meant.',
};
const PROVIDER_REFUSED = { status: 403, title: 'The provider refused the sign-in' } as const;
const NOT_FITTING: Fault = {
  status: 400,
  title: 'The answer does not fit',
  detail: 'What came back does not fit what was asked of the provider, so it may be of another sign-in. Begin anew.',
};
const TOKEN_REFUSED = { status: 403, title: 'The provider’s word is not enough' } as const;
const REVOKED: Fault = {
  status: 403,
  title: 'The sign-in was revoked',
  detail: 'Whoever runs this service has revoked what you signed in with. Ask them.',
};
const TOO_MANY = { status: 429, title: 'Too many tries' } as const;
const unusable = (why: string): Fault => ({ ...UNREACHABLE, detail: `The provider cannot be used: ${why}.` });
