import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import net from 'node:net';
import os from 'node:os';
import { text } from 'node:stream/consumers';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openEgress } from '../../../wrapper/workspace/egress.ts';
import { freePort } from '../../support/net/free-port.ts';
import { scratch } from '../../support/scratch.ts';
import { Stage } from '../../support/wrapper/run-wrapper.ts';

/** A proxy by hand, on a unix socket: `answer` is given each connection. */
async function proxy(answer: (socket: net.Socket) => void): Promise<string> {
  const socketPath = path.join(scratch(), 'proxy.sock');
  const server = net.createServer({ allowHalfOpen: true }, answer);
  server.listen(socketPath);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return socketPath;
}

async function open(socket: string, forwards: { address: string; host: string; port: number }[] = []) {
  const proxy_port = await freePort('127.0.0.1');
  const egress = openEgress({ socket, proxy_port, forwards });
  onTestFinished(() => egress.close());
  expect(await egress.opened).toBeNull();
  return proxy_port;
}

/** Answers a CONNECT with `head`, then echoes. */
const connectProxy = (heads: string[], head: string) => (socket: net.Socket) => {
  socket.on('error', () => {});
  socket.once('data', (chunk) => {
    heads.push(chunk.toString());
    socket.write(head);
    socket.pipe(socket);
  });
};

test('what a tool says to the proxy’s port reaches the runner’s socket byte for byte, and the answer comes back', async () => {
  const heard: string[] = [];
  const port = await open(
    await proxy((socket) => {
      void text(socket).then((request) => {
        heard.push(request);
        socket.end('answer');
      });
    }),
  );
  const tool = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  tool.end('CONNECT \0 garbage');
  expect(await text(tool)).toBe('answer');
  expect(heard).toEqual(['CONNECT \0 garbage']);
});

/** A dev server that says what it was asked. @returns its port */
async function devServer(host: string): Promise<number> {
  const server = createServer((request, response) => {
    const { method, url, headers, rawHeaders } = request;
    void text(request).then((body) =>
      response.end(JSON.stringify({ method, url, host: headers.host, rawHeaders, body })),
    );
  });
  server.on('upgrade', (_, socket, head) => {
    socket.unshift(head);
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    socket.pipe(socket);
  });
  server.listen(0, host);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Sends bytes to a port. @returns all that came until the other side ended */
async function say(port: number, words: string): Promise<string> {
  const socket = net.connect(port, '127.0.0.1');
  socket.write(words);
  return await text(socket);
}

/** A runner's proxy that answers each request, and keeps the heads. */
const refusingProxy = (heads: string[]) => (socket: net.Socket) => {
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    heads.push(chunk.toString());
    const ends = /^connection: close/im.test(chunk.toString());
    const text = 'not the container';
    socket.write(
      `HTTP/1.1 403 Forbidden\r\nContent-Length: ${text.length}\r\n${ends ? 'Connection: close\r\n' : ''}\r\n${text}`,
    );
    if (ends) socket.end();
  });
};

const OWN_HOSTS = [
  'localhost',
  'LocalHost',
  'localhost.',
  'app.localhost',
  'a.b.localhost',
  'localhost.localdomain',
  os.hostname(),
  '127.0.0.1',
  '127.1',
  '2130706433',
  '0x7f000001',
  '0X7F.1',
  '0177.0.0.1',
  '127.0.0.1.',
  '0.0.0.0',
  '0',
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::ffff:0.0.0.0]',
];

test('the container’s own server answers under each name and address of its own, by request and by tunnel', async () => {
  const heads: string[] = [];
  const port = await open(await proxy(refusingProxy(heads)));
  const dev = await devServer('127.0.0.1');
  for (const host of OWN_HOSTS) {
    const place = `${host}:${dev}`;
    const asked = `GET http://${place}/x?y=1 HTTP/1.1\r\nHost: ${place}\r\nProxy-Connection: keep-alive\r\n\r\n`;
    const answer = await say(port, asked);
    expect(answer, host).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(JSON.parse(answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1)), host).toMatchObject({
      url: '/x?y=1',
      host: place,
      rawHeaders: expect.not.arrayContaining(['Proxy-Connection']),
    });
    const through = `CONNECT ${place} HTTP/1.1\r\nHost: ${place}\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
    expect(await say(port, through), host).toMatch(
      /^HTTP\/1\.1 200 Connection Established\r\n\r\nHTTP\/1\.1 200 OK\r\n/,
    );
  }
  expect(heads).toEqual([]);
});

test('a server on 127.0.0.2 is another one than that on 127.0.0.1', async () => {
  const port = await open(await proxy(refusingProxy([])));
  const dev = await devServer('127.0.0.2');
  expect(await say(port, `GET http://127.0.0.2:${dev}/ HTTP/1.1\r\nHost: a\r\n\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
  expect(await say(port, `GET http://127.0.0.1:${dev}/ HTTP/1.1\r\nHost: a\r\n\r\n`)).toMatch(
    new RegExp(`^HTTP/1\\.1 502 cc-docker: nothing answers on port ${dev} of this container: ECONNREFUSED\r\n`),
  );
});

