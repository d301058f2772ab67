import { createServer as createTcp } from 'node:net';
import { text } from 'node:stream/consumers';
import tls from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocketServer } from 'ws';
import { upstreamProxies, type UpstreamProxies } from '../../../../runner/lib/upstream-proxy/proxies.ts';
import { proxiedAgents } from '../../../../runner/lib/upstream-proxy/agents.ts';
import { dial, type DialEnd } from '../../../../runner/link/dial.ts';
import { createModelPool } from '../../../../runner/model/pool.ts';
import { S3Store } from '../../../../runner/storage/s3-store.ts';
import { errorOf, openTestGateway } from '../../../support/model/model-socket.ts';
import { startUpstream } from '../../../support/model/model-upstream.ts';
import { ObjectStorage } from '../../../support/object-storage/object-storage.ts';
import { listen, openTunnel, startProxy, startWeb, talk } from '../../../support/runner/egress-fixture.ts';
import { makeAuthority, startSession, startTlsServer } from '../../../support/secrets/servers.ts';
import { startUpstreamProxy } from '../../../support/net/upstream-proxy.ts';

function proxiesOf(url: string, noProxy = ''): UpstreamProxies {
  const parsed = upstreamProxies({ HTTPS_PROXY: url, HTTP_PROXY: url, NO_PROXY: noProxy });
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.proxies;
}

async function gatewayTo(baseUrl: string, proxies: UpstreamProxies) {
  const upstream = { kind: 'anthropic' as const, baseUrl, credential: undefined };
  const gateway = await openTestGateway({ upstream, pool: createModelPool({ proxies }) });
  onTestFinished(() => gateway.close());
  return gateway;
}

async function refusalBy(proxy: string): Promise<string> {
  return errorOf(await (await gatewayTo('https://model.test', proxiesOf(proxy))).post({})).message;
}

describe('the model, through a company’s proxy', () => {
  test('is reached by its name, over TLS of its own, and the connection is kept', async () => {
    const proxy = await startUpstreamProxy();
    const authority = await makeAuthority();
    tls.setDefaultCACertificates([...tls.getCACertificates('default'), authority.certificate]);
    const server = await startTlsServer(authority, 'model.test', (request, response) => {
      request.resume();
      response.end('{"ok":true}');
    });
    const gateway = await gatewayTo(`https://model.test:${server.port}`, proxiesOf(proxy.url));
    expect(await gateway.post({})).toMatchObject({ status: 200, text: '{"ok":true}' });
    expect(await gateway.post({})).toMatchObject({ status: 200 });
    expect(proxy.asked).toEqual([`model.test:${server.port}`]);
    expect(server.seen[0]?.headers['proxy-authorization']).toBeUndefined();
  });

  test('of plain http is reached too, and one that NO_PROXY names directly', async () => {
    const proxy = await startUpstreamProxy();
    const model = await startUpstream();
    onTestFinished(() => model.close());
    const named = model.url.replace('127.0.0.1', 'model.test');
    expect(await (await gatewayTo(named, proxiesOf(proxy.url))).post({})).toMatchObject({ status: 200 });
    expect(proxy.asked).toEqual([named.replace('http://', '')]);
    // Nobody but the proxy knows the name.
    const direct = await (await gatewayTo(named, proxiesOf(proxy.url, '.test'))).post({});
    expect(errorOf(direct).message).toMatch(/cannot be reached \((ENOTFOUND|EAI_AGAIN)\)/);
    expect(proxy.asked).toHaveLength(1);
  });

  test('is unreachable for reasons of the proxy: the sentence names it, and no password', async () => {
    const proxy = await startUpstreamProxy();
    expect(await refusalBy(`http://127.0.0.1:${proxy.port}`)).toBe(
      `cc-docker: the model at https://model.test cannot be reached: the proxy of HTTPS_PROXY (127.0.0.1:${proxy.port}) asks for a user and a password: write them into its URL, http://user:password@host:port.`,
    );
    const wrong = await refusalBy(`http://company:guessed@127.0.0.1:${proxy.port}`);
    expect(wrong).toContain('does not take the user and password in its URL');
    expect(wrong).not.toContain('guessed');
    expect(await refusalBy('http://u:hidden@127.0.0.1:9')).toMatch(
      /: the proxy of HTTPS_PROXY \(127\.0\.0\.1:9\) cannot be reached: ECONNREFUSED\.$/,
    );
  });
});

