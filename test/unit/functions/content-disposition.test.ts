import fc from 'fast-check';
import { expect, test } from 'vitest';
import { attachment } from '../../../functions/routes/files/content-disposition.ts';

test.each([
  ['report.pdf', `attachment; filename="report.pdf"; filename*=UTF-8''report.pdf`],
  ['a b.txt', `attachment; filename="a b.txt"; filename*=UTF-8''a%20b.txt`],
  ['€ rates.csv', `attachment; filename="_ rates.csv"; filename*=UTF-8''%E2%82%AC%20rates.csv`],
  [`it's "(1)*".txt`, `attachment; filename="it's _(1)*_.txt"; filename*=UTF-8''it%27s%20%22%281%29%2A%22.txt`],
  ['x"; filename=evil', `attachment; filename="x_; filename=evil"; filename*=UTF-8''x%22%3B%20filename%3Devil`],
  ['a\r\nb', `attachment; filename="a__b"; filename*=UTF-8''a%0D%0Ab`],
])('%j is saved under its name', (name, header) => {
  expect(attachment(name)).toBe(header);
});

test('any name is a header, and comes back whole', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      const header = new Headers({ 'content-disposition': attachment(name) }).get('content-disposition') ?? '';
      const [, encoded = ''] = header.split(`filename*=UTF-8''`);
      // attr-char of RFC 8187, and escapes.
      expect(encoded).toMatch(/^(?:[\w!#$&+.^`|~-]|%[0-9A-F]{2})*$/);
      expect(decodeURIComponent(encoded)).toBe(name.toWellFormed());
    }),
  );
});
