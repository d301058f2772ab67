import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import net from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { close, listen } from '../../../../support/net/listen.ts';
import { sharedScratch } from '../../../../support/scratch.ts';
import { ask, serve } from '../../../../support/tunnel/container-server.ts';
import { TunnelStage } from '../../../../support/tunnel/stage.ts';
import { until } from '../../../../support/until.ts';

const folder = sharedScratch();
let stage: TunnelStage;
beforeAll(async () => {
  stage = await TunnelStage.start(folder.path);
});
afterAll(async () => await stage[Symbol.asyncDispose]());

test('a page comes with its own head and body, and the server sees the request as it was', async () => {
  let seen: IncomingMessage | undefined;
  const url = await serve(stage, (request, response) => {
    seen = request;
    response.writeHead(203, [
      ['Content-Type', 'text/html'],
      ['Set-Cookie', 'a=1; Path=/'],
      ['Set-Cookie', 'b=2; HttpOnly'],
      ['X-Own', 'grün'],
    ] as unknown as http.OutgoingHttpHeaders);
    response.end('<p>hello</p>');
  });
  const got = await ask(`${url}/a%2Fb/..;x?q=%20&q=2`, {
    headers: { 'x-mine': 'mine', cookie: 'k=v', te: 'trailers' },
  });
  expect(got.status).toBe(203);
  expect(await text(got.answer)).toBe('<p>hello</p>');
  expect(got.answer.headers['set-cookie']).toEqual(['a=1; Path=/', 'b=2; HttpOnly']);
  expect(seen?.url).toBe('/a%2Fb/..;x?q=%20&q=2');
  expect(seen?.headers).toMatchObject({ 'x-mine': 'mine', cookie: 'k=v' });
  expect(seen?.headers).not.toHaveProperty('te');
});

test('bodies of megabytes come whole in both directions', async () => {
  const url = await serve(stage, (request, response) => void request.pipe(response));
  const body = Buffer.alloc(9 * 1024 * 1024, 'abcdefghijk');
  const { answer } = await ask(url, { method: 'POST' }, body);
  const hash = createHash('sha256');
  for await (const part of answer) hash.update(part as Buffer);
  expect(hash.digest('hex')).toBe(createHash('sha256').update(body).digest('hex'));
});

test('a compressed body is not touched, and a known length stays known', async () => {
  const packed = gzipSync('hello '.repeat(1000));
  const url = await serve(stage, (_request, response) => {
    response.writeHead(200, { 'content-encoding': 'gzip', 'content-length': packed.length });
    response.end(packed);
  });
  const { answer } = await ask(url, { headers: { 'accept-encoding': 'gzip' } });
  expect(answer.headers).toMatchObject({ 'content-encoding': 'gzip', 'content-length': String(packed.length) });
  expect(await buffer(answer)).toEqual(packed);
});

test('answers without a body are whole at once: HEAD, 204, 304, and a redirect is passed on', async () => {
  const url = await serve(stage, (request, response) => {
    if (request.method === 'HEAD') response.writeHead(200, { 'content-length': 12_345, 'x-head': 'yes' });
    else if (request.url === '/204') response.writeHead(204);
    else if (request.url === '/304') response.writeHead(304, { etag: '"x"' });
    else response.writeHead(302, { location: '/elsewhere' });
    response.end();
  });
  const head = await ask(url, { method: 'HEAD' });
  expect(head.answer.headers).toMatchObject({ 'content-length': '12345', 'x-head': 'yes' });
  expect(await text(head.answer)).toBe('');
  expect((await ask(`${url}/204`)).status).toBe(204);
  expect((await ask(`${url}/304`)).answer.headers.etag).toBe('"x"');
  const moved = await ask(url);
  expect([moved.status, moved.answer.headers.location]).toEqual([302, '/elsewhere']);
});

test('what a server says bit by bit comes bit by bit', async () => {
  let say: ServerResponse | undefined;
  const url = await serve(stage, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: first\n\n');
    say = response;
  });
  const { answer } = await ask(url);
  expect(String((await once(answer, 'data'))[0])).toBe('data: first\n\n');
  say?.write('data: second\n\n');
  expect(String((await once(answer, 'data'))[0])).toBe('data: second\n\n');
  say?.end();
  await once(answer.resume(), 'end');
});

