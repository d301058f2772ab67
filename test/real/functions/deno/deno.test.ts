import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { Client } from '../../../support/e2e/client.ts';
import { DenoEdge } from '../../../support/e2e/deno-edge.ts';
import { denoScene, MOST_VIEWERS, type DenoScene } from '../../../support/e2e/deno-scene.ts';
import { SECRET } from '../../../support/e2e/service.ts';
import { atMost } from '../../../support/patience.ts';
import { until } from '../../../support/until.ts';

/** The edge under Deno, with the objects in workerd behind their door, a real runner and the real `claude`. */

let scene: DenoScene;
let alice: Client;
beforeAll(async () => {
  scene = await denoScene();
  alice = await scene.client('alice');
}, atMost(90));
afterAll(async () => {
  await scene[Symbol.asyncDispose]();
});

const NOBODY = '01900000-0000-7000-8000-000000000000';
/** Calls that get as far as the object that they name only with a body. */
const BODIES: Readonly<Record<string, object>> = {
  // It waits: a session that runs would start a `claude` at each.
  '/api/v1/sessions': { config: { isolation: 'container' } },
  '/api/v1/sessions/{session_id}/chat': { prompt: 'hi', stream: true },
  '/api/v1/sessions/{session_id}/spawn': { prompt: 'hi' },
  '/api/v1/sessions/{session_id}/fork': {},
  '/api/v1/sessions/{session_id}/interactions/{interaction_id}/resolve': { decision: 'allow' },
  '/api/v1/discord/notify': { message: 'hi' },
  '/api/v1/discord/ask': { question: 'well?' },
  '/api/v1/tokens': { sub: 'bob' },
  '/api/v1/revocations': { jti: 'of nobody' },
};
/** Of each answer another: when it was given, and what was left then. */
const OF_ITS_TIME = [
  'date',
  'ratelimit-remaining',
  'connection',
  'keep-alive',
  'transfer-encoding',
  'content-length',
  'content-encoding',
  'x-request-id',
];

interface Route {
  readonly method: string;
  readonly path: string;
}

/** After it there is no session any more. */
const isEnd = ({ method, path }: Route) => method === 'DELETE' && path.endsWith('/sessions/{session_id}');

async function routes(): Promise<Route[]> {
  const document = (await (await fetch(`${scene.deno.url}/openapi.json`)).json()) as { paths: Record<string, object> };
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path })),
  );
}

/** The routes of the edge with the objects that were called with this request id. */
const routesOf = (id: string): string[] =>
  scene.service.edgeLog.split('\n').flatMap((line) => (line.includes(`"${id}"`) ? [JSON.parse(line).route] : []));

/** What an edge answers: all but what differs from time to time, and from session to session. */
async function answerOf(url: string, { method, path }: Route, token: string | null, sessionId: string) {
  const place = path
    .replace('{session_id}', sessionId)
    .replace('{path}', 'a.txt')
    .replaceAll(/\{\w+\}/g, NOBODY);
  const sends = ['POST', 'PATCH', 'PUT'].includes(method);
  const answer = await fetch(url + place, {
    method,
    headers: { ...(token !== null && { authorization: `Bearer ${token}` }) },
    ...(sends && { body: JSON.stringify(BODIES[path] ?? {}) }),
  });
  const text = await answer.text();
  const json = answer.headers.get('content-type')?.includes('json') === true ? JSON.parse(text) : null;
  const headers = Object.fromEntries([...answer.headers].filter(([name]) => !OF_ITS_TIME.includes(name)));
  return {
    route: `${method} ${path}`,
    status: answer.status,
    code: answer.status < 400 ? null : json?.code,
    fields: Object.keys(json ?? {}),
    headers,
  };
}

