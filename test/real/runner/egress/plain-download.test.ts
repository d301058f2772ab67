import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import net from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { listen, startPipe, startProxy, startWeb, talk } from '../../../support/runner/egress-fixture.ts';

/** No two of its pieces are alike, so that one that comes twice, or in another's place, shows. */
const BODY = Buffer.alloc(24 * 1024 * 1024);
for (let at = 0; at < BODY.length; at += 4) BODY.writeUInt32LE(at, at);

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** A client with one connection to the proxy, and what it says about an answer. */
async function client(socketPath: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  const pipe = await startPipe(socketPath);
  const ask = async (url: string): Promise<IncomingMessage> => {
    const { host } = new URL(url);
    const [response] = (await once(
      get({ agent, host: '127.0.0.1', port: pipe, path: url, headers: { host } }),
      'response',
    )) as [IncomingMessage];
    return response;
  };
  const fetch = async (url: string): Promise<Buffer> => Buffer.concat(await (await ask(url)).toArray());
  return { ask, fetch };
}

test('large bodies pass unchanged, one after the other on one connection, and small ones between them', async () => {
  const web = await startWeb((request, response) => {
    if (request.url === '/small') {
      response.end('small');
    } else if (request.url === '/chunked') {
      response.write(BODY.subarray(0, 5_000_000));
      response.end(BODY.subarray(5_000_000, 9_999_999));
    } else {
      response.writeHead(200, { 'Content-Length': BODY.length }).end(BODY);
    }
  });
  const proxy = await startProxy();
  const { fetch } = await client(proxy.socketPath);
  const at = (path: string): string => `http://a.test:${web.port}${path}`;
  expect(digest(await fetch(at('/large')))).toBe(digest(BODY));
  expect(String(await fetch(at('/small')))).toBe('small');
  expect(digest(await fetch(at('/chunked')))).toBe(digest(BODY.subarray(0, 9_999_999)));
  expect(digest(await fetch(at('/large')))).toBe(digest(BODY));
  expect(String(await fetch(at('/small')))).toBe('small');
  const closed = await proxy.changes.until(() => {
    const all = proxy.decisions.filter(({ phase }) => phase === 'closed');
    return all.length === 5 && all;
  });
  for (const n of [0, 3]) expect(closed[n]?.bytesReceived).toBeGreaterThan(BODY.length);
});

test('what a server sends beyond the length that it said is nobody’s answer', async () => {
  const length = 2 * 1024 * 1024;
  const forged = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged');
  const port = await listen(
    net.createServer((socket) => {
      socket.once('data', (asked) => {
        const [head, body] = asked.includes('/next')
          ? ['HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n', Buffer.from('next')]
          : [`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n`, Buffer.concat([BODY.subarray(0, length), forged])];
        socket.write(head);
        socket.end(body);
      });
    }),
  );
  const proxy = await startProxy();
  const { fetch } = await client(proxy.socketPath);
  expect(digest(await fetch(`http://a.test:${port}/`))).toBe(digest(BODY.subarray(0, length)));
  expect(String(await fetch(`http://a.test:${port}/next`))).toBe('next');
});

test.each(['ends', 'breaks'] as const)(
  'a large body that %s half-way breaks the client’s connection, so that it is not taken for a whole one',
  async (how) => {
    const port = await listen(
      net.createServer((socket) => {
        socket.once('data', () => {
          socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${BODY.length}\r\n\r\n`);
          socket.write(BODY.subarray(0, 3_000_000), () => (how === 'ends' ? socket.end() : socket.resetAndDestroy()));
        });
      }),
    );
    const proxy = await startProxy();
    const { fetch } = await client(proxy.socketPath);
    await expect(fetch(`http://a.test:${port}/`)).rejects.toThrow('aborted');
  },
);

test('a client that reads slowly holds the server of a large body back instead of filling the runner', async () => {
  const chunk = Buffer.alloc(65_536);
  const total = 64 * 1024 * 1024;
  let sent = 0;
  const web = await startWeb((_request, response) => {
    response.writeHead(200, { 'Content-Length': total });
    const fill = (): void => {
      while (sent < total) {
        sent += chunk.length;
        if (!response.write(chunk)) return void response.once('drain', fill);
      }
      response.end();
    };
    fill();
  });
  const proxy = await startProxy();
  const { ask } = await client(proxy.socketPath);
  let received = 0;
  let ahead = 0;
  for await (const part of (await ask(`http://a.test:${web.port}/`)) as AsyncIterable<Buffer>) {
    received += part.length;
    ahead = Math.max(ahead, sent - received);
    await turn();
  }
  expect(received).toBe(total);
  expect(ahead).toBeLessThan(24 * 1024 * 1024);
});

test('a client that leaves in the middle of a large body ends the server’s connection', async () => {
  const ended = Promise.withResolvers<void>();
  const web = await startWeb((request, response) => {
    request.socket.once('close', () => ended.resolve());
    response.writeHead(200, { 'Content-Length': 2 * BODY.length }).write(BODY);
  });
  const proxy = await startProxy();
  const { ask } = await client(proxy.socketPath);
  const response = await ask(`http://a.test:${web.port}/`);
  await once(response, 'readable');
  response.destroy();
  await ended.promise;
  await proxy.changes.until(() => proxy.decisions.some(({ phase }) => phase === 'closed'));
});

test('large bodies that were asked for all at once come in order', async () => {
  const length = 4 * 1024 * 1024;
  const web = await startWeb((request, response) => {
    const from = Number(request.url?.slice(1)) * length;
    response.writeHead(200, { 'Content-Length': length }).end(BODY.subarray(from, from + length));
  });
  const proxy = await startProxy();
  const ask = (n: number, connection: string): string =>
    `GET http://a.test:${web.port}/${n} HTTP/1.1\r\nHost: a.test:${web.port}\r\nConnection: ${connection}\r\n\r\n`;
  const answers = await talk(proxy.socketPath, ask(0, 'keep-alive') + ask(1, 'keep-alive') + ask(2, 'close'));
  const bodies = answers.split(/HTTP\/1\.1 200 OK\r\n(?:[^\r\n]+\r\n)*\r\n/).slice(1);
  expect(bodies.map((body) => digest(Buffer.from(body, 'latin1')))).toEqual(
    [0, 1, 2].map((n) => digest(BODY.subarray(n * length, (n + 1) * length))),
  );
});
