import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { filesPath } from '../../../../../functions/routes/files/files-path.ts';
import { generatedRuns } from '../../../../support/run/generated-runs.ts';

const BASE = 'http://edge.test/api/v1/sessions/01939f5a-7c1e-7000-8000-1a2b3c4d5e6f/files';

describe('the path that a files call names', () => {
  it.each([
    ['', ''],
    ['/', ''],
    ['/a', 'a'],
    ['/a/b%20c/', 'a/b c/'],
    ['/a?recursive=true', 'a'],
    ['//etc/passwd', '/etc/passwd'],
    ['/..%2f..%2fetc', '../../etc'],
    ['/%252e%252e/x', '%2e%2e/x'],
    ['/a%2525', 'a%25'],
    ['/a+b', 'a+b'],
    ['/files/files', 'files/files'],
    ['/%E2%82%AC', '€'],
    ['/a%0Ab%5Cc', 'a\nb\\c'],
  ])('%s is %j', (suffix, path) => {
    expect(filesPath(BASE + suffix)).toEqual({ path });
  });

  it.each(['/a%', '/a%2', '/a%zz', '/%ff', '/%c0%af', '/%ed%a0%80', '/a%00', `/${'a'.repeat(4096)}`])(
    '%s is refused',
    (suffix) => {
      expect(filesPath(BASE + suffix)).toMatchObject({ refused: 'path_invalid' });
    },
  );

  it('is any name that it was made of, whatever that holds', () => {
    const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }).filter((text) => !text.includes('\0'));
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 4 }), (names) => {
        // A client can send no `.` or `..` of its own: URLs have none.
        fc.pre(!names.some((one) => /^(?:\.|%2e){1,2}$/i.test(encodeURIComponent(one))));
        const url = `${BASE}/${names.map(encodeURIComponent).join('/')}`;
        expect(filesPath(url)).toEqual({ path: names.join('/') });
      }),
      // As many as an issue asks for.
      { numRuns: generatedRuns(10_000) },
    );
  });
});
