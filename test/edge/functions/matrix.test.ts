import { env } from 'cloudflare:test';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../../../functions/app.ts';
import { FRAME_SCOPES } from '../../../protocol/api/session/viewer-socket.ts';
import { SCOPES, TokenType, type Scope } from '../../../protocol/token.ts';
import { mint, request, User } from '../support/api.ts';
import { codeFor, runnerToken } from '../support/runner-token.ts';
import { Agent } from './mcp/support/mcp.ts';

/**
 * Every route × every kind of token. The routes are those that the app has: a new one is in here by itself, or is red until
 * this file says what it is.
 */

/** These take no user's token. The sockets of runners are checked below; Discord signs its requests. */
const WITHOUT_TOKEN = [
  'GET /health',
  'GET /ready',
  'GET /openapi.json',
  'GET /docs',
  'GET /docs/docs.js',
  'GET /docs/swagger-ui-bundle.js',
  'GET /docs/swagger-ui.css',
  // The console's page and its files are the same for all.
  'GET /',
  'GET /sessions',
  'GET /sessions/{id}',
  'GET /sessions/{id}/{view}',
  'GET /console/{file}',
  // Its worker, and what makes it an app.
  'GET /notifications',
  'GET /sw.js',
  'GET /manifest.webmanifest',
  'GET /icons/{file}',
  // What a provider has answered stands in its address: test/real/functions/auth/oidc.test.ts.
  'GET /login/oidc',
  'GET /login/oidc/callback',
  // It takes a code: test/edge/functions/login.test.ts.
  'POST /api/v1/login',
  // They are for the console's own page: test/edge/functions/console/browser-session.test.ts.
  'GET /api/v1/console/session',
  'POST /api/v1/console/session',
  'DELETE /api/v1/console/session',
  'POST /api/v1/discord/interactions',
  // The link itself is the token: test/edge/session/webhooks/answer-links.test.ts.
  'GET /answer/{token}',
  'POST /answer/{token}',
];
const OF_RUNNERS = [
  'POST /api/v1/runner/enrol',
  'GET /api/v1/runner/control',
  'GET /api/v1/runner/sessions/{session_id}/data',
  'GET /api/v1/runner/sessions/{session_id}/tunnel',
  'GET /api/v1/runner/sessions/{session_id}/transfers/{transfer_id}',
];
/** The door of edges elsewhere takes their tokens alone: test/edge/functions/door.test.ts. */
const OF_EDGES = [
  'GET /objects',
  'GET /objects/disk',
  'POST /objects/calls',
  'GET /objects/directories/{owner}/feed',
  'GET /objects/sessions/{session_id}/{path}',
  'PUT /objects/sessions/{session_id}/{path}',
];
/** Middleware, and what is checked below. */
const OF_ANY_METHOD = ['/*', '/objects/*', '/mcp'];

/** Calls that get as far as the session that they name only with a body. */
const BODIES: Readonly<Record<string, object>> = {
  'POST /api/v1/sessions': {},
  'PATCH /api/v1/sessions/{session_id}': { title: 'taken over' },
  'POST /api/v1/sessions/{session_id}/chat': { prompt: 'hi' },
  'POST /api/v1/sessions/{session_id}/interrupt': {},
  'POST /api/v1/sessions/{session_id}/spawn': { prompt: 'hi' },
  'POST /api/v1/sessions/{session_id}/fork': {},
  'POST /api/v1/sessions/{session_id}/ports': { port: 3000 },
  'POST /api/v1/sessions/{session_id}/interactions/{interaction_id}/resolve': { decision: 'allow' },
  'POST /api/v1/discord/notify': { message: 'hi' },
  'POST /api/v1/discord/ask': { question: 'well?' },
  'POST /api/v1/tokens': { sub: 'mallory', scope: 'admin' },
  'POST /api/v1/revocations': { sub: 'alice' },
  'PUT /api/v1/environments/{name}': { setup: 'true' },
  'PUT /api/v1/webhooks/{name}': { url: 'https://hooks.example/in' },
  'PUT /api/v1/push/subscriptions/{id}': {
    endpoint: 'https://push.example/device',
    keys: {
      p256dh: 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4',
      auth: 'BTBZMqHH6r4Tts7J_aSIgg',
    },
  },
};
/** What Discord needs to be configured with, so that its routes answer. */
const DISCORD = {
  DISCORD_APPLICATION_ID: '1234567890',
  DISCORD_PUBLIC_KEY: 'a'.repeat(64),
  DISCORD_BOT_TOKEN: 'a-bot-token',
  DISCORD_CHANNEL_ID: '1234567891',
};
const NOBODY = '01900000-0000-7000-8000-000000000000';

