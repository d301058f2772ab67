import { once } from 'node:events';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import path from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openEgress } from '../../../wrapper/workspace/egress.ts';
import { freePort } from '../../support/free-port.ts';
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
