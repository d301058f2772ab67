import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { PassThrough } from 'node:stream';
import { finished } from 'node:stream/promises';
import { expect, test } from 'vitest';
import { LogFile, type LogFileOptions } from '../../../../start/lib/log-file.ts';
import { scratch } from '../../../support/scratch.ts';

async function written(text: string, options: LogFileOptions = {}, file = path.join(scratch(), 'part.log')) {
  const log = new LogFile(file, options);
  const output = new PassThrough();
  log.take(output);
  output.end(text);
  await finished(output);
  log.flush();
  return { log, file, read: (name = file) => readFileSync(name, 'utf8') };
}

/** The same line at another time. */
const line = (n: number) =>
  `2026-11-29T18:00:${String(n % 60).padStart(2, '0')}.123Z a second connection was refused\n`;

test('equal lines are counted, whatever time they say, and others are written', async () => {
  const { read } = await written(Array.from({ length: 120_000 }, (_, n) => line(n)).join('') + 'other\n');
  expect(read().length).toBeLessThan(500);
  expect(read().split('\n')).toEqual([
    line(0).trimEnd(),
    'other',
    expect.stringMatching(/a second connection was refused \(repeated 119999 times\)$/),
    '',
  ]);
});

test('a log is begun anew at its largest size, and three of the last ones are kept', async () => {
  const file = path.join(scratch(), 'part.log');
  for (let round = 0; round < 6; round++) {
    await written(`${'x'.repeat(2000)} ${round}\n`, { maxBytes: 1000 }, file);
  }
  expect([1, 2, 3, 4].map((n) => existsSync(`${file}.${n}`))).toEqual([true, true, true, false]);
  expect(readFileSync(file, 'utf8')).toMatch(/x 5\n$/);
  expect(readFileSync(`${file}.3`, 'utf8')).toMatch(/x 2\n$/);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('a flood of lines that all differ is cut, and says so', async () => {
  const { read } = await written(Array.from({ length: 1000 }, (_, n) => `line ${n}\n`).join(''), { most: 10 });
  expect(read()).toMatch(/^line 9\n… \(990 more lines were left out\)\n$/m);
});

test('what cannot be written is not there, the next line says so, and nothing breaks', async () => {
  const folder = scratch();
  const file = path.join(folder, 'later', 'part.log');
  const { log } = await written('lost\n', {}, file);
  expect(log.lastLine()).toBe('');
  expect(existsSync(file)).toBe(false);
});