interface Route {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly scopes: readonly Scope[];
  readonly takesBody: boolean;
}

interface Operation {
  readonly security?: readonly { readonly bearer: readonly Scope[] }[];
  readonly requestBody?: unknown;
}

let routes: Route[] = [];
let registered: string[] = [];
const app = createApp();

beforeAll(async () => {
  const { body } = await request('/openapi.json');
  const paths = body.paths as Record<string, Record<string, Operation>>;
  routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([verb, { security, requestBody }]) => {
      const method = verb.toUpperCase();
      const scopes = security?.flatMap(({ bearer }) => bearer) ?? [];
      const route = { name: `${method} ${path}`, method, path, scopes, takesBody: requestBody !== undefined };
      return WITHOUT_TOKEN.includes(route.name) ? [] : [route];
    }),
  );
  const served = app.routes
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)(\{[^}]*\})?/g, '{$1}')}`);
  // The workspace itself is a route of its own, documented with what is in it.
  registered = [...new Set(served)].filter((name) => !/\/files\/?$/.test(name));
});

const isOfSession = ({ path }: Route) => path.includes('{session_id}');
const pathOf = ({ path }: Route, sessionId: string) =>
  path
    .replace('{session_id}', sessionId)
    .replace('{workspace_id}', 'w')
    .replace('{path}', 'a.txt')
    .replace('{port}', '3000')
    .replaceAll(/\{\w+\}/g, NOBODY);

interface Coded {
  readonly status: number;
  readonly code: string | null;
  readonly body: string;
}

/** Calls a route. Without `body`, a call that takes JSON has none that is JSON: who is let in hears of that, and changes nothing. */
async function call(route: Route, token: string | null, sessionId: string, body?: object): Promise<Coded> {
  const sends = ['POST', 'PATCH'].includes(route.method);
  const headers = {
    ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    ...(route.path.endsWith('/stream') ? { upgrade: 'websocket' } : {}),
  };
  const init = {
    method: route.method,
    headers,
    ...(sends && { body: body === undefined ? '{' : JSON.stringify(body) }),
  };
  const response = await app.request(pathOf(route, sessionId), init, { ...env, ...DISCORD });
  const text = await response.text();
  const isProblem = response.headers.get('content-type') === 'application/problem+json';
  const code = isProblem ? (JSON.parse(text).code as string) : null;
  return { status: response.status, body: text, code };
}

/** The routes that answer otherwise than they should. */
async function wrong(
  made: (route: Route) => Promise<Coded>,
  isRight: (answer: Coded, route: Route) => boolean,
): Promise<string[]> {
  const answers = await Promise.all(routes.map(async (route) => ({ route, answer: await made(route) })));
  return answers
    .filter(({ route, answer }) => !isRight(answer, route))
    .map(({ route, answer }) => `${route.name}: ${answer.status} ${answer.code}`);
}

describe('the routes', () => {
  it('are all known here, and each has its scope', () => {
    const known = [...WITHOUT_TOKEN, ...OF_RUNNERS, ...OF_EDGES, ...routes.map(({ name }) => name)];
    expect(registered.toSorted()).toEqual(known.toSorted());
    expect([...new Set(app.routes.filter(({ method }) => method === 'ALL').map(({ path }) => path))]).toEqual(
      OF_ANY_METHOD,
    );
    expect(routes.filter(({ scopes }) => scopes.length === 0)).toEqual([]);
    expect(routes.length).toBeGreaterThan(40);
  });

  it('that take a body have one here', () => {
    const json = routes.filter(({ method, takesBody }) => takesBody && method !== 'PUT');
    expect(json.map(({ name }) => name).filter((name) => !(name in BODIES))).toEqual([]);
  });
});

const part = (value: object) =>
  btoa(JSON.stringify(value)).replaceAll('=', '').replaceAll('+', '-').replaceAll('/', '_');
const claims = { sub: 'alice', exp: 4_000_000_000 };
const resigned = async (header: object, payload: object = claims) => {
  const [, , signature] = (await mint('alice')).split('.');
  return `${part(header)}.${part(payload)}.${signature}`;
};
/** Signed by a key of one's own, which the token brings along. */
async function ownKey(alg: string): Promise<string> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const header = { alg, jwk: await exportJWK(publicKey), jku: 'https://evil.test/jwks', kid: 'mine' };
  return new SignJWT(claims).setProtectedHeader(header).sign(privateKey);
}

const BAD: Readonly<Record<string, { code: string; token: () => Promise<string> | string | null }>> = {
  'no token': { code: 'token_missing', token: () => null },
  garbage: { code: 'token_invalid', token: () => 'garbage' },
  'three parts of garbage': { code: 'token_invalid', token: () => 'a.b.c' },
  'a token that has expired': { code: 'token_expired', token: () => mint('alice', { expires: '-31s' }) },
  'one that is not valid yet': {
    code: 'token_invalid',
    token: () => mint('alice', { claims: { nbf: Math.floor(Date.now() / 1000) + 3600 } }),
  },
  'one of another secret': {
    code: 'token_invalid',
    token: () => mint('alice', { secret: 'another secret, long enough for HS256' }),
  },
  'one that is not signed': { code: 'token_invalid', token: () => `${part({ alg: 'none' })}.${part(claims)}.` },
  'one whose claims were changed': { code: 'token_invalid', token: () => resigned({ alg: 'HS256', typ: 'JWT' }) },
  'one of HS512': {
    code: 'token_invalid',
    token: () =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: 'HS512' })
        .sign(new TextEncoder().encode(env.JWT_SECRET.padEnd(64))),
  },
  'one of a key of its own (ES256)': { code: 'token_invalid', token: () => ownKey('ES256') },
  'one of a key of its own (EdDSA)': { code: 'token_invalid', token: () => ownKey('EdDSA') },
  'a runner’s': { code: 'token_invalid', token: () => runnerToken('alice') },
  'a code for a runner': { code: 'token_invalid', token: () => codeFor('alice') },
  'a code for a login': {
    code: 'token_invalid',
    token: () => mint('alice', { typ: TokenType['login-code'], claims: { jti: crypto.randomUUID() } }),
  },
  'one that is said to be a runner’s': { code: 'token_invalid', token: () => mint('alice', { typ: TokenType.runner }) },
  'a session’s': { code: 'token_invalid', token: () => mint(NOBODY, { typ: TokenType.session, claims: { epoch: 1 } }) },
  'one of another type': { code: 'token_invalid', token: () => mint('alice', { typ: 'at+jwt' }) },
  'one with a scope that there is not': {
    code: 'token_invalid',
    token: () => mint('alice', { claims: { scope: 'sessions:read root' } }),
  },
  'one whose scope is no text': { code: 'token_invalid', token: () => mint('alice', { claims: { scope: ['admin'] } }) },
  'one of nobody': { code: 'token_invalid', token: () => mint('') },
  'one without an end': {
    code: 'token_invalid',
    token: () =>
      new SignJWT({ sub: 'alice' }).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(env.JWT_SECRET)),
  },
  'one that is revoked': {
    code: 'token_revoked',
    token: async () => {
      const jti = crypto.randomUUID();
      const admin = new User('root', { claims: { scope: 'admin' } });
      expect(await admin.call('POST', '/revocations', { jti })).toMatchObject({ status: 201 });
      return mint('alice', { claims: { jti } });
    },
  },
  'one whose session is no session': { code: 'token_invalid', token: () => mint('alice', { claims: { sid: 'x' } }) },
};

describe.each(Object.entries(BAD))('%s', (_, { code, token }) => {
  it('opens no route', async () => {
    const made = await token();
    const isRight = (answer: Coded) => answer.status === 401 && answer.code === code;
    expect(await wrong((route) => call(route, made, NOBODY), isRight)).toEqual([]);
    const mcp = await request('/mcp', {
      method: 'POST',
      headers: made === null ? {} : { authorization: `Bearer ${made}` },
    });
    expect({ status: mcp.status, code: mcp.body.code }).toEqual({ status: 401, code });
  });
});

describe('the sockets of runners', () => {
  it.each([...Object.entries(BAD), ['a user’s', { token: () => mint('alice') }] as const])(
    'are not opened by %s',
    async (name, { token }) => {
      const made = await token();
      for (const socket of OF_RUNNERS) {
        // A token of the right kind still has to fit what it opens.
        const kinds = { enrol: 'a code for a runner', data: 'a session’s', tunnel: 'a session’s' };
        const ofItsKind = name === (kinds[socket.split('/').at(-1) as keyof typeof kinds] ?? 'a runner’s');
        const path = (socket.split(' ')[1] ?? '').replaceAll(/\{\w+\}/g, NOBODY);
        const headers = made === null ? {} : { authorization: `Bearer ${made}` };
        const { status } = await request(path, { method: socket.split(' ')[0] ?? '', headers });
        expect({ socket, status }).toEqual({
          socket,
          status: ofItsKind ? expect.toSatisfy((code) => code >= 400) : 401,
        });
      }
    },
  );
});

const AUTH_CODES = ['token_revoked', 'token_missing', 'token_invalid', 'token_expired', 'scope_missing', 'token_bound'];

/** Whether the answer is right for a token that names no scope. */
const isUnlimited = ({ code }: Coded, { scopes }: Route) =>
  scopes.includes('admin') ? code === 'scope_missing' : !AUTH_CODES.includes(code ?? '');

describe('a token with the scope', () => {
  it.each(SCOPES)('%s alone opens the routes that name it, and no others', async (scope) => {
    const token = await mint('alice', { claims: { scope } });
    const isRight = ({ code, status, body }: Coded, { scopes }: Route) => {
      const missing = scopes.find((one) => one !== scope);
      if (missing === undefined) return !AUTH_CODES.includes(code ?? '');
      return status === 403 && code === 'scope_missing' && body.includes(`\`${missing}\``);
    };
    expect(await wrong((route) => call(route, token, NOBODY), isRight)).toEqual([]);
  });

  it('of none opens all that is not for admins', async () => {
    const token = await mint('alice');
    expect(await wrong((route) => call(route, token, NOBODY), isUnlimited)).toEqual([]);
  });

  it.each(Object.entries(FRAME_SCOPES))(
    'that is needed may send `%s` on a WebSocket, and no other may',
    async (type, needed) => {
      const alice = new User();
      const id = await alice.createSession();
      const frames: Record<string, object> = {
        prompt: { prompt: 'hi' },
        interrupt: {},
        resolve: { interaction_id: NOBODY, decision: 'allow' },
        ping: {},
        pong: {},
        ack: { seq: 0 },
      };
      const answers = await Promise.all(
        SCOPES.map(async (scope) => {
          const viewer = await alice.withToken({ claims: { scope: `sessions:read ${scope}` } }).open(id, '?after=0');
          viewer.send({ type, ...frames[type] });
          viewer.send({ type: 'ping' });
          const said = await viewer.next((frame) => frame.type === 'error' || frame.type === 'pong');
          viewer.close();
          return { scope, isRefused: said.code === 'scope_missing' };
        }),
      );
      const refused = answers.filter(({ isRefused }) => isRefused).map(({ scope }) => scope);
      expect(refused).toEqual(needed === null ? [] : SCOPES.filter((scope) => scope !== needed));
    },
  );

  it('that a tool of /mcp needs is asked of its caller', async () => {
    const agent = await Agent.connect(new User(undefined, { claims: { scope: 'sessions:read' } }));
    const { text } = await agent.call('create_session');
    expect(text).toContain('`sessions:write`');
  });
});