test('S3 is reached through the proxy, and directly where NO_PROXY says so', async () => {
  const proxy = await startUpstreamProxy();
  const service = await ObjectStorage.start();
  onTestFinished(() => service.stop());
  const here = service.environment['S3_ENDPOINT'] ?? '';
  const endpoint = here.replace('127.0.0.1', '203.0.113.9');
  const credentials = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };
  const settings = { kind: 's3' as const, endpoint, bucket: 'snapshots', region: 'us-east-1', prefix: '', credentials };
  const store = new S3Store({ ...settings, proxies: proxiesOf(proxy.url) });
  onTestFinished(() => store.close());
  await store.open();
  await store.put('a', Buffer.from('b'));
  expect(Buffer.from((await store.get('a')) ?? []).toString()).toBe('b');
  expect(new Set(proxy.asked)).toEqual(new Set([endpoint.replace('http://', '')]));

  const away = new S3Store({ ...settings, proxies: proxiesOf(`http://u:hidden@127.0.0.1:9`) });
  onTestFinished(() => away.close());
  const { detail } = await away.health();
  expect(detail).toContain('the proxy of HTTP_PROXY (127.0.0.1:9) cannot be reached: ECONNREFUSED');
  expect(detail).not.toContain('hidden');
});

/** What the edge says first, or how the connection ended. */
const greeting = async (url: string, proxies: UpstreamProxies) =>
  await new Promise<string>((resolve) => {
    const end = (how: DialEnd) => resolve('detail' in how ? how.detail : how.reason);
    const socket = dial(url, 'token', { open: () => {}, message: resolve, end }, proxiedAgents(proxies));
    onTestFinished(() => socket.terminate());
  });

describe('the edge, through a company’s proxy', () => {
  test('is reached by its name over TLS of its own, which the proxy sees nothing of', async () => {
    const proxy = await startUpstreamProxy();
    const authority = await makeAuthority();
    tls.setDefaultCACertificates([...tls.getCACertificates('default'), authority.certificate]);
    const server = await startTlsServer(authority, 'edge.test', (_, response) => response.end());
    const sockets = new WebSocketServer({ server: server.application });
    sockets.on('connection', (socket, request) => socket.send(`hello, ${request.headers.authorization}`));
    const url = `https://edge.test:${server.port}/control`;
    expect(await greeting(url, proxiesOf(proxy.url))).toBe('hello, Bearer token');
    expect(proxy.asked).toEqual([`edge.test:${server.port}`]);
    // Nobody but the proxy knows the name.
    expect(await greeting(url, proxiesOf(proxy.url, 'edge.test'))).toMatch(/ENOTFOUND|EAI_AGAIN/);
    expect(proxy.asked).toHaveLength(1);
  });

  test('is away when the proxy is, and the sentence names the proxy', async () => {
    const { port, password } = await startUpstreamProxy();
    const said = await greeting('http://edge.test:8000/control', proxiesOf(`http://127.0.0.1:${port}`));
    expect(said).toContain(`the proxy of HTTP_PROXY (127.0.0.1:${port}) asks for a user and a password`);
    expect(said).not.toContain(password);
  });
});

