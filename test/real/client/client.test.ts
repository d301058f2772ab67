import { createServer, type Server } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { CcDocker, unwrap, type CcDockerError, type Reconnect, type Session } from '../../../client/main.ts';
import { WORKER_BUNDLE } from '../../../scripts/bundle.ts';
import { startEdge, type Edge } from '../../../start/edge/edge.ts';
import { mintToken } from '../../../start/settings/mint-token.ts';
import { FaultProxy } from '../../support/client/fault-proxy.ts';
import { freePort } from '../../support/net/free-port.ts';
import { close, listen } from '../../support/net/listen.ts';
import { until } from '../../support/until.ts';
import { sharedScratch } from '../../support/scratch.ts';

/** The client against a real edge, without a runner: sessions wait, and take messages. */

const SECRET = 'known to every test and of no use elsewhere';
const TRANSPORTS = ['websocket', 'sse'] as const;
const FAST = { minMs: 1, maxMs: 20 };

let edge: Edge;
const folder = sharedScratch();
let port: number;
const begin = () =>
  startEdge({
    worker: WORKER_BUNDLE,
    host: '127.0.0.1',
    port,
    stateFolder: path.join(folder.path, 'edge'),
    vars: { JWT_SECRET: SECRET, ACCESS_LOG: 'off', EVENT_LOG_MB: '1', RATE_LIMIT_PER_OWNER: '0' },
  });
beforeAll(async () => {
  port = await freePort('127.0.0.1');
  edge = await begin();
});
afterAll(async () => {
  await edge.stop();
});

const tokenOf = (sub: string, claims: object = {}) =>
  mintToken(SECRET, { kind: 'user', sub, ttlSeconds: 3600, ...claims });
const clientOf = async (sub: string, options: object = {}) =>
  new CcDocker({ url: edge.url, token: await tokenOf(sub), backoff: FAST, ...options });
const waiting = (cc: CcDocker) => cc.sessions.create({ config: { isolation: 'container' } });
const prompts = async (session: Session) => {
  const all: string[] = [];
  for await (const { prompt } of session.messages()) all.push(prompt);
  return all;
};

/** What it is refused with. */
const code = async (call: Promise<unknown>) =>
  await call.then(
    () => null,
    ({ code, status, retryable }: CcDockerError) => ({ code, status, retryable }),
  );

describe('calls', () => {
  test('that create something have their effect once, though the network fails again and again', async () => {
    const direct = await clientOf('alice');
    const proxy = await FaultProxy.start(edge.url, 17);
    onTestFinished(() => proxy.stop());
    proxy.cut({ times: 200, onIdle: () => undefined, onEnd: () => undefined });
    const cc = await clientOf('alice', { url: proxy.url, retries: 1000 });
    const session = await waiting(cc);
    const sent: string[] = [];
    while (proxy.cuts < 50) {
      sent.push(`${sent.length} ${'é'.repeat(sent.length)}`);
      await session.send(sent.at(-1) ?? '');
    }
    expect(await prompts(direct.session(session.id))).toEqual(sent);
    const listed: string[] = [];
    for await (const { session_id } of cc.sessions.list()) listed.push(session_id);
    expect(listed).toEqual([session.id]);
    await session.remove();
    await expect(direct.sessions.get(session.id)).rejects.toMatchObject({ code: 'session_not_found', status: 404 });
  });

  test('that are refused throw the code, and whether the same call may succeed later', async () => {
    const cc = await clientOf('bob');
    const session = await waiting(cc);
    expect(await code(cc.sessions.get('nobody'))).toEqual({
      code: 'session_not_found',
      status: 404,
      retryable: false,
    });
    expect(await code(session.change({}))).toEqual({ code: 'invalid_request', status: 422, retryable: false });
    expect(await code((await clientOf('bob', { token: 'x' })).sessions.get(session.id))).toMatchObject({
      code: 'token_invalid',
    });
    const nowhere = new CcDocker({ url: `http://127.0.0.1:${await freePort('127.0.0.1')}`, token: 'x', backoff: FAST });
    expect(await code(nowhere.sessions.get('x'))).toMatchObject({ code: 'unreachable', retryable: true });
    expect(await unwrap(cc.api.GET('/api/v1/storage'))).toMatchObject({ workspaces: 0 });
    expect(await code(unwrap(cc.api.GET('/api/v1/runners')))).toMatchObject({ code: 'scope_missing', status: 403 });
  });

  test('end with their signal’s reason', async () => {
    const cc = await clientOf('carol', { url: await deafUrl() });
    const reason = new Error('enough');
    const stopped = new AbortController();
    const show = cc.sessions.get('x', { signal: stopped.signal });
    stopped.abort(reason);
    await expect(show).rejects.toBe(reason);
  });
});

