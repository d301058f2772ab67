import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressOf, saysItsHost } from '../../../../console/safe/links/address.ts';
import { decoded } from '../../../../console/safe/markdown/entities.ts';
import { anyText } from '../../../support/console/any-text.ts';

/** What must never be a link, in the disguises that browsers see through. */
const REFUSED = [
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  ' javascript:alert(1)',
  '\u0001javascript:alert(1)',
  'java\nscript:alert(1)',
  'java\tscript:alert(1)',
  'java\u0000script:alert(1)',
  'javascript\u200b:alert(1)',
  'javascript://https://a.b/%0aalert(1)',
  'data:text/html,<script>alert(1)</script>',
  'data:text/html;base64,PHNjcmlwdD4=',
  'DATA:image/svg+xml,<svg/onload=alert(1)>',
  'vbscript:msgbox(1)',
  'blob:http://127.0.0.1/1',
  'file:///etc/passwd',
  'filesystem:http://a/b',
  'view-source:http://a.b',
  'about:blank',
  'chrome://settings',
  'intent://x#Intent;scheme=http;end',
  'ftp://a.b',
  'ws://a.b',
  'tel:1',
  'sms:1',
  'ms-word:ofe|u|http://a',
  'http:evil.example',
  'http:/evil.example',
  'https:\\\\evil.example',
  'https:///evil.example',
  '//evil.example',
  '\\\\evil.example',
  '/\\evil.example',
  'http://',
  'https://[::1',
  'https://a.b\u202e/',
  'https://a\u0000.b',
  'mailto:',
  'mailto://a@b',
  '#id',
  '?a=b',
  '',
  `https://a.b/${'x'.repeat(5000)}`,
];

describe('an address', () => {
  test.each(REFUSED)('%j leads nowhere', (href) => {
    expect(addressOf(href)).toEqual({ kind: 'none' });
  });

  test.each([
    ['https://a.example/x?y#z', 'a.example'],
    ['HTTP://A.example:8080', 'a.example:8080'],
    ['https://аpple.example/', 'xn--pple-43d.example'],
    ['https://github.com@evil.example/', 'evil.example'],
    ['https://evil.example\u3002com/', 'evil.example.com'],
    ['http://2130706433/', '127.0.0.1'],
  ])('%j leads to %s', (href, host) => {
    expect(addressOf(href)).toMatchObject({ kind: 'web', host });
  });

  test.each(['src/a.ts', './a.ts', '../a', '/workspace/a.ts', 'a b/c.md', 'src/a.ts#L10'])('%j is a path', (path) => {
    expect(addressOf(path)).toEqual({ kind: 'path', path });
  });

  test('of mail is its address alone', () => {
    expect(addressOf('mailto:a@b.example?subject=x')).toMatchObject({ kind: 'mail', host: 'a@b.example' });
  });

  test('whatever is written, only http, https and mailto lead anywhere', () => {
    const disguise = fc.constantFrom(
      'javascript:',
      'data:',
      'http:',
      'https://',
      'mailto:',
      ' ',
      '\t',
      '\n',
      '\u0000',
      '/',
      '\\',
      '@',
      'a',
      ':',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(disguise, anyText(3)), { maxLength: 8 }), (parts) => {
        const href = parts.join('');
        const address = addressOf(href);
        if (address.kind === 'none') return;
        if (address.kind === 'path') {
          // As a browser would read it on a page of ours, it stays there.
          expect(new URL(href, 'http://own.example/sessions/1').origin).toBe('http://own.example');
          return;
        }
        const url = new URL(address.href);
        expect(address.kind === 'mail' ? ['mailto:'] : ['http:', 'https:']).toContain(url.protocol);
        if (address.kind === 'web') expect(url.host).toBe(address.host);
      }),
    );
  });
});

describe('a link says its host', () => {
  test.each([
    ['https://bank.example', 'https://evil.example', true],
    ['bank.example', 'https://evil.example/bank.example', true],
    ['bank.example/login', 'https://bank.example.evil.example/login', true],
    ['ｂａｎｋ．example', 'https://evil.example', true],
    ['support@bank.example', 'https://evil.example', true],
    ['pay\u200bpal.example', 'https://paypal.example', true],
    ['the docs', 'https://evil.example', false],
    ['the docs', 'https://user@evil.example', true],
    ['apple', 'https://аpple.example', true],
    ['https://аpple.example', 'https://аpple.example', true],
    ['https://a.example', 'https://a.example/', false],
    ['a.example/x', 'https://a.example/x', false],
    ['https://a.example/x', 'https://a.example/x?y=1', false],
    ['a@b.example', 'mailto:a@b.example', false],
    ['a@b.example', 'mailto:c@d.example', true],
  ])('%j at %j: %j', (text, href, expected) => {
    const address = addressOf(href);
    if (address.kind !== 'web' && address.kind !== 'mail') throw new Error(`${href} leads nowhere`);
    expect(saysItsHost(text, address)).toBe(expected);
  });
});

test('character references are text before an address is looked at', () => {
  expect(decoded('javascript&#58;x &#x6A;&#106; &colon;&Tab;&NewLine;')).toBe('javascript:x jj :\t\n');
  expect(decoded('&lt;b&gt; &amp;lt; &unknown; &#0; &#xD800; &#1114112; &')).toBe(
    '<b> &lt; &unknown; \ufffd \ufffd \ufffd &',
  );
  expect(decoded('&constructor;&__proto__;')).toBe('&constructor;&__proto__;');
});
