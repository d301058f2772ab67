import fc from 'fast-check';
import { expect, test } from 'vitest';
import { artifactName } from '../../../../../durable/session/core/artifact-name.ts';

test.each([
  [undefined, 'out/report.pdf', 'report.pdf'],
  ['Report.pdf', 'out/report.pdf', 'Report.pdf'],
  ['Bericht „Mai“.pdf', 'a', 'Bericht „Mai“.pdf'],
  ['../../.bashrc', 'a', '.._.._.bashrc'],
  [String.raw`..\..\boot.ini`, 'a', '.._.._boot.ini'],
  ['a\r\nSet-Cookie: x', 'a', 'a__Set-Cookie: x'],
  ['a\0b\u007F', 'a', 'a_b_'],
  // Shows as `annexe.pdf`, and is a program.
  ['ann\u202Efdp.exe', 'a', 'ann_fdp.exe'],
  ['..', 'a', 'artifact'],
  ['   ', 'a', 'artifact'],
  [undefined, 'out/a\nb', 'a_b'],
])('the name %j for %j is %j', (wanted, path, name) => {
  expect(artifactName(wanted, path)).toBe(name);
});

test('any name can be saved under', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 300 }), (wanted) => {
      const name = artifactName(wanted, 'a');
      expect(name.isWellFormed()).toBe(true);
      expect(name.length).toBeGreaterThan(0);
      expect(name.length).toBeLessThanOrEqual(255);
      expect(name).not.toMatch(/[/\\\p{Cc}]/u);
      expect(['.', '..']).not.toContain(name);
    }),
  );
});