describe('every route', () => {
  test.each([
    ['without a token', null, NOBODY],
    ['about a session that there is not', 'a user', NOBODY],
    ['about a session that waits', 'a user', 'a session'],
    ['of an admin', 'admin', NOBODY],
  ])(
    'answers as it does beside the objects: %s',
    async (_, who, what) => {
      const { service, deno } = scene;
      const all = await routes();
      expect(all.length).toBeGreaterThan(45);
      // Each edge has an owner and a session of its own. Both go through the same, to the end of the session.
      const [direct, through] = await Promise.all(
        [service.url, deno.url].map(async (url) => {
          const claims = who === 'admin' ? { scope: 'admin sessions:read sessions:write' } : {};
          const token = who === null ? null : await service.token(crypto.randomUUID(), claims);
          const id = what === NOBODY ? NOBODY : await queued(new Client(service.url, token ?? ''));
          const answers: object[] = [];
          for (const route of [...all.filter((one) => !isEnd(one)), ...all.filter(isEnd)])
            answers.push(await answerOf(url, route, token, id));
          return answers;
        }),
      );
      expect(through).toEqual(direct);
    },
    atMost(90),
  );

  test('that runners dial is on the edge with the objects alone', async () => {
    for (const path of ['control', 'enrol', `sessions/${NOBODY}/data`, `sessions/${NOBODY}/transfers/x`]) {
      const answer = await fetch(`${scene.deno.url}/api/v1/runner/${path}`, {
        method: path === 'enrol' ? 'POST' : 'GET',
      });
      expect(await answer.json()).toMatchObject({
        code: 'route_not_found',
        detail: expect.stringContaining('EDGE_URL'),
      });
    }
    expect((await fetch(`${scene.deno.url}/objects`)).status).toBe(404);
  });
});

/** A session that waits: no runner has what it asks for. */
const queued = (by: Client) => by.createSession({ isolation: 'container' });

