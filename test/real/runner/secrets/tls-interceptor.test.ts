import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import { describe, expect, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { scratch } from '../../../support/scratch.ts';
import { run } from '../../../support/secrets/run.ts';
import { makeAuthority, startSession, startTlsServer } from '../../../support/secrets/servers.ts';

const CANARY = 'canary-5f1d0a7e9b3c';

const echo = (request: http.IncomingMessage, response: http.ServerResponse): void => {
  request.resume();
  response.end('hello');
};

/** A TLS connection through the proxy, with any server name. */
async function tlsThrough(proxy: string, host: string, port: number, options: tls.ConnectionOptions) {
  const { hostname, port: proxyPort } = new URL(proxy);
  const connect = http.request({ host: hostname, port: proxyPort, method: 'CONNECT', path: `${host}:${port}` });
  connect.end();
  const [, raw]: [http.IncomingMessage, net.Socket] = await once(connect, 'connect').then(([a, b]) => [a, b]);
  const socket = tls.connect({ socket: raw, ...options });
  await once(socket, 'secureConnect');
  return socket;
}

async function ask(socket: tls.TLSSocket, text: string): Promise<string> {
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
  socket.write(text);
  await once(socket, 'close');
  return answer;
}

const upgrade = (url: string): string =>
  `GET ${url} HTTP/1.1\r\nHost: api.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
  'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';

describe('a request to the host of a secret', () => {
  test('carries the real credential instead of the container’s, and the container never holds it', async () => {
    const session = await startSession({ api: { value: CANARY, hosts: ['api.test:*'], as: 'bearer' } });
    const server = await startTlsServer(session.servers, 'api.test', echo);
    const result = await run(
      'curl',
      [
        '-sv',
        '-H',
        'Authorization: Bearer dummy',
        '-H',
        'Connection: authorization',
        `https://api.test:${server.port}/v1?x=1`,
      ],
      session,
    );
    expect(result.stdout).toBe('hello');
    expect(server.seen[0]?.headers.authorization).toBe(`Bearer ${CANARY}`);
    expect(server.seen[0]?.rawHeaders.filter((text) => /^authorization$/i.test(text))).toHaveLength(1);
    expect(server.seen[0]).toMatchObject({ url: '/v1?x=1', headers: { host: `api.test:${server.port}` } });
    expect(result.stderr + JSON.stringify(session.env) + session.log.join('')).not.toContain(CANARY);
  });

  test.each([
    ['a header', { header: 'X-Api-Key' }, 'x-api-key', CANARY],
    ['Basic', { basic: { username: 'me' } }, 'authorization', `Basic ${btoa(`me:${CANARY}`)}`],
    ['git', 'git', 'authorization', `Basic ${btoa(`x-access-token:${CANARY}`)}`],
  ])('carries it as %s', async (_name, as, header, value) => {
    const session = await startSession({ api: { value: CANARY, hosts: ['*.api.test:*'], as } });
    const server = await startTlsServer(session.servers, 'eu.api.test', echo);
    const forged = ['-H', 'X_Api_Key: forged', '-H', 'x-api-key: forged', '-u', 'forged:forged'];
    const { stdout } = await run('curl', ['-s', ...forged, `https://eu.api.test:${server.port}/`], session);
    expect(stdout).toBe('hello');
    expect(server.seen[0]?.headers[header]).toBe(value);
    if (header === 'x-api-key') expect(JSON.stringify(server.seen[0]?.rawHeaders)).not.toContain('X_Api_Key');
  });

  test.each([
    ['github', '/o/r.git/info/refs?service=git-receive-pack', `Basic ${btoa(`x-access-token:${CANARY}`)}`],
    ['github', '/api/v3/user', `Bearer ${CANARY}`],
    ['gitlab', '/g/r.git/info/lfs/objects/batch', `Basic ${btoa(`oauth2:${CANARY}`)}`],
    ['gitlab', '/api/v4/projects', `Bearer ${CANARY}`],
    ['gitea', '/o/r.git/git-upload-pack', `Basic ${btoa(`x-access-token:${CANARY}`)}`],
    ['gitea', '/api/v1/repos/o/r/pulls', `token ${CANARY}`],
  ])('carries a token of %s as the forge takes it: %s', async (as, path, value) => {
    const session = await startSession({ forge: { value: CANARY, hosts: ['git.test:*'], as } });
    const server = await startTlsServer(session.servers, 'git.test', (request, response) => {
      response.end(`you sent ${request.headers.authorization}`);
    });
    // As gh, glab and tea send their dummies.
    const dummies = ['-H', 'Authorization: token dummy', ...(as === 'gitlab' ? ['-H', 'PRIVATE-TOKEN: dummy'] : [])];
    const { stdout } = await run('curl', ['-s', ...dummies, `https://git.test:${server.port}${path}`], session);
    expect(server.seen[0]?.headers.authorization).toBe(value);
    expect(server.seen[0]?.headers).not.toHaveProperty('private-token');
    // In either form, what comes back is masked.
    expect(stdout).toMatch(/^you sent \w+ \*+$/);
  });

  test('carries a token of GitHub to its API’s own host as the API takes it', async () => {
    const session = await startSession({ forge: { value: CANARY, hosts: ['api.git.test:*'], as: 'github' } });
    const server = await startTlsServer(session.servers, 'api.git.test', echo);
    await run('curl', ['-s', `https://api.git.test:${server.port}/graphql`], session);
    expect(server.seen[0]?.headers.authorization).toBe(`Bearer ${CANARY}`);
  });

  test('carries two secrets in two headers, and of two for one header the first that the session lists', async () => {
    const hosts = ['api.test:*'];
    const session = await startSession(
      {
        second: { value: 'second-value', hosts, as: 'bearer' },
        first: { value: 'first-value', hosts, as: 'bearer' },
        key: { value: 'key-value', hosts, as: { header: 'X-Key' } },
      },
      ['FIRST', 'second', 'key'],
    );
    const server = await startTlsServer(session.servers, 'api.test', echo);
    await run('curl', ['-s', `https://api.test:${server.port}/`], session);
    expect(server.seen[0]?.headers).toMatchObject({ authorization: 'Bearer first-value', 'x-key': 'key-value' });
  });

  test('names that host, whatever its Host header says', async () => {
    const session = await startSession({ api: { value: CANARY, hosts: ['api.test:*'], as: 'bearer' } });
    const server = await startTlsServer(session.servers, 'api.test', echo);
    await run('curl', ['-s', '-H', 'Host: evil.test', `https://api.test:${server.port}/`], session);
    expect(server.seen[0]?.headers.host).toBe(`api.test:${server.port}`);
  });

  test('to an address works too, without a server name', async () => {
    const session = await startSession({ api: { value: CANARY, hosts: ['127.0.0.1:*'], as: 'bearer' } });
    const server = await startTlsServer(session.servers, '127.0.0.1', echo);
    const { stdout, stderr } = await run('curl', ['-sS', `https://127.0.0.1:${server.port}/`], session);
    expect({ stdout, stderr }).toEqual({ stdout: 'hello', stderr: '' });
    expect(server.seen[0]?.headers.authorization).toBe(`Bearer ${CANARY}`);
  });

  test('is told of a redirect and follows it without the secret', async () => {
    const session = await startSession({ api: { value: CANARY, hosts: ['api.test:*'], as: 'bearer' } });
    const other = await startTlsServer(session.servers, 'other.test', echo);
    const server = await startTlsServer(session.servers, 'api.test', (_request, response) =>
      response.writeHead(302, { location: `https://other.test:${other.port}/there` }).end(),
    );
    const { stdout } = await run('curl', ['-sL', `https://api.test:${server.port}/`], session);
    expect(stdout).toBe('hello');
    expect(other.seen[0]?.url).toBe('/there');
    expect(other.seen[0]?.headers.authorization).toBeUndefined();
  });

  test('uses one connection for many requests, and uploads with and without a length', async () => {
    const session = await startSession({ api: { value: CANARY, hosts: ['api.test:*'], as: 'bearer' } });
    const bodies: number[] = [];
    const sockets = new Set<unknown>();
    const server = await startTlsServer(session.servers, 'api.test', (request, response) => {
      sockets.add(request.socket);
      let bytes = 0;
      request.on('data', (chunk: Buffer) => (bytes += chunk.length));
      request.on('end', () => {
        bodies.push(bytes);
        response.end();
      });
    });
    const url = `https://api.test:${server.port}/`;
    const file = session.bundle;
    const chunked = ['-H', 'Transfer-Encoding: chunked', '-T', file, url];
    const expecting = ['-H', 'Expect: 100-continue', '-T', file, url];
    const { code } = await run(
      'curl',
      [
        '-sS',
        '-X',
        'POST',
        url,
        '--next',
        '-sS',
        ...chunked,
        '--next',
        '-sS',
        ...expecting,
        '--next',
        '-sS',
        '-X',
        'GET',
        ...chunked,
      ],
      session,
    );
    expect(code).toBe(0);
    expect(bodies[0]).toBe(0);
    expect(bodies[1]).toBeGreaterThan(500);
    expect(bodies).toEqual([0, bodies[1], bodies[1], bodies[1]]);
    expect(sockets.size).toBe(1);
    expect(server.seen[0]?.headers['transfer-encoding']).toBeUndefined();
  });

  test('can become a WebSocket', async () => {
    const session = await startSession({ api: { value: CANARY, hosts: ['api.test:*'], as: 'bearer' } });
    const server = await startTlsServer(session.servers, 'api.test', echo);
    const webSockets = new WebSocketServer({ noServer: true });
    let authorization: string | undefined;
    server.application.on('upgrade', (request: http.IncomingMessage, socket: net.Socket, head: Buffer) => {
      ({ authorization } = request.headers);
      if (request.url !== '/socket') socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno');
      else webSockets.handleUpgrade(request, socket, head, (one) => one.on('message', (data) => one.send(data)));
    });
    const open = () =>
      tlsThrough(session.proxy, 'api.test', server.port, { servername: 'api.test', ca: session.own.certificate });

    const socket = await open();
    socket.write(upgrade('/socket'));
    const [head]: Buffer[] = await once(socket, 'data');
    expect(head?.toString()).toContain('101 Switching Protocols');
    expect(authorization).toBe(`Bearer ${CANARY}`);
    // A masked binary frame "hi", with a mask of zeros; it comes back unmasked.
    socket.write(Buffer.from([0x82, 0x82, 0, 0, 0, 0, 0x68, 0x69]));
    const [frame]: Buffer[] = await once(socket, 'data');
    expect(frame).toEqual(Buffer.from([0x82, 0x02, 0x68, 0x69]));
    socket.destroy();

    expect(await ask(await open(), upgrade('/other'))).toMatch(/^HTTP\/1.1 403 Forbidden\r\n[^]*\r\n\r\nno$/);
  });
});

