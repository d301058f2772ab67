import { once } from 'node:events';
import { mkdir, stat, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { request } from 'undici';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { createDemoModel } from '../../../../demo-model/demo-model.ts';
import type { CredentialKind } from '../../../../runner/model/credential.ts';
import { openModelGateway } from '../../../../runner/model/gateway.ts';
import { createModelPool } from '../../../../runner/model/pool.ts';
import { errorOf, openTestGateway, type TestGateway } from '../../../support/model/model-socket.ts';
import { startUpstream } from '../../../support/model/model-upstream.ts';

const SECRET = 'sk-real-secret';
const hello = { model: 'm', messages: [] };

const open: TestGateway[] = [];
afterEach(async () => {
  for (const gateway of open.splice(0)) {
    expect(gateway.log.join('\n')).not.toContain(SECRET);
    await gateway.close();
  }
});

/** A gateway to this base URL, which may be the start of an upstream. */
async function gatewayTo(baseUrl: string, kind?: CredentialKind, pool = createModelPool()) {
  const credential = kind === undefined ? undefined : { kind, value: SECRET };
  const gateway = await openTestGateway({ upstream: { kind: 'anthropic', baseUrl, credential }, pool });
  open.push(gateway);
  return gateway;
}

async function upstreamThat(...answer: Parameters<typeof startUpstream>) {
  const upstream = await startUpstream(...answer);
  onTestFinished(() => upstream.close());
  return upstream;
}

/** A TCP server that does `act` with each connection. */
async function tcp(act: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    act(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return z.object({ port: z.number() }).parse(server.address()).port;
}

describe('the credential', () => {
  test.each([
    ['api_key', { 'x-api-key': SECRET, authorization: undefined }],
    ['auth_token', { 'x-api-key': undefined, authorization: `Bearer ${SECRET}` }],
    ['oauth_token', { 'x-api-key': undefined, authorization: `Bearer ${SECRET}` }],
    [undefined, { 'x-api-key': undefined, authorization: undefined }],
  ] as const)('of kind %s takes the place of whatever the container sends', async (kind, expected) => {
    const upstream = await upstreamThat();
    const gateway = await gatewayTo(upstream.url, kind);
    await gateway.post(hello, { 'x-api-key': 'dummy', authorization: 'Bearer dummy' });
    const headers = upstream.seen[0]?.headers;
    expect({ 'x-api-key': headers?.['x-api-key'], authorization: headers?.authorization }).toEqual(expected);
  });
});

test('a credential that the upstream repeats does not come back, in a header or a body, wherever it is cut', async () => {
  const upstream = await upstreamThat((response) => {
    response.writeHead(401, { 'content-type': 'application/json', 'request-id': `for ${SECRET}` });
    response.write(`{"message":"invalid x-api-key ${SECRET.slice(0, 5)}`);
    setImmediate(() => response.end(`${SECRET.slice(5)}, sorry"}`));
  });
  const gateway = await gatewayTo(upstream.url, 'api_key');
  const answer = await gateway.post(hello);
  expect(answer.headers['request-id']).toBe(`for ${'*'.repeat(SECRET.length)}`);
  expect(answer.text).toBe(`{"message":"invalid x-api-key ${'*'.repeat(SECRET.length)}, sorry"}`);
});

describe('a request', () => {
  test('goes on with what the model needs, and nothing else that the container made up', async () => {
    const upstream = await upstreamThat();
    const gateway = await gatewayTo(upstream.url, 'api_key');
    const passed = {
      'anthropic-version': '2023-06-01',
      'anthropic-beta': 'a,b',
      'user-agent': 'claude-cli/1',
      'x-stainless-os': 'Linux',
      'x-claude-code-session-id': 's',
      'x-app': 'cli',
    };
    const dropped = {
      cookie: 'a=b',
      'x-forwarded-for': '1.2.3.4',
      'proxy-authorization': 'Basic eA==',
      host: 'evil.test',
      // Compressed, a credential that the upstream repeats could not be seen.
      'accept-encoding': 'gzip',
    };
    await gateway.post(hello, { ...passed, ...dropped });
    const [seen] = upstream.seen;
    expect(seen?.headers).toMatchObject({
      ...passed,
      'accept-encoding': 'identity',
      host: new URL(upstream.url).host,
    });
    for (const name of ['cookie', 'x-forwarded-for', 'proxy-authorization'])
      expect(seen?.headers).not.toHaveProperty(name);
    expect(seen?.url).toBe('/v1/messages?beta=true');
    expect(seen?.body).toBe(JSON.stringify(hello));
  });

  test('goes below the path of the base URL', async () => {
    const upstream = await upstreamThat();
    await (await gatewayTo(`${upstream.url}/team/a`)).post(hello);
    expect(upstream.seen[0]?.url).toBe('/team/a/v1/messages?beta=true');
  });

  test.each([
    ['GET', '/v1/messages?beta=true'],
    ['POST', '/v1/messages'],
    ['POST', '/v1/messages/batches?beta=true'],
    ['POST', '/v1/messages?beta=true&x=1'],
    ['POST', '/v1/files?beta=true'],
    ['POST', '//evil.test/v1/messages?beta=true'],
  ] as const)('of another kind is refused and told what is allowed: %s %s', async (method, path) => {
    const upstream = await upstreamThat();
    const gateway = await gatewayTo(upstream.url, 'api_key');
    const { statusCode, body } = await gateway.dispatcher.request({ origin: 'http://model.local', path, method });
    expect(statusCode).toBe(404);
    const { type, message } = errorOf({ status: statusCode, headers: {}, text: await body.text() });
    expect(type).toBe('not_found_error');
    expect(message).toContain('POST /v1/messages?beta=true');
    expect(upstream.seen).toEqual([]);
  });

  test('of more than 32 MiB is refused, announced or not', async () => {
    const upstream = await upstreamThat();
    const gateway = await gatewayTo(upstream.url, 'api_key');
    const big = Buffer.alloc(32 * 1024 * 1024 + 1, 'x');
    const announced = await gateway.open(big);
    expect(announced.statusCode).toBe(413);
    expect(errorOf({ status: 413, headers: {}, text: await announced.body.text() }).type).toBe('request_too_large');
    const chunked = await request('http://model.local/v1/messages?beta=true', {
      dispatcher: gateway.dispatcher,
      method: 'POST',
      body: Readable.from(
        Array.from({ length: 33 }, () => Buffer.alloc(1024 * 1024, 'x')),
        { objectMode: false },
      ),
    });
    expect(chunked.statusCode).toBe(413);
    expect(upstream.seen).toEqual([]);
    expect(gateway.exchanges).toEqual([413, 413].map((status) => ({ outcome: 'refused', status })));
  });

  test('of 32 MiB goes through whole', async () => {
    const upstream = await upstreamThat();
    const gateway = await gatewayTo(upstream.url, 'api_key');
    const { statusCode } = await gateway.open(Buffer.alloc(32 * 1024 * 1024, 'x'));
    expect([statusCode, upstream.seen[0]?.body.length]).toEqual([200, 32 * 1024 * 1024]);
  });

  test('shares its connection to the model with those of other sessions', async () => {
    const upstream = await upstreamThat();
    const pool = createModelPool();
    for (const _ of [1, 2, 3]) await (await gatewayTo(upstream.url, 'api_key', pool)).post(hello);
    expect(upstream.connections()).toBe(1);
  });
});

describe('an answer', () => {
  test('comes chunk by chunk, as the model sends it', async () => {
    const read = Promise.withResolvers<void>();
    const upstream = await upstreamThat(async (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('first');
      await read.promise;
      response.end('last');
    });
    const gateway = await gatewayTo(upstream.url, 'api_key');
    const { body } = await gateway.open('{}');
    const chunks: string[] = [];
    for await (const chunk of body.setEncoding('utf8')) {
      chunks.push(String(chunk));
      read.resolve();
    }
    expect(chunks).toEqual(['first', 'last']);
    expect(gateway.exchanges).toMatchObject([{ outcome: 'answered', status: 200 }]);
  });

  test.each([401, 429, 529])('of the model with status %i passes as it is', async (status) => {
    const text = JSON.stringify({ type: 'error', error: { type: 'some_error', message: 'its own words' } });
    const upstream = await upstreamThat((response) => {
      const headers = { 'retry-after': '3', 'request-id': 'req_1', 'anthropic-ratelimit-x': '0', 'set-cookie': 'a=b' };
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
    });
    const posted = await (await gatewayTo(upstream.url, 'api_key')).post(hello);
    expect([posted.status, posted.text]).toEqual([status, text]);
    expect(posted.headers).toMatchObject({ 'retry-after': '3', 'request-id': 'req_1', 'anthropic-ratelimit-x': '0' });
    expect(posted.headers).not.toHaveProperty('set-cookie');
  });

  test('stays compressed as it was', async () => {
    const zipped = gzipSync('words');
    const upstream = await upstreamThat((response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(zipped);
    });
    const { body, headers } = await (await gatewayTo(upstream.url)).open('{}');
    expect(headers['content-encoding']).toBe('gzip');
    expect(Buffer.from(await body.arrayBuffer())).toEqual(zipped);
  });

  test('that is a redirect is not followed with the credential', async () => {
    const elsewhere = await upstreamThat();
    const upstream = await upstreamThat((response) => {
      response.writeHead(307, { location: `${elsewhere.url}/v1/messages` }).end();
    });
    const posted = await (await gatewayTo(upstream.url, 'api_key')).post(hello);
    expect([posted.status, posted.headers['location'], elsewhere.seen]).toEqual([307, undefined, []]);
  });

  test('that the model breaks off is broken off for the client too', async () => {
    const upstream = await upstreamThat((response) => {
      response.writeHead(200).write('half', () => response.destroy());
    });
    const gateway = await gatewayTo(upstream.url, 'api_key');
    const { body } = await gateway.open('{}');
    await expect(body.text()).rejects.toThrow(/terminated|closed/);
    expect(gateway.exchanges).toMatchObject([{ outcome: 'broken', status: 200 }]);
  });

  test('that nobody waits for any more is ended at the model', async () => {
    const ended = Promise.withResolvers<void>();
    const upstream = await upstreamThat((response) => {
      response.on('close', ended.resolve);
      response.writeHead(200).write('half');
    });
    const gateway = await gatewayTo(upstream.url, 'api_key');
    const hangUp = new AbortController();
    const { body } = await gateway.open('{}', { signal: hangUp.signal });
    await once(body, 'readable');
    body.on('error', () => undefined);
    hangUp.abort();
    await ended.promise;
    await expect.poll(() => gateway.exchanges).toEqual([{ outcome: 'aborted' }]);
  });
});

describe('a model that cannot be reached', () => {
  test('by nobody listening is named, with the code', async () => {
    const gateway = await gatewayTo('http://127.0.0.1:9/gw', 'api_key');
    const posted = await gateway.post(hello);
    expect(posted.status).toBe(502);
    expect(errorOf(posted)).toEqual({
      type: 'model_unreachable',
      message:
        'cc-docker: the model at http://127.0.0.1:9/gw cannot be reached (ECONNREFUSED). Check ANTHROPIC_BASE_URL and that it is up.',
    });
    expect(gateway.exchanges).toEqual([{ outcome: 'unreachable', code: 'ECONNREFUSED' }]);
    expect(gateway.log).toEqual(['warn: the model is unreachable: ECONNREFUSED']);
  });

  test('by TLS is named', async () => {
    const port = await tcp((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const posted = await (await gatewayTo(`https://127.0.0.1:${port}`)).post(hello);
    expect(posted.status).toBe(502);
    expect(errorOf(posted).message).toContain('ERR_SSL');
  });

  test('because it hangs up is named', async () => {
    const port = await tcp((socket) => socket.once('data', () => socket.destroy()));
    const posted = await (await gatewayTo(`http://127.0.0.1:${port}`)).post(hello);
    expect(errorOf(posted)).toMatchObject({ type: 'model_unreachable' });
  });

  test('because it is silent is named', async () => {
    const port = await tcp(() => undefined);
    const pool = createModelPool({ silenceMs: 1 });
    const posted = await (await gatewayTo(`http://127.0.0.1:${port}`, 'api_key', pool)).post(hello);
    expect(errorOf(posted).message).toContain('UND_ERR_HEADERS_TIMEOUT');
  });
});

describe('the socket', () => {
  test('replaces one that a killed runner left, and is gone when closed', async () => {
    const gateway = await gatewayTo('http://127.0.0.1:9');
    const socketPath = join(gateway.folder, 'other.sock');
    await writeFile(socketPath, '');
    const other = await openModelGateway({ socketPath, handler: createDemoModel(), log: () => undefined });
    expect((await stat(socketPath)).isSocket()).toBe(true);
    await other.close();
    await expect(stat(socketPath)).rejects.toThrow('ENOENT');
  });

  test('may have a path longer than the kernel takes', async () => {
    const gateway = await gatewayTo('http://127.0.0.1:9');
    const folder = join(gateway.folder, 'x'.repeat(120));
    await mkdir(folder);
    const socketPath = join(folder, 'model.sock');
    const long = await openModelGateway({ socketPath, handler: createDemoModel(), log: () => undefined });
    expect((await stat(socketPath)).isSocket()).toBe(true);
    await long.close();
    await expect(stat(socketPath)).rejects.toThrow('ENOENT');
  });

  test('closes with an answer under way', async () => {
    const gateway = await openTestGateway({ upstream: { kind: 'demo' } });
    const prompt = '```demo\n[{"text":"well"},{"hang":true}]\n```';
    const { body } = await gateway.open(
      JSON.stringify({ model: 'm', stream: true, messages: [{ role: 'user', content: prompt }] }),
    );
    await once(body, 'readable');
    body.on('error', () => undefined);
    await gateway.close();
    await expect.poll(() => gateway.exchanges).toEqual([{ outcome: 'aborted' }]);
  });

  test('is refused where it cannot be', async () => {
    const options = {
      socketPath: '/nonexistent/model.sock',
      handler: createDemoModel(),
      log: () => undefined,
    };
    await expect(openModelGateway(options)).rejects.toThrow('model.sock');
  });
});