test('what only looks like the container’s own goes to the runner', async () => {
  const heads: string[] = [];
  const port = await open(await proxy(refusingProxy(heads)));
  const dev = await devServer('127.0.0.1');
  const others = [
    'localhost.evil.test',
    'notlocalhost',
    '127.0.0.1.evil.test',
    '0.0.0.0.evil.test',
    `${os.hostname()}.evil.test`,
    '128.0.0.1',
    '10.0.0.1',
    '169.254.169.254',
    '0.0.0.1',
    '[::2]',
    '[::ffff:10.0.0.1]',
    'a@localhost',
    'localhost@b',
  ];
  for (const host of others) {
    await say(port, `GET http://${host}:${dev}/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    await say(port, `CONNECT ${host}:${dev} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    expect(
      heads.splice(0).map((head) => head.split(' ')[1]),
      host,
    ).toEqual([`http://${host}:${dev}/`, `${host}:${dev}`]);
  }
});

test('a tool that keeps its connection to the proxy reaches the container’s own server after another one', async () => {
  const heads: string[] = [];
  const port = await open(await proxy(refusingProxy(heads)));
  const dev = await devServer('127.0.0.1');
  const urls = [`http://site.test/`, `http://app.localhost:${dev}/`, `http://site.test/`];
  const env = { PATH: process.env['PATH'] ?? '', http_proxy: `http://127.0.0.1:${port}`, no_proxy: '' };
  const { stdout } = await promisify(execFile)('curl', ['-sS', '--max-time', '10', ...urls], { env });
  expect(stdout).toMatch(/^not the container\{"method":"GET".*\}not the container$/);
  expect(heads).toHaveLength(2);
});

test('a WebSocket to the container’s own server is upgraded, also without a tunnel', async () => {
  const port = await open(await proxy(refusingProxy([])));
  const dev = await devServer('127.0.0.1');
  const socket = net.connect(port, '127.0.0.1');
  socket.end(`GET http://localhost:${dev}/ HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello`);
  expect(await text(socket)).toMatch(/^HTTP\/1\.1 101 [^]*\r\n\r\nhello$/);
});

test('a hundred megabytes pass unchanged in both directions', async () => {
  const port = await open(await proxy((socket) => void socket.pipe(socket)));
  const tool = net.connect(port, '127.0.0.1');
  const chunk = Buffer.alloc(1024 * 1024, 'x');
  let came = 0;
  tool.on('data', (data) => (came += data.length));
  for (let sent = 0; sent < 100; sent += 1) if (!tool.write(chunk)) await once(tool, 'drain');
  tool.end();
  await once(tool, 'close');
  expect(came).toBe(100 * chunk.length);
});

test('a forward asks the proxy for its host and port, and then carries what the client says', async () => {
  const heads: string[] = [];
  const port = await freePort('127.77.0.1');
  await open(await proxy(connectProxy(heads, 'HTTP/1.1 200 Connection Established\r\n\r\nserver first, ')), [
    { address: '127.77.0.1', host: 'db.example.com', port },
  ]);
  const client = net.connect(port, '127.77.0.1');
  client.end('client second');
  expect(await text(client)).toBe('server first, client second');
  expect(heads).toEqual([`CONNECT db.example.com:${port} HTTP/1.1\r\nHost: db.example.com:${port}\r\n\r\n`]);
});

test('a forward that is refused resets its client, and stderr says why', async () => {
  const said = vi.spyOn(console, 'error').mockImplementation(() => {});
  onTestFinished(() => said.mockRestore());
  const port = await freePort('127.77.0.1');
  await open(await proxy(connectProxy([], 'HTTP/1.1 403 Forbidden\r\n\r\ncc-docker: not allowed: because')), [
    { address: '127.77.0.1', host: 'db.example.com', port },
  ]);
  const client = net.connect(port, '127.77.0.1');
  const [error] = await once(client, 'error');
  expect(error).toMatchObject({ code: 'ECONNRESET' });
  expect(said).toHaveBeenCalledWith(expect.stringContaining('not allowed: because'));
});

test('a runner that is away breaks the tool’s connection, and no more', async () => {
  const port = await open(path.join(scratch(), 'nobody.sock'));
  for (let n = 0; n < 2; n += 1) {
    const tool = net.connect(port, '127.0.0.1');
    tool.write('CONNECT a.test:443 HTTP/1.1\r\n\r\n');
    await once(tool, 'close');
  }
});

test('without the proxy’s port the session does not start, and is told why', async () => {
  await using stage = await Stage.open();
  const taken = net.createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  onTestFinished(() => void taken.close());
  const address = taken.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  await stage.start({ egress: { socket: stage.path('proxy.sock'), proxy_port: address.port, forwards: [] } });
  const { detail } = await stage.session.notice('start_failed');
  expect(detail).toContain(`nothing can listen on 127.0.0.1:${address.port}`);
});

test('a forward that cannot listen is said on stderr, and the session starts', async () => {
  await using stage = await Stage.open();
  const taken = net.createServer().listen(0, '127.77.0.2');
  await once(taken, 'listening');
  onTestFinished(() => void taken.close());
  const address = taken.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const wrapper = await stage.start({
    egress: {
      socket: stage.path('proxy.sock'),
      proxy_port: await freePort('127.0.0.1'),
      forwards: [{ address: '127.77.0.2', host: 'db.example.com', port: address.port }],
    },
  });
  await stage.session.notice('ready');
  wrapper.signal('SIGTERM');
  expect((await wrapper.exit).stderr).toContain(`nothing can listen on 127.77.0.2:${address.port}`);
});