describe('a container’s way out, through a company’s proxy', () => {
  const PUBLIC = '203.0.114.7';

  test('the proxy is told the address that was judged; a large download and a server that speaks first come whole', async () => {
    const company = await startUpstreamProxy();
    const big = 'x'.repeat(3_000_000);
    const web = await startWeb((_request, response) => response.end(big));
    const upstream = { proxies: proxiesOf(company.url), byName: false };
    const proxy = await startProxy({ upstream, private: [], names: { 'site.test': [PUBLIC] } });
    const answer = await talk(
      proxy.socketPath,
      `GET http://site.test:${web.port}/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
    );
    expect(answer.endsWith(big)).toBe(true);
    expect(web.requests[0]?.headers).toMatchObject({ host: `site.test:${web.port}` });
    expect(web.requests[0]?.headers['proxy-authorization']).toBeUndefined();
    const banner = await listen(createTcp((socket) => socket.end('the server speaks first')));
    const tunnel = await openTunnel(proxy.socketPath, `site.test:${banner}`);
    expect(await text(tunnel)).toBe('the server speaks first');
    expect(company.asked).toEqual([`${PUBLIC}:${web.port}`, `${PUBLIC}:${banner}`]);
  });

  test('a name that does not resolve here is refused, and the sentence says which setting leaves it to the proxy', async () => {
    const company = await startUpstreamProxy();
    const proxy = await startProxy({ upstream: { proxies: proxiesOf(company.url), byName: false }, private: [] });
    const answer = await talk(proxy.socketPath, 'CONNECT far.example:443 HTTP/1.1\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 502 .*EGRESS_PROXY_NAMES=true/);
    expect(company.asked).toEqual([]);
  });

  test('with that setting the proxy is told names; but what is not allowed, or is private, never gets there', async () => {
    const company = await startUpstreamProxy();
    const web = await startWeb();
    const proxy = await startProxy({
      upstream: { proxies: proxiesOf(company.url), byName: true },
      allow: [`*.example:*`, '10.0.0.1:*', '127.0.0.1:*'],
      private: [],
      names: { 'inside.example': ['10.1.2.3'], 'site.example': [PUBLIC] },
    });
    const ask = (host: string) =>
      talk(proxy.socketPath, `GET http://${host}:${web.port}/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    expect(await ask('far.example')).toContain('hello');
    expect(await ask('site.example')).toContain('hello');
    for (const host of ['inside.example', 'other.test', '10.0.0.1', '127.0.0.1', 'localhost']) {
      expect(await ask(host), host).toMatch(/^HTTP\/1\.1 403 /);
    }
    const there = ['far.example', 'site.example'];
    expect(company.asked).toEqual(there.map((host) => `http://${host}:${web.port}/`));
    expect(web.requests.map(({ headers }) => headers.host)).toEqual(there.map((host) => `${host}:${web.port}`));
    expect(web.requests[0]?.headers['proxy-authorization']).toBeUndefined();
    const banner = await listen(createTcp((socket) => socket.end('by tunnel')));
    expect(await text(await openTunnel(proxy.socketPath, `far.example:${banner}`))).toBe('by tunnel');
    expect(company.asked.at(-1)).toBe(`far.example:${banner}`);
  });

  test('a proxy that wants a password is named, for a request and for a tunnel, and asks nothing of the container', async () => {
    const company = await startUpstreamProxy();
    const open = `http://127.0.0.1:${company.port}`;
    const proxy = await startProxy({ upstream: { proxies: proxiesOf(open), byName: true } });
    for (const asked of ['GET http://far.example/ HTTP/1.1', 'CONNECT far.example:443 HTTP/1.1']) {
      const answer = await talk(proxy.socketPath, `${asked}\r\nHost: a\r\nConnection: close\r\n\r\n`);
      expect(answer).toMatch(/^HTTP\/1\.1 502 .*127\.0\.0\.1:\d+\) asks for a user and a password/);
      expect(answer).not.toMatch(/proxy-authenticate/i);
    }
    expect(company.asked).toEqual([]);
  });

  test('a secret is put in on the way, through the proxy, over TLS to the real server', async () => {
    const company = await startUpstreamProxy();
    const session = await startSession({ api: { value: 'canary-77', hosts: ['api.example:*'], as: 'bearer' } });
    const server = await startTlsServer(session.servers, 'api.example', (_request, response) => response.end('hello'));
    const { interceptor } = session;
    const proxy = await startProxy({ interceptor, upstream: { proxies: proxiesOf(company.url), byName: true } });
    const raw = await openTunnel(proxy.socketPath, `api.example:${server.port}`);
    const secure = tls.connect({ socket: raw, servername: 'api.example', ca: session.own.certificate });
    secure.write('GET / HTTP/1.1\r\nHost: api.example:' + server.port + '\r\nConnection: close\r\n\r\n');
    expect(await text(secure)).toContain('hello');
    expect(server.seen[0]?.headers.authorization).toBe('Bearer canary-77');
    expect(company.asked).toEqual([`api.example:${server.port}`]);
  });

  test('a host that NO_PROXY names is dialled directly, and a proxy that is away is named', async () => {
    const web = await startWeb();
    const upstream = { proxies: proxiesOf('http://u:hidden@127.0.0.1:9', '.direct.test'), byName: false };
    const proxy = await startProxy({ upstream, names: { 'far.test': [PUBLIC] } });
    const get = (host: string) =>
      talk(proxy.socketPath, `GET http://${host}:${web.port}/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    expect(await get('a.direct.test')).toContain('hello');
    const answer = await get('far.test');
    expect(answer).toContain('the proxy of HTTP_PROXY (127.0.0.1:9) cannot be reached: ECONNREFUSED');
    expect(answer).not.toContain('hidden');
  });
});