describe('a conversation', () => {
  let id: string;
  beforeAll(async () => (id = await alice.createSession()));

  test('goes through it: the waiting call, Server-Sent Events, the WebSocket both ways, MCP', async () => {
    const stream = await alice.raw('GET', `/sessions/${id}/events?previews=true`, {
      headers: { accept: 'text/event-stream' },
    });
    const watcher = alice.watch(id, 0);
    expect(await alice.ask(id, 'good morning')).toMatchObject({ status: 'completed', result: 'good morning to you' });
    await watcher.until(({ type }) => type === 'result');
    expect(await readUntil(stream, 'event: result')).toMatch(/event: stream_event[\s\S]*event: assistant/);

    watcher.send({ type: 'prompt', prompt: 'write it down' });
    const { message_id } = await watcher.until(({ type }) => type === 'accepted');
    await watcher.until(({ type, data }) => type === 'message.completed' && data.message_id === message_id);
    watcher.close();
    expect(await (await alice.raw('GET', `/sessions/${id}/files/note.txt`)).text()).toBe('written\n');

    const { structuredContent } = await mcp('list_sessions', {});
    expect(structuredContent.sessions.map(({ session_id }: { session_id: string }) => session_id)).toContain(id);
  });

  test('has one request id at both edges: for its calls, and for what it fetches of the session', async () => {
    const headers = { 'x-request-id': 'of-both-edges', accept: 'text/event-stream' };
    const stream = await alice.raw('GET', `/sessions/${id}/events`, { headers });
    expect(stream.headers.get('x-request-id')).toBe('of-both-edges');
    await stream.body?.cancel();
    await until(() =>
      expect(routesOf('of-both-edges')).toEqual(
        expect.arrayContaining(['/objects/calls', '/objects/sessions/{session_id}/{path}']),
      ),
    );
  });

  test('that is watched by a page of another site keeps to CORS, and a ticket opens its stream once', async () => {
    const foreign = await alice.raw('GET', `/sessions/${id}`, { headers: { origin: 'https://evil.example' } });
    expect(await foreign.json()).toMatchObject({ code: 'origin_refused' });
    const { body } = await alice.call('POST', `/sessions/${id}/tickets`);
    const open = () => opened(`${scene.deno.url}/api/v1/sessions/${id}/stream?after=0&ticket=${body.ticket}`);
    expect(await open()).toMatchObject({ status: 101 });
    expect(await open()).toMatchObject({ status: 401, body: { code: 'ticket_invalid' } });
  });

  test('has files: five megabytes in and out, a part, an archive in and out, what has changed, and gone', async () => {
    const bytes = crypto.getRandomValues(new Uint8Array(65_536));
    const large = new Uint8Array(5_242_880).map((_, at) => bytes[at % 65_521] ?? 0);
    const file = `/sessions/${id}/files/deep/large%20%C3%A9.bin`;
    expect((await alice.raw('PUT', file, { body: large })).status).toBe(200);
    expect(new Uint8Array(await (await alice.raw('GET', file)).arrayBuffer())).toEqual(large);
    const part = await alice.raw('GET', file, { headers: { range: 'bytes=5-9' } });
    expect([part.status, part.headers.get('content-range')]).toEqual([206, 'bytes 5-9/5242880']);
    expect(new Uint8Array(await part.arrayBuffer())).toEqual(large.slice(5, 10));
    const etag = (await alice.raw('HEAD', file)).headers.get('etag') ?? '';
    expect((await alice.raw('GET', file, { headers: { 'if-none-match': etag } })).status).toBe(304);

    const tar = new Uint8Array(await (await alice.raw('GET', `/sessions/${id}/files/deep?format=tar`)).arrayBuffer());
    const unpacked = await alice.raw('PUT', `/sessions/${id}/files/copy?format=tar`, { body: tar });
    expect(await unpacked.json()).toMatchObject({ files: 1 });
    const { body } = await alice.call('GET', `/sessions/${id}/diff`);
    expect(body.data.map(({ path }: { path: string }) => path)).toContain('copy/large é.bin');
    expect((await alice.raw('DELETE', `/sessions/${id}/files/deep?recursive=true`)).status).toBe(204);
    expect((await alice.raw('GET', file)).status).toBe(404);
  });

  test('with Discord: what it signs is answered, and nothing else', async () => {
    const url = `${scene.deno.url}/api/v1/discord/interactions`;
    const person = scene.discord.person(url, 'ada');
    const { body } = await alice.call('POST', '/discord/link');
    const linked = await person.command(scene.channel, 'link', { code: body.code });
    expect([linked.fault, linked.message()?.content]).toEqual([null, expect.stringContaining('alice')]);
    const forged = { ...linked.sent.headers, 'x-signature-ed25519': 'a'.repeat(128) };
    const refused = await fetch(url, { method: 'POST', headers: forged, body: linked.sent.body });
    expect([refused.status, await refused.json()]).toEqual([
      401,
      expect.objectContaining({ code: 'signature_invalid' }),
    ]);
  });
});