const UNTOUCHED = { body: { status: 'queued', title: null, queued_messages: 0, child_session_ids: [] } };

describe('someone else’s session', () => {
  let alice: User;
  let id: string;
  beforeAll(async () => {
    alice = new User();
    id = await alice.createSession();
  });

  it('is not there for another owner, whatever is called', async () => {
    const bob = await mint(crypto.randomUUID());
    const isRight = ({ code, body }: Coded, route: Route) =>
      isOfSession(route) ? code === 'session_not_found' : !body.includes(id);
    expect(await wrong((route) => call(route, bob, id, BODIES[route.name] ?? {}), isRight)).toEqual([]);
    expect(await alice.call('GET', `/sessions/${id}`)).toMatchObject(UNTOUCHED);
  });

  it('is not there for a token that is bound to another session', async () => {
    const other = await alice.createSession();
    const token = await mint(alice.name, { claims: { sid: other, scope: SCOPES.join(' ') } });
    const isRight = ({ code, body }: Coded, route: Route) => {
      // The list shows the token's own session alone.
      if (route.name === 'GET /api/v1/sessions') return body.includes(other) && !body.includes(id);
      return code === 'token_bound' || (isOfSession(route) && code === 'session_not_found');
    };
    expect(await wrong((route) => call(route, token, id, BODIES[route.name] ?? {}), isRight)).toEqual([]);
    expect(await alice.call('GET', `/sessions/${id}`)).toMatchObject(UNTOUCHED);
  });
});
