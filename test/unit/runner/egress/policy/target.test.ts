import { isIPv4 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatTarget, parseAbsoluteForm, parseTarget } from '../../../../../runner/egress/policy/target.ts';
import { generatedRuns } from '../../../../support/run/generated-runs.ts';

describe('one spelling', () => {
  test.each([
    ['Example.TEST:443', 'example.test', 443],
    ['example.test.:443', 'example.test', 443],
    ['xn--bcher-kva.test:443', 'xn--bcher-kva.test', 443],
    ['_srv.example.test:5432', '_srv.example.test', 5432],
    ['93.184.216.34:80', '93.184.216.34', 80],
    ['[2606:2800:0220:0001::0034]:443', '2606:2800:220:1::34', 443],
    ['[::FFFF:1.2.3.4]:443', '::ffff:102:304', 443],
  ])('%s', (written, host, port) => {
    expect(parseTarget(written)).toMatchObject({ ok: true, target: { host, port } });
  });
});

describe('no spelling', () => {
  const hosts = [
    '',
    '.',
    '..',
    'a..test',
    '.a.test',
    'a.test..',
    '-a.test',
    'a-.test',
    `${'a'.repeat(64)}.test`,
    `${'a.'.repeat(127)}ab.test`,
    '127.1',
    '127.0.1',
    '127.0.0.1.',
    '127.0.0.1..',
    '0177.0.0.1',
    '127.0.0.01',
    '0x7f.0.0.1',
    '0x7f000001',
    '017700000001',
    '2130706433',
    '256.0.0.1',
    '1.2.3.4.5',
    'a.0x7f',
    'a.127',
    '[::1%lo]',
    '[::1%25lo]',
    '[v1.fe80]',
    '[127.0.0.1]',
    '[a.test]',
    '[]',
    '[::1',
    '::1]',
    '::1',
    '[::ffff:0177.0.0.1]',
    '[::ffff:127.1]',
    'a%2etest',
    '%31%32%37.0.0.1',
    'a.test%00',
    'a.test\0',
    'a.test\0.b.test',
    'a.test\r\n',
    'a.test\nb.test',
    'a.test\t',
    ' a.test',
    'a.test ',
    'user@a.test',
    'user:pass@a.test',
    'a.test\\b.test',
    'a.test#b.test',
    'a。test',
    'a．test',
    'a｡test',
    '１２７.0.0.1',
    '①②⑦.0.0.1',
    'bücher.test',
    'a\u00adb.test',
    'a\u200b.test',
    'ⓐ.test',
    'a,b.test',
    'a;b.test',
    "a'b.test",
    'a|b.test',
    '*',
    '*.test',
  ];
  test.each(hosts)('%j is refused', (host) => {
    expect(parseTarget(`${host}:443`)).toMatchObject({ ok: false });
    expect(parseAbsoluteForm(`http://${host}:80/`)).toMatchObject({ ok: false });
  });

  test.each([
    '',
    '/b.test:80',
    '?b.test:80',
    ':',
    ':0',
    ':00',
    ':0443',
    ':65536',
    ':99999',
    ':1e2',
    ':0x50',
    ':+80',
    ':-1',
    ':80:80',
    ': 80',
    ':80 ',
    ':８０',
    ':80/',
  ])('a.test%s has no port', (port) => {
    expect(parseTarget(`a.test${port}`)).toMatchObject({ ok: false });
  });

  test.each([
    '/',
    '*',
    'a.test',
    '//a.test/',
    'https://a.test/',
    'http:a.test',
    'http:/a.test',
    'http:///a.test',
    'http://a.test\\@b.test/',
    'http://a.test#@b.test/',
    'ftp://a.test/',
    ' http://a.test/',
    'file:///etc/passwd',
  ])('%s is no http:// URL', (url) => {
    expect(parseAbsoluteForm(url)).toMatchObject({ ok: false });
  });
});

test('the absolute form gives the path and its query as they are', () => {
  expect(parseAbsoluteForm('HTTP://A.test?x=1')).toMatchObject({ target: { host: 'a.test', port: 80 }, path: '/?x=1' });
  expect(parseAbsoluteForm('http://a.test:8080/a%2fb/?c')).toMatchObject({ target: { port: 8080 }, path: '/a%2fb/?c' });
});

describe('against the URL parser of Node', () => {
  const nasty = fc.string({
    unit: fc.oneof(
      fc.constantFrom(...Array.from('.:[]%@/\\?#x0178afA-_ \0\r\n。．1٣é')),
      fc.constantFrom('0x', 'xn--', '::', '127', '..', 'ffff:', '%2e'),
    ),
    maxLength: 24,
  });
  const plain = fc.stringMatching(/^[a-zA-Z0-9_.-]{1,40}$/);
  const addresses = fc.oneof(
    fc.ipV4(),
    fc.ipV4Extended(),
    fc.ipV6().map((text) => `[${text}]`),
    fc.domain(),
  );

  test('whatever is taken means the same to it, and is taken again as itself', () => {
    fc.assert(
      fc.property(fc.oneof(nasty, plain, addresses), fc.integer({ min: 1, max: 65_535 }), (host, port) => {
        const parsed = parseTarget(`${host}:${port}`);
        if (!parsed.ok) return;
        const { target } = parsed;
        const url = new URL(`http://${host}:${port}/`);
        const other = url.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
        expect(target.host).toBe(other);
        expect(target.port).toBe(Number(url.port === '' ? 80 : url.port));
        expect(target.kind === 'ipv4').toBe(isIPv4(other));
        expect(parseTarget(formatTarget(target))).toEqual(parsed);
      }),
      // Few texts are read in two ways.
      { numRuns: generatedRuns(5_000) },
    );
  });

  test('ordinary names and addresses are taken', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.domain(),
          fc.ipV4(),
          fc.ipV6().map((text) => `[${text}]`),
        ),
        (host) => {
          fc.pre(!host.split('.').some((label) => label.startsWith('xn--')));
          expect(parseTarget(`${host}:443`)).toMatchObject({ ok: true });
        },
      ),
    );
  });
});