describe('no secret goes', () => {
  test('to a host that it is not good for, whose TLS is not touched', async () => {
    const session = await startSession({ api: { value: CANARY, hosts: ['api.test:*'], as: 'bearer' } });
    const server = await startTlsServer(session.servers, 'other.test', echo);
    const trusted = path.join(scratch(), 'servers.pem');
    writeFileSync(trusted, session.servers.certificate);
    const { stdout } = await run(
      'curl',
      ['-s', '-H', 'Authorization: Bearer own', `https://other.test:${server.port}/`],
      // Trusts the server’s authority, and the runner’s not at all.
      { env: { ...session.env, CURL_CA_BUNDLE: trusted } },
    );
    expect(stdout).toBe('hello');
    expect(server.seen[0]?.headers.authorization).toBe('Bearer own');
  });

  test('to another port, to a parent of subdomains, or to a name that ends like it', async () => {
    const { interceptor } = await startSession({
      one: { value: CANARY, hosts: ['api.test', '*.example.test:8443'], as: 'bearer' },
    });
    const asked = (text: string): boolean => {
      const [host = '', port] = text.split(':');
      return interceptor.intercepts(host, Number(port));
    };
    const yes = ['api.test:443', 'a.example.test:8443', 'a.b.example.test:8443'];
    const no = [
      'api.test:80',
      'api.test:8443',
      'x.api.test:443',
      'example.test:8443',
      'notexample.test:8443',
      'a.example.test:443',
    ];
    expect(yes.filter(asked)).toEqual(yes);
    expect(no.filter(asked)).toEqual([]);
  });

  test('where the handshake names another server than CONNECT, or none', async () => {
    const session = await startSession({ api: { value: CANARY, hosts: ['api.test:*'], as: 'bearer' } });
    const server = await startTlsServer(session.servers, 'api.test', echo);
    for (const servername of ['evil.test', '']) {
      const socket = await tlsThrough(session.proxy, 'api.test', server.port, {
        servername,
        rejectUnauthorized: false,
      });
      const answer = await ask(socket, 'GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n');
      expect(answer).toMatch(/^HTTP\/1.1 421 /);
      expect(answer).toContain('cc-docker: this connection was opened to api.test, but its TLS handshake names');
    }
    const name = { servername: 'API.test', ca: session.own.certificate, ALPNProtocols: ['h2', 'http/1.1'] };
    const right = await tlsThrough(session.proxy, 'api.test', server.port, name);
    expect(right.alpnProtocol).toBe('http/1.1');
    right.destroy();
    expect(server.seen).toEqual([]);
  });

  test('with TRACE, an absolute URL, a nested CONNECT, HTTP/2 or a smuggled second request', async () => {
    const session = await startSession({ api: { value: CANARY, hosts: ['api.test:*'], as: 'bearer' } });
    const server = await startTlsServer(session.servers, 'api.test', echo);
    const host = `Host: api.test\r\n`;
    for (const request of [
      `TRACE / HTTP/1.1\r\n${host}\r\n`,
      `GET https://evil.test/ HTTP/1.1\r\n${host}\r\n`,
      `CONNECT evil.test:443 HTTP/1.1\r\n${host}\r\n`,
      `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`,
      `POST / HTTP/1.1\r\n${host}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n`,
      `POST / HTTP/1.1\r\n${host}Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde`,
      `POST / HTTP/1.1\r\n${host}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
      `GET / HTTP/1.1\r\n${host}X: a\rAuthorization: b\r\n\r\n`,
      `GET / HTTP/1.1\r\n${host}X : a\r\n\r\n`,
    ]) {
      const options = { servername: 'api.test', ca: session.own.certificate };
      const answer = await ask(await tlsThrough(session.proxy, 'api.test', server.port, options), request);
      expect(answer, request).toMatch(/^(HTTP\/1.1 4\d\d |$)/);
    }
    expect(server.seen).toEqual([]);
  });

  test('over plain HTTP, but where its operator says so', async () => {
    const { interceptor } = await startSession({
      tls: { value: 'over-tls-only', hosts: ['api.test'], as: { header: 'X-Tls' } },
      plain: { value: 'plain-as-well', hosts: ['api.test'], as: 'bearer', http: true },
    });
    const target = { host: 'api.test', address: '192.0.2.1', addresses: ['192.0.2.1'] };
    const headers = ['Host', 'api.test', 'X-Tls', 'own', 'authorization', 'own'];
    expect(interceptor.rewrite?.(headers, { ...target, port: 80 })).toEqual([
      'Host',
      'api.test',
      'X-Tls',
      'own',
      'Authorization',
      'Bearer plain-as-well',
    ]);
    expect(interceptor.rewrite?.(headers, { ...target, port: 8080 })).toEqual(headers);
  });

  test.each([
    ['has a certificate for another name', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['is vouched for by nobody', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ])('to a server that %s: a 502 says so', async (what, code) => {
    const session = await startSession({ api: { value: CANARY, hosts: ['api.test:*'], as: 'bearer' } });
    const authority = what.startsWith('has') ? session.servers : await makeAuthority();
    const server = await startTlsServer(authority, what.startsWith('has') ? 'evil.test' : 'api.test', echo);
    const { stdout } = await run('curl', ['-s', '-w', '%{http_code}', `https://api.test:${server.port}/`], session);
    expect(stdout).toBe(
      `cc-docker: the certificate of api.test:${server.port} is not valid for it (${code}), so no secret was sent there. ` +
        "If this server has an authority of its own, the runner's operator names it in CC_EGRESS_CA.\n502",
    );
    expect(server.seen).toEqual([]);
    expect(session.log.join('')).not.toContain(CANARY);
  });

  test('to a server that cannot be reached: a 502 says so, and the body that was on its way is let in', async () => {
    const session = await startSession({ api: { value: CANARY, hosts: ['api.test:*'], as: 'bearer' } });
    const gone = net.createServer().listen(0, '127.0.0.1');
    await once(gone, 'listening');
    const address = gone.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    gone.close();
    await once(gone, 'close');
    const { stdout } = await run('curl', ['-s', '-T', session.bundle, `https://api.test:${port}/`], session);
    expect(stdout).toBe(`cc-docker: api.test:${port} did not answer (the connection failed: ECONNREFUSED).\n`);
  });
});

describe('an answer', () => {
  test('that shows the secret arrives with stars in its place, of the same length', async () => {
    const session = await startSession({ api: { value: CANARY, hosts: ['api.test:*'], as: 'git' } });
    const server = await startTlsServer(session.servers, 'api.test', (request, response) => {
      const sent = request.headers.authorization ?? '';
      response.writeHead(401, `who is ${CANARY}`, { 'x-debug': sent, location: `/?token=${CANARY}` });
      response.write(`${request.headers['accept-encoding']} ${sent} ${CANARY.slice(0, 5)}`);
      setImmediate(() => response.end(`${CANARY.slice(5)}!`));
    });
    const { stdout } = await run('curl', ['-si', '--compressed', `https://api.test:${server.port}/`], session);
    const pair = btoa(`x-access-token:${CANARY}`);
    const stars = '*'.repeat(CANARY.length);
    expect(stdout).not.toContain(CANARY);
    expect(stdout).not.toContain(pair);
    expect(stdout).toContain(`401 who is ${stars}\r\n`);
    expect(stdout).toContain(`location: /?token=${stars}\r\n`);
    expect(stdout).toContain(`\r\n\r\nidentity Basic ${'*'.repeat(pair.length)} ${stars}!`);
  });

  test('streams: its first bytes arrive before its last are sent', async () => {
    const session = await startSession({ api: { value: CANARY, hosts: ['api.test:*'], as: 'bearer' } });
    let finish: (() => void) | undefined;
    const server = await startTlsServer(session.servers, 'api.test', (_request, response) => {
      response.write('data: 1\n\n');
      finish = () => response.end('data: 2\n\n');
    });
    const options = { servername: 'api.test', ca: session.own.certificate };
    const socket = await tlsThrough(session.proxy, 'api.test', server.port, options);
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    socket.write('GET / HTTP/1.1\r\nHost: api.test\r\nConnection: close\r\n\r\n');
    await expect.poll(() => answer).toContain('data: 1\n\n');
    finish?.();
    await once(socket, 'close');
    expect(answer).toContain('data: 2\n\n');
  });

  test('of 128 MB passes without being held, however slowly it is taken', async () => {
    const session = await startSession({ api: { value: CANARY, hosts: ['api.test:*'], as: 'bearer' } });
    const chunk = randomBytes(1 << 20);
    let written = 0;
    const server = await startTlsServer(session.servers, 'api.test', (_request, response) => {
      response.setHeader('content-length', 128 * chunk.length);
      const more = (): void => {
        while (written < 128) {
          written += 1;
          if (!response.write(chunk)) return void response.once('drain', more);
        }
        response.end();
      };
      more();
    });
    const options = { servername: 'api.test', ca: session.own.certificate };
    const socket = await tlsThrough(session.proxy, 'api.test', server.port, options);
    socket.write('GET / HTTP/1.1\r\nHost: api.test\r\nConnection: close\r\n\r\n');
    await once(socket, 'readable');
    // The server has come to where it cannot go on: what is between is full.
    let last = -1;
    await expect
      .poll(
        () => {
          const still = written === last;
          last = written;
          return still;
        },
        { interval: 300 },
      )
      .toBe(true);
    expect(written).toBeLessThan(40);
    let bytes = 0;
    socket.on('data', (data: Buffer) => (bytes += data.length));
    await once(socket, 'close');
    expect(bytes).toBeGreaterThan(128 * chunk.length);
  });

  test('that breaks off is broken off for the container as well', async () => {
    const session = await startSession({ api: { value: CANARY, hosts: ['api.test:*'], as: 'bearer' } });
    const server = await startTlsServer(session.servers, 'api.test', (request, response) => {
      response.writeHead(200, { 'content-length': 1000 }).write('half', () => request.socket.destroy());
    });
    const { code, stdout } = await run('curl', ['-s', `https://api.test:${server.port}/`], session);
    expect(stdout).toBe('half');
    expect(code).not.toBe(0);
  });
});
