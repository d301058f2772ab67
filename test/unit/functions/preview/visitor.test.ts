import { describe, expect, it } from 'vitest';
import { headersForPort, headersForVisitor } from '../../../../functions/preview/headers.ts';
import { othersCookies, ownCookie, visitorOf } from '../../../../functions/preview/visitor.ts';

const HOST = 'http://label.localhost:8000';
const visit = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  visitorOf(new Request(`${HOST}${path}`, { method, headers }));
const COOKIE = '__Host-cc-docker-preview=k';

/** Whether the cookie of a request with these headers counts. */
const by = (headers: Record<string, string>, method = 'GET') =>
  visit('/', { cookie: COOKIE, ...headers }, method).cookieKeys.length === 1;

describe('a visitor’s request', () => {
  it.each([
    ['/?cc_docker_key=k', '/', 'k'],
    ['/a?b=1&cc_docker_key=k&c=%20+x', '/a?b=1&c=%20+x', 'k'],
    ['/a?cc_docker_key=k&cc_docker_key=l&&b', '/a?&b', 'k'],
    ['/a?', '/a?', null],
    ['/a?b=cc_docker_key=k', '/a?b=cc_docker_key=k', null],
    ['//evil.test/x?cc_docker_key=', '//evil.test/x', ''],
  ])('of %s asks the port for %s', (path, target, urlKey) => {
    expect(visit(path)).toMatchObject({ target, urlKey });
  });

  it('opens a page when the browser says so, or who calls takes HTML', () => {
    expect(visit('/', { 'sec-fetch-mode': 'navigate' }).navigates).toBe(true);
    expect(visit('/', { accept: 'text/html,*/*' }).navigates).toBe(true);
    expect(visit('/', { accept: 'text/html', 'sec-fetch-mode': 'cors' }).navigates).toBe(false);
    expect(visit('/', { accept: '*/*' }).navigates).toBe(false);
    expect(visit('/', { 'sec-fetch-mode': 'navigate' }, 'POST').navigates).toBe(false);
  });

  it('has our cookie, by either name and whatever other hosts of the domain have set besides', () => {
    expect(visit('/', { cookie: `a=b; ${COOKIE}; cc-docker-preview=l` }).cookieKeys).toEqual(['k', 'l']);
    expect(visit('/', { cookie: 'x__Host-cc-docker-preview=k' }).cookieKeys).toEqual([]);
  });

  it('of a page of another origin does not count as its visitor’s, unless a link leads here', () => {
    const other = 'http://evil.localhost:8000';
    expect(by({ origin: HOST }, 'POST')).toBe(true);
    expect(by({ 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' })).toBe(true);
    expect(by({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' })).toBe(true);
    expect(by({ origin: other }, 'POST')).toBe(false);
    expect(by({ origin: 'null' }, 'POST')).toBe(false);
    expect(by({ origin: other, upgrade: 'websocket' })).toBe(false);
    expect(by({ origin: 'http://label.localhost:9000' }, 'POST')).toBe(false);
    expect(by({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' })).toBe(false);
    expect(by({ 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' })).toBe(false);
    expect(by({ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }, 'POST')).toBe(false);
  });
});

const seen = (headers: Record<string, string>) =>
  Object.fromEntries(headersForPort(new Headers(headers), 'label.localhost:8000', 'http:', 'x-client'));

describe('a port', () => {
  it('sees a visitor’s headers, and neither our cookie nor what a visitor says in a proxy’s name', () => {
    const kept = { accept: 'text/html', authorization: 'Bearer app', origin: HOST, range: 'bytes=0-1' };
    const sent = {
      ...kept,
      cookie: `a=b; ${COOKIE};c=d`,
      'x-forwarded-for': '1.2.3.4',
      'x-forwarded-host': 'evil.test',
      forwarded: 'for=1.2.3.4',
      'cf-connecting-ip': '1.2.3.4',
      'x-client': '1.2.3.4',
      'sec-websocket-extensions': 'permessage-deflate',
    };
    expect(seen(sent)).toEqual({
      ...kept,
      cookie: 'a=b; c=d',
      'x-forwarded-host': 'label.localhost:8000',
      'x-forwarded-proto': 'http',
    });
    expect(seen({ cookie: COOKIE })).not.toHaveProperty('cookie');
    expect(othersCookies(`${COOKIE}; cc-docker-preview`)).toBeNull();
  });

  it('sets cookies on its own host alone, and never ours', () => {
    const answer = new Headers({ 'content-type': 'text/html', 'clear-site-data': '"*"', 'alt-svc': 'h3=":443"' });
    for (const cookie of [
      'a=1; Path=/; Domain=localhost; HttpOnly',
      'b=2;domain=.localhost;Secure',
      'c=3; DOMAIN',
      'domain=4; Path=/',
      '__Host-cc-docker-preview=x; Path=/; Secure',
      ' cc-docker-preview =x',
      '__hOST-CC-docker-preview=x',
    ])
      answer.append('set-cookie', cookie);
    const shown = headersForVisitor(answer);
    expect(shown.getSetCookie()).toEqual(['a=1; Path=/; HttpOnly', 'b=2;Secure', 'c=3', 'domain=4; Path=/']);
    expect([...shown.keys()].filter((name) => name !== 'set-cookie')).toEqual(['content-type']);
  });
});

it('the cookie of a first visit is the host’s alone, and hidden from the page', () => {
  expect(ownCookie('k', true)).toBe('__Host-cc-docker-preview=k; Path=/; HttpOnly; Secure; SameSite=None; Partitioned');
  expect(ownCookie('k', false)).toBe('cc-docker-preview=k; Path=/; HttpOnly; SameSite=Lax');
});
