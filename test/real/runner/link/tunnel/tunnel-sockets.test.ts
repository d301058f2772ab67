import { once } from 'node:events';
import http from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { MAX_SOCKET_MESSAGE } from '../../../../../protocol/link/tunnel/frames.ts';
import { joinStream } from '../../../../../wrapper/streams/join-stream.ts';
import { sharedScratch } from '../../../../support/scratch.ts';
import { ask, serveWith } from '../../../../support/tunnel/container-server.ts';
import { TunnelStage } from '../../../../support/tunnel/stage.ts';
import { until } from '../../../../support/until.ts';
import net from 'node:net';
import { listen } from '../../../../support/net/listen.ts';

const folder = sharedScratch();
let stage: TunnelStage;
/** Takes raw streams of the kind `echo`. */
let echo: net.Server;
beforeAll(async () => {
  echo = net.createServer({ allowHalfOpen: true }, (socket) => void socket.pipe(socket));
  const port = await listen(echo, '127.0.0.1');
  stage = await TunnelStage.start(folder.path, {
    echo: async () => {
      const server = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      await once(server, 'connect');
      return { accept: (connection, broken) => joinStream(connection, server, broken), cancel: () => server.destroy() };
    },
    no: async () => ({ refused: { code: 'terminal_limit', detail: 'No more of them.' } }),
  });
});
afterAll(async () => {
  await stage[Symbol.asyncDispose]();
  echo.close();
});

/** A WebSocket server of the container. */
async function serve(options: ConstructorParameters<typeof WebSocketServer>[0] = {}) {
  const server = http.createServer((_request, response) => void response.writeHead(418).end('a teapot'));
  const sockets = new WebSocketServer({ server, ...options });
  onTestFinished(() => {
    for (const socket of sockets.clients) socket.terminate();
  });
  const url = await serveWith(stage, server);
  return { sockets, url: url.replace(/^http/, 'ws'), http: url };
}

async function connect(url: string, protocols: string[] = []): Promise<WebSocket> {
  const socket = new WebSocket(url, protocols);
  onTestFinished(() => socket.terminate());
  await once(socket, 'open');
  return socket;
}

describe('a WebSocket', () => {
  test('passes messages, the subprotocol and both ways to close', async () => {
    const { sockets, url } = await serve({ handleProtocols: (offered) => [...offered][1] ?? false });
    let path: string | undefined;
    sockets.on('connection', (socket, request) => {
      path = request.url;
      // At once: before the client has seen that it is open.
      socket.send('welcome');
      socket.on('message', (data: Buffer, isBinary) => socket.send(data, { binary: isBinary }));
      socket.on('close', (code, reason) => sockets.emit('closed', code, reason.toString()));
    });
    const socket = new WebSocket(`${url}/hot?token=1`, ['a', 'vite-hmr']);
    onTestFinished(() => socket.terminate());
    expect(String((await once(socket, 'message'))[0])).toBe('welcome');
    expect(socket.protocol).toBe('vite-hmr');
    expect(path).toBe('/hot?token=1');
    for (const message of ['grün', '', Buffer.alloc(300_000, 7), Buffer.alloc(0)]) {
      socket.send(message);
      const [data, isBinary] = (await once(socket, 'message')) as [Buffer, boolean];
      expect(isBinary).toBe(typeof message !== 'string');
      expect(data.equals(Buffer.from(message as string))).toBe(true);
    }
    const closed = Promise.all([once(sockets, 'closed'), once(socket, 'close')]);
    socket.close(4321, 'enough');
    expect((await closed).map(([code]) => code as number)).toEqual([4321, 4321]);

    const other = await connect(url);
    for (const client of sockets.clients) client.close(1001, 'restarting');
    const [code, reason] = (await once(other, 'close')) as [number, Buffer];
    expect([code, reason.toString()]).toEqual([1001, 'restarting']);
  });

  test('that the server refuses is refused in its own words', async () => {
    const { sockets, http: url } = await serve({ noServer: true, server: undefined });
    sockets.close();
    const { status, answer } = await ask(url, {
      headers: {
        connection: 'upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      },
    });
    expect(status).toBe(418);
    expect(await text(answer)).toBe('a teapot');
  });

  test('ends in the container when the client is gone, and at the client when the server is gone', async () => {
    const { sockets, url } = await serve();
    const first = await connect(url);
    await until(() => expect(sockets.clients.size).toBe(1));
    first.terminate();
    await until(() => expect(sockets.clients.size).toBe(0));
    const second = await connect(url);
    for (const socket of sockets.clients) socket.terminate();
    expect((await once(second, 'close'))[0]).toBe(1011);
  });

  test('whose client reads nothing holds its server up, and costs no memory on the way', async () => {
    const { sockets, url } = await serve();
    const message = Buffer.alloc(64 * 1024);
    let sent = 0;
    sockets.on('connection', (socket) => {
      const more = (): void => {
        sent += message.length;
        if (sent < 400 * 1024 * 1024) socket.send(message, () => setImmediate(more));
      };
      more();
    });
    const client = await connect(url);
    client.pause();
    let before = -1;
    let looks = 0;
    await until(() => {
      looks = sent === before ? looks + 1 : 0;
      before = sent;
      // Nothing more goes out for a second.
      expect(looks).toBeGreaterThanOrEqual(4);
    }, 250);
    // What sockets of the kernel hold on the way.
    expect(sent).toBeLessThan(40 * 1024 * 1024);
  });

  test('whose message is too large is closed, whoever sends it', async () => {
    const { sockets, url } = await serve({ maxPayload: 4 * MAX_SOCKET_MESSAGE });
    const large = Buffer.alloc(MAX_SOCKET_MESSAGE + 1);
    const first = await connect(url);
    for (const socket of sockets.clients) socket.send(large);
    const [code] = (await once(first, 'close')) as [number];
    expect([1009, 1011]).toContain(code);
    const second = await connect(url);
    second.send(large);
    expect((await once(second, 'close'))[0]).toBe(1009);
    await until(() => expect(sockets.clients.size).toBe(0));
  });
});

/** Why a raw stream of this kind is not opened. */
const refused = async (kind: string) =>
  JSON.parse(await text((await ask(`${stage.edge.url}/raw?kind=${kind}`, { method: 'POST' }, 'x')).answer)) as unknown;

describe('a raw stream', () => {
  test('passes bytes both ways, and the end of each', async () => {
    const body = Buffer.alloc(2 * 1024 * 1024, 'raw bytes ');
    const { answer } = await ask(`${stage.edge.url}/raw?kind=echo`, { method: 'POST' }, body);
    const parts: Buffer[] = [];
    for await (const part of answer) parts.push(part as Buffer);
    expect(Buffer.concat(parts).equals(body)).toBe(true);
  });

  test('that the container refuses, or does not know, is refused with the reason', async () => {
    expect(await refused('no')).toEqual({ refused: 'terminal_limit', detail: 'No more of them.' });
    expect(await refused('unheard-of')).toMatchObject({ refused: 'container_outdated' });
  });
});