test('a server that answers before it has the whole request is heard', async () => {
  const url = await serve(stage, (_request, response) => {
    response.writeHead(413, { connection: 'close' });
    response.end('too large');
  });
  const answered = Promise.withResolvers<IncomingMessage>();
  const request = http.request(url, { method: 'POST' }, answered.resolve);
  request.on('error', () => {});
  request.write(Buffer.alloc(100_000));
  expect((await answered.promise).statusCode).toBe(413);
  expect(await text(await answered.promise)).toBe('too large');
  request.destroy();
});

test('many pages at once, on connections that are kept, and one that the server closes meanwhile', async () => {
  const connections = new Set<net.Socket>();
  const url = await serve(stage, (request, response) => {
    connections.add(request.socket);
    // Every tenth: the next request finds a connection that is about to close.
    if (request.url?.endsWith('7') === true) request.socket.setTimeout(1, () => request.socket.end());
    response.end(request.url);
  });
  for (let round = 0; round < 3; round += 1) {
    const pages = Array.from(
      { length: 40 },
      async (_none, at) => await text((await ask(`${url}/${round}-${at}`)).answer),
    );
    expect(await Promise.all(pages)).toEqual(Array.from({ length: 40 }, (_none, at) => `/${round}-${at}`));
  }
  expect(connections.size).toBeLessThan(120);
});

test('where nothing listens, or something that is no HTTP server, that is said', async () => {
  const free = net.createServer();
  const port = await listen(free, '127.0.0.1');
  await close(free);
  const closed = await ask(stage.url(port));
  expect(JSON.parse(await text(closed.answer))).toMatchObject({
    refused: 'port_closed',
    detail: expect.stringContaining(String(port)),
  });

  const ssh = net.createServer((socket) => socket.resume().end('SSH-2.0-x\r\n'));
  const sshPort = await listen(ssh, '127.0.0.1');
  onTestFinished(async () => await close(ssh));
  expect(JSON.parse(await text((await ask(stage.url(sshPort))).answer))).toMatchObject({ refused: 'bad_answer' });

  const silent = net.createServer((socket) => socket.destroy());
  const silentPort = await listen(silent, '127.0.0.1');
  onTestFinished(async () => await close(silent));
  expect(JSON.parse(await text((await ask(stage.url(silentPort))).answer))).toMatchObject({ refused: 'bad_answer' });
});

test('a server that listens on IPv6 alone is found', async () => {
  const server = http.createServer((_request, response) => void response.end('six'));
  const port = await listen(server, '::1');
  onTestFinished(async () => await close(server));
  expect(await text((await ask(stage.url(port))).answer)).toBe('six');
});

test('a client that goes away ends the request in the container, once its server says something', async () => {
  let gone = 0;
  const url = await serve(stage, (_request, response) => {
    response.write('some');
    const more = setInterval(() => response.write('more'), 50);
    response.once('close', () => {
      clearInterval(more);
      gone += 1;
    });
  });
  const { answer } = await ask(url);
  await once(answer, 'data');
  answer.on('error', () => {});
  answer.destroy();
  await until(() => expect(gone).toBe(1));
});

test('an answer that breaks off is an error to its reader, and never a short body', async () => {
  const answers = {
    length: 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc',
    chunked: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n',
  };
  for (const answer of Object.values(answers)) {
    const server = net.createServer((socket) => {
      socket.on('error', () => {});
      // Its end follows when the reader has the first part.
      socket.once('data', () => socket.write(answer, () => setTimeout(() => socket.end(), 50)));
    });
    const port = await listen(server, '127.0.0.1');
    onTestFinished(async () => await close(server));
    await expect(ask(stage.url(port)).then(async (got) => await text(got.answer))).rejects.toThrow(/aborted|hang up/);
  }
  // Without a length, only a reset tells that it is not whole.
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\nabc', () => setTimeout(() => socket.resetAndDestroy(), 50));
    });
  });
  const port = await listen(server, '127.0.0.1');
  onTestFinished(async () => await close(server));
  await expect(ask(stage.url(port)).then(async (got) => await text(got.answer))).rejects.toThrow(/aborted|hang up/);
});