describe.each(TRANSPORTS)('a stream over %s', (transport) => {
  test('goes on when the service has been away', async () => {
    const cc = await clientOf('dave');
    const session = await waiting(cc);
    await session.send('before');
    const reconnects: Reconnect[] = [];
    const seen: unknown[] = [];
    for await (const event of session.events({ transport, onReconnect: (one) => reconnects.push(one) })) {
      if (event.type !== 'message.queued') continue;
      seen.push(event.data.prompt);
      if (event.data.prompt === 'after') break;
      await edge.stop();
      edge = await begin();
      await session.send('after');
    }
    expect(seen).toEqual(['before', 'after']);
    expect(reconnects[0]).toMatchObject({ attempt: 1, error: { code: 'unreachable' } });
  });

  test('ends when its session is removed, with the code', async () => {
    const session = await waiting(await clientOf('erin'));
    const types: string[] = [];
    const read = (async () => {
      for await (const { type } of session.events({ transport })) types.push(type);
    })();
    await until(() => expect(types).toEqual(['session.status']));
    await session.remove();
    await expect(read).rejects.toMatchObject({ code: 'session_not_found' });
  });

  test('goes on with a new token when its token is revoked, and ends when there is no other', async () => {
    const admin = await clientOf('root', { token: await tokenOf('root', { scope: 'admin' }) });
    const tokens = [await tokenOf('frank'), await tokenOf('frank')];
    const jti = JSON.parse(atob(tokens[0]?.split('.')[1] ?? '')).jti as string;
    const renewing = await clientOf('frank', { token: () => tokens[0] ?? '' });
    const fixed = await clientOf('frank', { token: tokens[0] });
    const session = await waiting(renewing);
    const seen: unknown[] = [];
    const read = (async () => {
      for await (const event of session.events({ transport })) {
        if (event.type === 'message.queued') seen.push(event.data.prompt);
        if (seen.includes('second')) return;
      }
    })();
    const ended = (async () => {
      for await (const _ of fixed.session(session.id).events({ transport }));
    })();
    const refusal = expect(ended).rejects.toMatchObject({ code: 'token_revoked', status: 401 });
    await session.send('first');
    await until(() => expect(seen).toEqual(['first']));
    tokens.shift();
    await unwrap(admin.api.POST('/api/v1/revocations', { body: { jti } }));
    await refusal;
    await session.send('second');
    await read;
    expect(seen).toEqual(['first', 'second']);
  });

  test('tells what is no longer stored', async () => {
    const session = await waiting(await clientOf('grace'));
    const last = 12;
    for (let at = 1; at < last; at++) {
      const { messageId } = await session.send('x'.repeat(200_000));
      await session.withdraw(messageId);
    }
    const { messageId } = await session.send('last');
    const seen: { seq?: number; type: string; data: unknown }[] = [];
    for await (const event of session.events({ transport })) {
      seen.push(event);
      if (event.type === 'message.queued' && event.data.message_id === messageId) break;
    }
    const [gap, first] = seen;
    expect(gap).toMatchObject({ type: 'session.gap', data: { from: 1, to: (first?.seq ?? 0) - 1 } });
    expect(first?.seq).toBeGreaterThan(2);
    expect(seen.slice(1).map(({ seq }) => seq)).toEqual(seen.slice(1).map((_, at) => (first?.seq ?? 0) + at));
  });

  test('on which nothing comes is opened again', async () => {
    const cc = await clientOf('heidi', { url: await deafUrl(), silenceMs: 50 });
    const reconnects: Reconnect[] = [];
    const stopped = new AbortController();
    const onReconnect = (one: Reconnect) => {
      reconnects.push(one);
      if (one.attempt === 3) stopped.abort();
    };
    const events = cc.session('x').events({ transport, signal: stopped.signal, onReconnect });
    await expect(events.next()).rejects.toMatchObject({ name: 'AbortError' });
    expect(reconnects.map(({ error }) => error.detail)).toEqual(Array(3).fill('Nothing came for 0.05 s.'));
  });
});

/** Takes connections, and says nothing. */
async function deafUrl(): Promise<string> {
  const sockets = new Set<{ destroy(): void }>();
  const deaf: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.resume();
  });
  const url = `http://127.0.0.1:${await listen(deaf, '127.0.0.1')}`;
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await close(deaf);
  });
  return url;
}
