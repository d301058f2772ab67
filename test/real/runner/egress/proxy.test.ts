import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import net, { type Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { setImmediate as turn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ownAddresses } from '../../../../runner/egress/policy/resolve.ts';
import { listen, openTunnel, startPipe, startProxy, startWeb, talk } from '../../../support/runner/egress-fixture.ts';

const run = promisify(execFile);

function get(url: string, ...headers: string[]): string {
  return `GET ${url} HTTP/1.1\r\n${['Connection: close', ...headers].map((line) => `${line}\r\n`).join('')}\r\n`;
}

function connect(authority: string): string {
  return `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`;
}

/** What is sent comes back. */
async function startEcho(): Promise<number> {
  return await listen(net.createServer({ allowHalfOpen: true }, (socket) => void socket.pipe(socket)));
}

async function curl(pipe: number, ...args: string[]): Promise<string> {
  const env = {
    PATH: process.env['PATH'] ?? '',
    HTTPS_PROXY: `http://127.0.0.1:${pipe}`,
    http_proxy: `http://127.0.0.1:${pipe}`,
  };
  const { stdout } = await run('curl', ['--silent', '--show-error', '--max-time', '10', ...args], { env });
  return stdout;
}

describe('what is allowed', () => {
  test('curl fetches an allowed http URL, and the decision says how much', async () => {
    const web = await startWeb();
    const proxy = await startProxy({ allow: [`a.test:${web.port}`] });
    const pipe = await startPipe(proxy.socketPath);
    expect(await curl(pipe, `http://a.test:${web.port}/x?y=1`)).toBe('hello');
    expect(web.requests[0]).toMatchObject({ url: '/x?y=1', headers: { host: `a.test:${web.port}` } });
    const closed = await proxy.changes.until(() => proxy.decisions.find(({ phase }) => phase === 'closed'));
    expect(closed).toMatchObject({ host: 'a.test', port: web.port, verdict: 'allowed', rule: `a.test:${web.port}` });
    expect(closed.bytesSent).toBeGreaterThan(50);
    expect(closed.bytesReceived).toBeGreaterThan(50);
    expect(proxy.decisions.map(({ phase }) => phase)).toEqual(['opened', 'closed']);
  });

  test('curl reaches an allowed host through a tunnel', async () => {
    const web = await startWeb();
    const proxy = await startProxy({ allow: [`*.a.test:${web.port}`] });
    const pipe = await startPipe(proxy.socketPath);
    expect(await curl(pipe, '--proxytunnel', `http://deep.down.a.test:${web.port}/`)).toBe('hello');
    expect(proxy.asked).toEqual(['deep.down.a.test']);
  });

  test('a tunnel passes bytes both ways, from the first packet on, and one side’s end alone', async () => {
    const port = await startEcho();
    const proxy = await startProxy();
    const socket = await openTunnel(proxy.socketPath, `echo.test:${port}`, 'early ');
    const all = text(socket);
    socket.end('late');
    expect(await all).toBe('early late');
    const closed = await proxy.changes.until(() => proxy.decisions.find(({ phase }) => phase === 'closed'));
    expect(closed).toMatchObject({ bytesSent: 10, bytesReceived: 10 });
  });

  test('a POST goes through with its body, chunked or measured', async () => {
    const web = await startWeb();
    const proxy = await startProxy();
    const url = `http://a.test:${web.port}/`;
    const head = `POST ${url} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n`;
    await talk(proxy.socketPath, `${head}Content-Length: 3\r\n\r\nabc`);
    await talk(proxy.socketPath, `${head}Transfer-Encoding: chunked\r\n\r\n3\r\nxyz\r\n0\r\n\r\n`);
    expect(web.requests.map(({ body }) => body)).toEqual(['abc', 'xyz']);
  });

  test('curl uploads a large body after asking whether it may', async () => {
    const web = await startWeb();
    const proxy = await startProxy();
    const pipe = await startPipe(proxy.socketPath);
    const big = 'x'.repeat(2 * 1024 * 1024);
    const folder = await mkdtemp(path.join(os.tmpdir(), 'upload-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    await writeFile(path.join(folder, 'big'), big);
    const args = ['--upload-file', path.join(folder, 'big'), '--header', 'Expect: 100-continue'];
    expect(await curl(pipe, ...args, `http://a.test:${web.port}/`)).toBe('hello');
    expect(await curl(pipe, ...args, '--proxytunnel', `http://a.test:${web.port}/`)).toBe('hello');
    expect(web.requests.map(({ body }) => body === big)).toEqual([true, true]);
  });

  test('a name’s second address is tried when the first does not answer', async () => {
    const web = await startWeb();
    const proxy = await startProxy({ private: ['127.0.0.0/8'], names: { 'two.test': ['127.9.9.9', '127.0.0.1'] } });
    expect(await talk(proxy.socketPath, get(`http://two.test:${web.port}/`, 'Host: two.test'))).toContain('hello');
  });

  test('requests for different hosts on one connection are judged one by one', async () => {
    const web = await startWeb();
    const proxy = await startProxy({ allow: [`a.test:${web.port}`] });
    const first = `GET http://a.test:${web.port}/1 HTTP/1.1\r\nHost: a.test\r\n\r\n`;
    const answers = await talk(proxy.socketPath, first + get(`http://b.test:${web.port}/2`, 'Host: a.test'));
    expect(answers).toMatch(/^HTTP\/1\.1 200[^]*hello[^]*HTTP\/1\.1 403 /);
    expect(web.requests.map(({ url }) => url)).toEqual(['/1']);
  });
});

describe('what is refused', () => {
  test('a refused host gets a sentence that says why, what is allowed and what to do', async () => {
    const proxy = await startProxy({ allow: ['a.test', '*.b.test:8443'] });
    const pipe = await startPipe(proxy.socketPath);
    const body = await curl(pipe, 'http://c.test/');
    expect(body).toBe(
      'cc-docker: not allowed by this session’s network policy: c.test:80 (no rule of this session names it). Allowed: a.test, *.b.test:8443.\n'.replace(
        '’',
        "'",
      ) +
        "Trying again changes nothing. If the task needs it, ask for c.test:80 to be added to this session's network.allow.\n",
    );
    expect(proxy.decisions).toEqual([
      {
        host: 'c.test',
        port: 80,
        verdict: 'refused',
        rule: 'no rule of this session names it',
        bytesSent: 0,
        bytesReceived: 0,
        phase: 'opened',
      },
    ]);
    expect(proxy.asked).toEqual([]);
  });

  test('of the container itself, the runner says what it is and who reaches it, and asks for no rule', async () => {
    const proxy = await startProxy({ allow: ['a.test'], private: [] });
    for (const host of [
      'localhost',
      'app.localhost',
      'session',
      '0.0.0.0',
      '127.0.0.2',
      '[::1]',
      '[::ffff:127.0.0.1]',
    ]) {
      const answer = await talk(proxy.socketPath, connect(`${host}:8000`));
      expect(answer, host).toMatch(/^HTTP\/1\.1 403 .*that is the container itself/);
      expect(answer).toContain('Connect to it without this proxy');
      expect(answer).not.toContain('network.allow');
    }
    for (const host of ['127.0.0.1.evil.test', 'localhost.evil.test', 'session.evil.test', '0.0.0.0.evil.test'])
      expect(await talk(proxy.socketPath, connect(`${host}:8000`)), host).toContain('network.allow');
    expect(proxy.asked).toEqual([]);
  });

  test('a refused tunnel says so in its status line, which is all that most tools show', async () => {
    const proxy = await startProxy({ allow: [] });
    const answer = await talk(proxy.socketPath, connect('c.test:443'));
    expect(answer).toMatch(/^HTTP\/1\.1 403 cc-docker: not allowed by this session's network policy: c\.test:443 \(/);
    expect(answer).toContain('Allowed: nothing but the model.');
  });

  test.each([
    ['another port', 'a.test:8080', 'the rule a.test allows port 80 and 443 alone'],
    ['the apex of a wildcard', 'b.test:443', 'no rule of this session names it'],
    ['what the operator allows nobody', 'no.test:443', 'the operator of this runner allows it to no session'],
    ['a name of a loopback address', 'loop.test:443', '127.0.0.1 is a loopback address'],
    ['a name with one private address of two', 'half.test:443', '10.0.0.1 is a private address'],
    ['a metadata address', '169.254.169.254:80', '169.254.169.254 is a cloud metadata address'],
    ['a mapped address', '[::ffff:127.0.0.1]:80', '127.0.0.1 (as ::ffff:7f00:1) is a loopback address'],
    [
      'an address of the machine itself',
      'self.test:443',
      '198.211.0.9 is an address of the machine that the runner is on',
    ],
  ])('%s is refused', async (_what, authority, why) => {
    const proxy = await startProxy({
      allow: [
        'a.test',
        '*.b.test',
        'no.test',
        'loop.test',
        'half.test',
        'self.test',
        '169.254.169.254',
        '[::ffff:7f00:1]',
      ],
      ceiling: ['a.test', '*.b.test', 'loop.test', 'half.test', 'self.test', '169.254.169.254', '[::ffff:7f00:1]'],
      private: ['10.2.0.0/16'],
      names: { 'half.test': ['93.184.216.34', '10.0.0.1'], 'self.test': ['198.211.0.9'] },
      own: () => new Set(['198.211.0.9']),
    });
    expect(await talk(proxy.socketPath, connect(authority))).toMatch(/^HTTP\/1\.1 403 /);
    expect(proxy.decisions).toMatchObject([{ verdict: 'refused', rule: why }]);
  });

  test('a redirect to a private address is followed by the client alone, and refused', async () => {
    const inside = await startWeb();
    const web = await startWeb((_request, response) => {
      response.writeHead(302, { location: `http://127.0.0.1:${inside.port}/` }).end();
    });
    const proxy = await startProxy({
      allow: [`a.test:${web.port}`, '127.0.0.1:*'],
      private: [`127.0.0.1:${web.port}`],
    });
    const pipe = await startPipe(proxy.socketPath);
    const body = await curl(pipe, '--noproxy', '', '--location', `http://a.test:${web.port}/`);
    expect(body).toContain(`127.0.0.1:${inside.port} (127.0.0.1 is`);
    expect(inside.requests).toEqual([]);
  });

  test('a name that changes its address between two questions gains nothing: it is asked for once', async () => {
    const web = await startWeb();
    let asked = 0;
    const proxy = await startProxy({
      private: [],
      lookup: async () => await Promise.resolve(++asked === 1 ? ['127.0.0.1'] : ['93.184.216.34']),
    });
    expect(await talk(proxy.socketPath, connect(`rebind.test:${web.port}`))).toMatch(/^HTTP\/1\.1 403 /);
    expect(asked).toBe(1);
  });

  test('the machine’s own addresses are known', () => {
    expect(ownAddresses()).toContain('127.0.0.1');
  });

  test.each([
    '127.1:80',
    '0177.0.0.1:80',
    '0x7f.0.0.1:80',
    '0x7f000001:80',
    '2130706433:80',
    '127.0.0.1.:80',
    '[::1%25lo]:80',
    '[::1:80',
    '::1:80',
    'a..test:443',
    'a.test..:443',
    '.a.test:443',
    'user@a.test:443',
    'a.test@127.0.0.1:443',
    'a%2etest:443',
    'a.test%00.b.test:443',
    'a.test:0443',
    'a.test:70000',
    'a.test:0',
    'a.test:',
    'a.test',
    `${'x'.repeat(64)}.test:443`,
    '*:443',
  ])('the malformed target %s is refused before any name is asked for', async (authority) => {
    const proxy = await startProxy();
    expect(await talk(proxy.socketPath, connect(authority))).toMatch(/^HTTP\/1\.1 400 cc-docker: malformed target /);
    expect(proxy.asked).toEqual([]);
    expect(proxy.decisions).toMatchObject([{ verdict: 'refused', port: 0 }]);
  });

  test.each([
    ['NUL', 'a.test\0.b.test:443'],
    ['CR', 'a.test\r.b.test:443'],
    ['LF', 'a.test\nHost: b.test:443'],
    ['bytes beyond ASCII', 'a\u3002test:443'],
    ['a space', 'a.test b.test:443'],
  ])('%s in a target is refused', async (_what, authority) => {
    const proxy = await startProxy();
    expect(await talk(proxy.socketPath, connect(authority))).toMatch(/^HTTP\/1\.1 400 cc-docker: /);
    expect(proxy.asked).toEqual([]);
  });

  test('a request that is meant for a server gets a sentence', async () => {
    const proxy = await startProxy();
    expect(await talk(proxy.socketPath, get('/', 'Host: a.test'))).toMatch(
      /^HTTP\/1\.1 400 [^]*this is the proxy of this session/,
    );
    expect(await talk(proxy.socketPath, get('https://a.test/', 'Host: a.test'))).toMatch(
      /^HTTP\/1\.1 400 [^]*only http:\/\/ URLs/,
    );
    expect(await talk(proxy.socketPath, 'OPTIONS * HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 400 /,
    );
  });
});

describe('what a request may not smuggle', () => {
  test('the Host header is what the URL says, and headers between neighbours are not passed on', async () => {
    const web = await startWeb();
    const proxy = await startProxy();
    await talk(
      proxy.socketPath,
      `GET http://a.test:${web.port}/ HTTP/1.1\r\nHost: secret.test\r\nConnection: close, X-Mine\r\nX-Mine: 1\r\nX-Other: 2\r\n` +
        'Proxy-Authorization: nonsense\r\nProxy-Connection: keep-alive\r\nUpgrade: websocket\r\nTE: trailers\r\nKeep-Alive: 5\r\n\r\n',
    );
    expect(web.requests[0]?.headers).toEqual({ host: `a.test:${web.port}`, 'x-other': '2', connection: 'close' });
  });

  test('Connection cannot take a body’s length away', async () => {
    const web = await startWeb();
    const proxy = await startProxy();
    const body = 'GET /2 HTTP/1.1\r\nHost: b.test\r\n\r\n';
    await talk(
      proxy.socketPath,
      `GET http://a.test:${web.port}/1 HTTP/1.1\r\nHost: a.test\r\nConnection: close, content-length\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    expect(web.requests).toMatchObject([{ url: '/1', body }]);
  });

  test.each(['GET', 'HEAD', 'DELETE', 'OPTIONS'])(
    'a chunked body of a %s, which would go out unframed, is refused',
    async (method) => {
      const web = await startWeb();
      const proxy = await startProxy();
      const smuggled = 'GET /2 HTTP/1.1\r\nHost: b.test\r\n\r\n';
      const answer = await talk(
        proxy.socketPath,
        `${method} http://a.test:${web.port}/1 HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`,
      );
      expect(answer).toMatch(/^HTTP\/1\.1 411 /);
      expect(web.requests).toEqual([]);
    },
  );

  test.each([
    [
      'both lengths',
      'Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET http://b.test/ HTTP/1.1\r\nHost: b.test\r\n\r\n',
    ],
    ['two lengths', 'Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde'],
    ['a list of lengths', 'Content-Length: 4, 5\r\n\r\nabcde'],
    ['a signed length', 'Content-Length: +4\r\n\r\nabcd'],
    ['another encoding after chunked', 'Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n'],
    ['an unknown encoding', 'Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n'],
    ['a space before the colon', 'Content-Length : 4\r\n\r\nabcd'],
    ['a folded header', 'Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n'],
    ['bare line feeds', 'Content-Length: 4\n\nabcd'],
  ])('a request with %s is refused', async (_what, rest) => {
    const web = await startWeb();
    const proxy = await startProxy({ allow: [`a.test:${web.port}`] });
    const answer = await talk(proxy.socketPath, `POST http://a.test:${web.port}/ HTTP/1.1\r\nHost: a.test\r\n${rest}`);
    // Or hung up on, where the fault is seen after the headers.
    expect(answer).toMatch(/^(HTTP\/1\.1 400 |$)/);
    expect(answer.match(/HTTP\/1\.1/g)?.length ?? 0).toBeLessThan(2);
    expect(web.requests).toEqual([]);
  });

  test('a malformed chunk breaks both connections', async () => {
    const web = await startWeb();
    const proxy = await startProxy();
    await talk(
      proxy.socketPath,
      `POST http://a.test:${web.port}/ HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nZZ\r\n`,
    );
    await proxy.close();
    expect(web.requests).toEqual([]);
  });

  test('an upgrade over plain http is not passed on: the request is answered as an ordinary one, and no other after it', async () => {
    const web = await startWeb();
    const proxy = await startProxy();
    const answer = await talk(
      proxy.socketPath,
      `GET http://a.test:${web.port}/ HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n${get('http://no.example/', 'Host: a.test')}`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 200 [^]*hello/);
    expect(web.requests.map(({ headers }) => headers.upgrade)).toEqual([undefined]);
  });
});

describe('what goes wrong on the way', () => {
  test('a host that refuses connections is told from a host that is not allowed', async () => {
    const server = net.createServer();
    const port = await listen(server);
    server.close();
    const proxy = await startProxy();
    expect(await talk(proxy.socketPath, connect(`a.test:${port}`))).toMatch(
      /^HTTP\/1\.1 502 cc-docker: a\.test:\d+ is allowed, but it cannot be reached: the connection failed: ECONNREFUSED/,
    );
    expect(await talk(proxy.socketPath, get(`http://a.test:${port}/`, 'Host: a.test'))).toMatch(/^HTTP\/1\.1 502 /);
    expect(proxy.decisions.map(({ verdict, phase }) => `${verdict} ${phase}`)).toEqual([
      'allowed opened',
      'allowed closed',
      'allowed opened',
      'allowed closed',
    ]);
  });

  test('a name that does not resolve says so', async () => {
    const proxy = await startProxy();
    expect(await talk(proxy.socketPath, connect('nowhere.example:443'))).toMatch(/^HTTP\/1\.1 502 [^]*ENOTFOUND/);
  });

  test('a resolver that never answers is given up', async () => {
    const proxy = await startProxy({ limits: { connectMs: 50 }, lookup: () => new Promise(() => {}) });
    expect(await talk(proxy.socketPath, connect('slow.example:443'))).toMatch(
      /^HTTP\/1\.1 502 [^]*not resolved in time/,
    );
  });

  test.each([
    ['hangs up before it has answered', '', 'ECONNRESET'],
    ['answers what no HTTP is', 'SSH-2.0-OpenSSH_9.2\r\n', 'HPE_INVALID_CONSTANT'],
    ['answers with a status that there is not', 'HTTP/1.1 099 No\r\nContent-Length: 0\r\n\r\n', 'the status 99'],
    ['answers as only a proxy may', 'HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n', 'the status 407'],
    [
      'writes a malformed status line',
      'HTTP/1.1 200 O\x01K\r\nContent-Length: 0\r\n\r\n',
      'its status line is malformed',
    ],
    [
      'switches protocols unasked',
      'HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
      'the connection ended',
    ],
  ])('a server that %s is told from one that cannot be reached', async (_what, answer, why) => {
    const port = await listen(net.createServer((socket) => socket.once('data', () => socket.end(answer))));
    const proxy = await startProxy();
    const said = await talk(proxy.socketPath, get(`http://a.test:${port}/`, 'Host: a.test'));
    expect(said).toMatch(/^HTTP\/1\.1 502 cc-docker: a\.test:\d+ is allowed, but it gave no answer: /);
    expect(said).toContain(why);
    await proxy.changes.until(() => proxy.decisions.find(({ phase }) => phase === 'closed'));
  });

  test('headers of an answer that are no valid ones, or only the server’s, are left out', async () => {
    const headers =
      'Content-Length: 2\r\nX-Good: yes\r\nX-Bad: a\x01b\r\nKeep-Alive: timeout=9\r\nProxy-Connection: x\r\n';
    const port = await listen(
      net.createServer((socket) => socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\n${headers}\r\nok`))),
    );
    const proxy = await startProxy();
    const said = await talk(proxy.socketPath, get(`http://a.test:${port}/`, 'Host: a.test'));
    expect(said).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*X-Good: yes\r\n[^]*\r\n\r\nok$/);
    expect(said).not.toMatch(/X-Bad|timeout=9|Proxy-Connection/);
  });

  test('a server that breaks off its answer breaks the client’s, so that it is not taken for a whole one', async () => {
    const port = await listen(
      net.createServer((socket: Socket) => {
        socket.once('data', () => {
          socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf', () => socket.resetAndDestroy());
        });
      }),
    );
    const proxy = await startProxy();
    const pipe = await startPipe(proxy.socketPath);
    await expect(curl(pipe, `http://a.test:${port}/`)).rejects.toThrow(/curl: \((18|56)\)/);
  });

  test('a tunnel that is cut on the way resets the server’s connection, so that half an upload is not taken for a whole one', async () => {
    const broken = Promise.withResolvers<string>();
    const port = await listen(
      net.createServer((socket) => {
        socket.on('error', (error) => broken.resolve('code' in error ? String(error.code) : ''));
        socket.on('end', () => broken.resolve('a clean end'));
        socket.resume();
        socket.write('ready');
      }),
    );
    const proxy = await startProxy();
    const socket = await openTunnel(proxy.socketPath, `a.test:${port}`);
    socket.write('half');
    await once(socket.resume(), 'data');
    await proxy.close();
    expect(await broken.promise).toBe('ECONNRESET');
  });

  test('a tunnel without a byte for too long is ended', async () => {
    const port = await startEcho();
    const proxy = await startProxy({ limits: { idleMs: 50 } });
    const socket = await openTunnel(proxy.socketPath, `a.test:${port}`);
    // It may have ended already.
    await finished(socket.resume(), { writable: false });
    await proxy.changes.until(() => proxy.decisions.find(({ phase }) => phase === 'closed'));
  });

  test('more connections than the limit get a sentence, and there is room again when one ends', async () => {
    const port = await startEcho();
    const proxy = await startProxy({ limits: { exchanges: 2 } });
    const [first] = await Promise.all([1, 2].map(() => openTunnel(proxy.socketPath, `a.test:${port}`)));
    expect(await talk(proxy.socketPath, connect(`a.test:${port}`))).toMatch(
      /^HTTP\/1\.1 503 cc-docker: this session has 2 connections/,
    );
    first?.destroy();
    await proxy.changes.until(() => proxy.decisions.find(({ phase }) => phase === 'closed'));
    (await openTunnel(proxy.socketPath, `a.test:${port}`)).destroy();
  });

  test('requests piled up on one connection count as many', async () => {
    const web = await startWeb();
    const proxy = await startProxy({ limits: { exchanges: 3 } });
    const one = `GET http://a.test:${web.port}/ HTTP/1.1\r\nHost: a.test\r\n\r\n`;
    const answers = await talk(proxy.socketPath, one.repeat(5) + get(`http://a.test:${web.port}/`, 'Host: a.test'));
    expect(answers).toMatch(/HTTP\/1\.1 503 /);
    expect(web.requests).toHaveLength(3);
  });

  test('a client that reads slowly holds the server back instead of filling the runner', async () => {
    const total = 64 * 1024 * 1024;
    const chunk = Buffer.alloc(65_536);
    let sent = 0;
    const port = await listen(
      net.createServer((socket) => {
        const fill = (): void => {
          while (sent < total) {
            sent += chunk.length;
            if (!socket.write(chunk)) return void socket.once('drain', fill);
          }
          socket.end();
        };
        fill();
      }),
    );
    const proxy = await startProxy();
    const socket = await openTunnel(proxy.socketPath, `a.test:${port}`);
    let received = 0;
    let ahead = 0;
    for await (const part of socket as AsyncIterable<Buffer>) {
      received += part.length;
      ahead = Math.max(ahead, sent - received);
      await turn();
    }
    socket.end();
    expect(received).toBe(total);
    expect(ahead).toBeLessThan(24 * 1024 * 1024);
  });

  test('closing breaks what is open, and every decision has been told by then', async () => {
    const port = await startEcho();
    const proxy = await startProxy();
    const tunnels = await Promise.all([1, 2, 3].map(() => openTunnel(proxy.socketPath, `a.test:${port}`)));
    const broken = tunnels.map((socket) => once(socket.resume(), 'end'));
    await proxy.close();
    await Promise.all(broken);
    const phases = proxy.decisions.filter(({ verdict }) => verdict === 'allowed').map(({ phase }) => phase);
    expect(phases.filter((phase) => phase === 'closed')).toHaveLength(3);
  });
});

describe('hosts of a secret', () => {
  test('the interceptor is handed the raw bytes after the 200, and the address to dial', async () => {
    const port = await startEcho();
    const proxy = await startProxy({
      interceptor: {
        intercepts: (host) => host === 'api.test',
        serve: (socket, target) =>
          void text(socket).then((said) => socket.end(`${said} for ${target.host} at ${target.address}`)),
      },
    });
    const socket = await openTunnel(proxy.socketPath, `API.test.:${port}`, 'hel');
    const all = text(socket);
    socket.end('lo');
    expect(await all).toBe('hello for api.test at 127.0.0.1');
    const closed = await proxy.changes.until(() => proxy.decisions.find(({ phase }) => phase === 'closed'));
    expect(closed).toMatchObject({ bytesSent: 5, bytesReceived: 31 });
  });

  test('a plain request’s headers are the interceptor’s to complete', async () => {
    const web = await startWeb();
    const proxy = await startProxy({
      interceptor: { intercepts: () => false, serve: () => {}, rewrite: (headers) => [...headers, 'X-Added', 'yes'] },
    });
    await talk(proxy.socketPath, get(`http://a.test:${web.port}/`, 'Host: other.test'));
    expect(web.requests[0]?.headers).toMatchObject({ 'x-added': 'yes', host: `a.test:${web.port}` });
  });
});