describe('what ends', () => {
  test('a client that goes away leaves its place to another, and who finds none is told so', async () => {
    const id = await queued(alice);
    const headers = { accept: 'text/event-stream', authorization: `Bearer ${await scene.service.token('alice')}` };
    const url = `${scene.deno.url}/api/v1/sessions/${id}`;
    const leaving = new AbortController();
    const streams = Array.from({ length: MOST_VIEWERS }, () =>
      fetch(`${url}/events`, { headers, signal: leaving.signal }),
    );
    for (const stream of await Promise.all(streams)) expect(stream.status).toBe(200);
    const viewer = () => opened(`${url}/stream?after=0`, headers);
    expect(await viewer()).toMatchObject({ status: 429, body: { code: 'viewer_limit_reached' } });
    leaving.abort();
    await until(async () => {
      // workerd notices when it writes to them.
      await alice.tell(id, 'is anybody there?');
      expect(await viewer()).toMatchObject({ status: 101 });
    });
  });

  test('a viewer that does not read is closed, and told to come back', async () => {
    const id = await queued(alice);
    const { socket: slow } = await openedSocket(`${scene.deno.url}/api/v1/sessions/${id}/stream?after=0`);
    slow.pause();
    const closed = new Promise<number>((resolve) => slow.on('close', resolve));
    const other = alice.watch(id, 0);
    const prompt = 'x'.repeat(1_000_000);
    for (let n = 0; n < 30; n++) await alice.call('POST', `/sessions/${id}/chat`, { prompt, stream: true });
    await until(() => expect(other.seen.filter(({ type }) => type === 'message.queued')).toHaveLength(30));
    other.close();
    slow.resume();
    expect(await closed).toBe(4408);
  });

  test('the edge with the objects: viewers come back, calls are 503, and both work again by themselves', async () => {
    const { service } = scene;
    const id = await queued(alice);
    const { socket } = await openedSocket(`${scene.deno.url}/api/v1/sessions/${id}/stream?after=0`);
    const closed = new Promise<number>((resolve) => socket.on('close', resolve));
    await service.stopEdge();
    expect(await closed).toSatisfy((code: number) => code >= 4500 && code < 4600);
    const answer = await alice.raw('GET', `/sessions/${id}`);
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await answer.json()).toMatchObject({ code: 'unavailable' });
    await service.startEdge();
    expect(await alice.show(id)).toMatchObject({ session_id: id });
    const again = alice.watch(id, 0);
    await again.until(({ type }) => type === 'session.status');
    again.close();
  });

  test('this edge: its viewers are told to come back, and it ends in order', async () => {
    const { service } = scene;
    const own = await DenoEdge.start({ objectsUrl: service.url, secret: SECRET });
    const id = await queued(alice);
    const { socket } = await openedSocket(`${own.url}/api/v1/sessions/${id}/stream?after=0`);
    const closed = new Promise<number>((resolve) => socket.on('close', resolve));
    expect(await own.stop()).toBe(0);
    expect(await closed).toBe(1001);
  });
});

describe('it does not begin', () => {
  test.each([
    [
      'without settings',
      { EDGE_OBJECTS_URL: '', EDGE_SERVICE_TOKEN: undefined, JWT_SECRET: '' },
      /EDGE_OBJECTS_URL is not set.*EDGE_SERVICE_TOKEN is not set.*JWT_SECRET is not set/,
    ],
    ['with a token of another kind', { EDGE_SERVICE_TOKEN: 'a.b.c' }, /lets nobody in \(401\)/],
  ])('%s, and says what is wrong', async (_, vars, sentence) => {
    const edge = await DenoEdge.spawn({ objectsUrl: scene.service.url, secret: SECRET, vars });
    expect(await edge.ended()).toBe(1);
    expect(edge.log).toMatch(sentence);
  });
});

/** How a WebSocket is answered: 101, or the problem. */
async function opened(url: string, headers: Record<string, string> = {}): Promise<{ status: number; body: unknown }> {
  const socket = new WebSocket(url.replace('http', 'ws'), { headers });
  return await new Promise((resolve, reject) => {
    socket.on('open', () => {
      socket.close();
      resolve({ status: 101, body: null });
    });
    socket.on('unexpected-response', (_, answer) => {
      let text = '';
      answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: JSON.parse(text) }));
    });
    socket.on('error', reject);
  });
}

async function openedSocket(url: string): Promise<{ socket: WebSocket }> {
  const headers = { authorization: `Bearer ${await scene.service.token('alice')}` };
  const socket = new WebSocket(url.replace('http', 'ws'), { headers });
  await new Promise((resolve, reject) => {
    socket.on('open', resolve);
    socket.on('error', reject);
  });
  return { socket };
}

async function readUntil({ body }: Response, text: string): Promise<string> {
  let read = '';
  const decoder = new TextDecoder();
  for await (const chunk of body ?? []) {
    read += decoder.decode(chunk, { stream: true });
    if (read.includes(text)) break;
  }
  return read;
}

/** Calls a tool of `/mcp`. */
// oxlint-disable-next-line typescript/no-explicit-any -- tests read whatever came, and fail when it is not there
async function mcp(name: string, args: object): Promise<any> {
  const answer = await fetch(`${scene.deno.url}/mcp`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await scene.service.token('alice')}`,
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: args } }),
  });
  const text = await answer.text();
  return JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? text).result;
}
