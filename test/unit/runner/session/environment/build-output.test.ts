import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { BuildOutput, type OutputText } from '../../../../../runner/session/environment/builds/output.ts';
import { outputParts } from '../../../../../runner/lib/streams/attached-output.ts';

/** What a reader makes of it: the parts, and where something is left out. */
function read(parts: OutputText[]): string {
  let text = '';
  let end = 0;
  for (const part of parts) {
    expect(part.at).toBeGreaterThanOrEqual(end);
    text += part.at > end ? `[${part.at - end}]${part.text}` : part.text;
    end = part.at + part.text.length;
  }
  return text;
}

test('what is written is told as it comes, and who begins to wait later is told the same', () => {
  const output = new BuildOutput();
  output.take(Buffer.from('one\n'));
  const told = output.news(0);
  // Half of a character.
  output.take(Buffer.from('zwei ü'.normalize()).subarray(0, 6));
  told.push(...output.news(500));
  output.take(Buffer.from('ü').subarray(1));
  told.push(...output.news(1000, true));
  expect(read(told)).toBe('one\nzwei ü');
  expect(read(output.soFar())).toBe('one\nzwei ü');
  expect(output.news(2000, true)).toEqual([]);
  expect(output.last(4)).toBe('ei ü');
});

test('of output without end a bounded part is told and kept: its beginning, something now and then, and its end', () => {
  const output = new BuildOutput();
  const line = `${'x'.repeat(99)}\n`;
  const told: OutputText[] = [];
  for (let second = 0; second < 1800; second++) {
    for (let n = 0; n < 500; n++) output.say(line);
    told.push(...output.news(second * 1000));
  }
  output.say('the end');
  told.push(...output.news(1_800_000, true));
  const all = told.reduce((sum, { text }) => sum + text.length, 0);
  expect(all).toBeLessThan(2 * 1024 * 1024);
  expect(told.at(-1)?.text.endsWith('the end')).toBe(true);
  const later = output.soFar();
  expect(later.reduce((sum, { text }) => sum + text.length, 0)).toBeLessThan(100 * 1024);
  expect(read(later)).toMatch(/^x+\n[^]*\[\d+\][^]*the end$/);
});

test('the engine’s frames are read however they are cut', async () => {
  const part = fc.record({ to: fc.constantFrom(1, 2), bytes: fc.uint8Array({ maxLength: 40 }) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(part, { maxLength: 8 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 20 })),
      async (parts, cuts) => {
        const framed = Buffer.concat(
          parts.flatMap(({ to, bytes }) => {
            const header = Buffer.alloc(8);
            header[0] = to;
            header.writeUInt32BE(bytes.length, 4);
            return [header, Buffer.from(bytes)];
          }),
        );
        async function* chunks() {
          for (let at = 0; at < framed.length;) {
            const size = cuts.next().value ?? 1;
            yield framed.subarray(at, at + size);
            at += size;
          }
        }
        const seen = { stdout: '', stderr: '' };
        for await (const { to, bytes } of outputParts(chunks())) seen[to] += bytes.toString('hex');
        const wrote = (wanted: number) =>
          parts.map(({ to, bytes }) => (to === wanted ? Buffer.from(bytes).toString('hex') : '')).join('');
        expect(seen).toEqual({ stdout: wrote(1), stderr: wrote(2) });
      },
    ),
  );
});
