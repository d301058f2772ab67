import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Mask, maskText } from '../../../../runner/lib/mask.ts';

const masked = (chunks: Buffer[], telltales: string[]) =>
  buffer(Readable.from(chunks, { objectMode: false }).pipe(new Mask(telltales)));

test('however a body is cut into chunks, what shows the secret is masked and all else is as it was', async () => {
  const telltale = fc.constantFrom('abababc', 'aab', 'secret');
  const text = fc.array(fc.constantFrom('a', 'b', 'c', 'ab', 'aab', 'abababc', 'secret', 'sec', 'x\0'), {
    maxLength: 30,
  });
  await fc.assert(
    fc.asyncProperty(telltale, text, fc.array(fc.nat(100), { maxLength: 20 }), async (secret, parts, cuts) => {
      const whole = Buffer.from(parts.join(''));
      const at = [0, ...cuts.map((cut) => Math.min(cut, whole.length)).sort((a, b) => a - b), whole.length];
      const chunks = at.slice(1).map((end, index) => Buffer.from(whole.subarray(at[index], end)));
      const kept = chunks.map((chunk) => Buffer.from(chunk));
      const result = (await masked(chunks, [secret])).toString();
      expect(result).toBe(maskText(whole.toString(), [secret]));
      expect(result).not.toContain(secret);
      expect(result).toHaveLength(whole.length);
      expect(chunks).toEqual(kept);
    }),
  );
});
