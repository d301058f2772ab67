import { expect, test } from 'vitest';
import { maskCredentials } from '../../../../wrapper/lib/mask-credentials.ts';

test.each([
  [
    "fatal: unable to access 'https://bob:hunter2@git.test/a.git/'",
    "fatal: unable to access 'https://***@git.test/a.git/'",
  ],
  ['https://ghp_canary@git.test/a', 'https://***@git.test/a'],
  ['https://a:b@c@git.test/a', 'https://***@git.test/a'],
  ['http://git.test/a?access_token=canary&x=1', 'http://git.test/a?access_token=***&x=1'],
  ['http://git.test/a?x=1&X-Amz-Signature=canary', 'http://git.test/a?x=1&X-Amz-Signature=***'],
  ['two: https://u:p@a.test/ and https://u:p@b.test/', 'two: https://***@a.test/ and https://***@b.test/'],
])('what looks like a credential in a URL is not shown: %s', (text, shown) => {
  expect(maskCredentials(text)).toBe(shown);
});

test('what has none stays as it is', () => {
  const text = "fatal: repository 'https://git.test/who@home/a.git?branch=x' not found, ask admin@git.test";
  expect(maskCredentials(text)).toBe(text);
});
