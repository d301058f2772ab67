import { expect, test } from 'vitest';
import { proxyFor, upstreamProxies } from '../../../../../runner/lib/upstream-proxy/proxies.ts';

function proxiesOf(env: Record<string, string>) {
  const parsed = upstreamProxies(env);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.proxies;
}

test('each scheme has its proxy; lower-case names come first; an empty one is none', () => {
  const proxies = proxiesOf({ HTTP_PROXY: 'http://a:1', http_proxy: 'b:2', HTTPS_PROXY: '' });
  expect(proxies).toEqual({ direct: [], http: { host: 'b', port: 2, name: 'http_proxy (b:2)' } });
});

test('credentials are decoded for the proxy, and are in no name', () => {
  const { https } = proxiesOf({ HTTPS_PROXY: 'http://me:p%40ss%2F@proxy.corp:3128' });
  expect(https?.authorization).toBe(`Basic ${Buffer.from('me:p@ss/').toString('base64')}`);
  expect(https?.name).toBe('HTTPS_PROXY (proxy.corp:3128)');
});

test.each([
  'socks5://me:secret@proxy.corp:1080',
  'https://me:secret@proxy.corp',
  'http://me:secret@/',
  'http://a:%ff@b:1',
])('%s is refused by the variable’s name, without its password', (value) => {
  const parsed = upstreamProxies({ https_proxy: value });
  expect(parsed).toMatchObject({ ok: false, problem: expect.stringMatching(/^https_proxy must be the http:\/\/ URL/) });
  expect(JSON.stringify(parsed)).not.toContain('secret');
});

const NO_PROXY =
  'Intranet.corp, .dotted.test *.starred.test,10.0.0.0/8,192.168.1.7 [fd00::1]:443,fd12::/16,only.test:8443,::ffff:172.16.0.1';

test.each<[string, number, boolean]>([
  ['intranet.corp', 443, true],
  ['deep.intranet.corp', 443, true],
  ['notintranet.corp', 443, false],
  ['intranet.corp.', 443, true],
  ['a.dotted.test', 443, true],
  ['dotted.test', 443, true],
  ['a.starred.test', 443, true],
  ['10.200.3.4', 443, true],
  ['11.0.0.1', 443, false],
  ['192.168.1.7', 80, true],
  ['192.168.1.70', 80, false],
  ['fd00::1', 443, true],
  ['[fd00::1]', 443, true],
  ['fd00::1', 80, false],
  ['fd12:9::1', 1, true],
  ['only.test', 8443, true],
  ['only.test', 443, false],
  ['172.16.0.1', 1, true],
  ['127.9.9.9', 1, true],
  ['app.localhost', 1, true],
  ['::1', 1, true],
  ['model.example', 443, false],
])('%s:%i is direct: %s', (host, port, direct) => {
  const proxies = proxiesOf({ HTTPS_PROXY: 'http://proxy.corp:3128', NO_PROXY });
  expect(proxyFor(proxies, { scheme: 'https', host, port }) === undefined).toBe(direct);
});

test('NO_PROXY=* is everything, and http has no proxy where only https has one', () => {
  const all = proxiesOf({ HTTPS_PROXY: 'http://proxy.corp:3128', no_proxy: '*' });
  expect(proxyFor(all, { scheme: 'https', host: 'a.test', port: 443 })).toBeUndefined();
  const https = proxiesOf({ HTTPS_PROXY: 'http://proxy.corp:3128' });
  expect(proxyFor(https, { scheme: 'http', host: 'a.test', port: 80 })).toBeUndefined();
});
