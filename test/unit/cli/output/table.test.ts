import fc from 'fast-check';
import stringWidth from 'string-width';
import { expect, test } from 'vitest';
import { shorten, table, type Column } from '../../../../cli/output/table.ts';

interface Row {
  readonly id: string;
  readonly cost: string;
  readonly title: string;
}
const COLUMNS: Column<Row>[] = [
  { title: 'ID', value: ({ id }) => id },
  { title: 'COST', value: ({ cost }) => cost, align: 'right', leftOut: 1 },
  { title: 'TITLE', value: ({ title }) => title, shrinksTo: 6, leftOut: 2 },
];
const ROWS: Row[] = [
  { id: '1a2b3c4d', cost: '$0.10', title: 'a title of some length' },
  { id: '5e6f7a8b', cost: '$12.00', title: '短い' },
];

test('columns stand below each other, numbers at the right', () => {
  expect(table(COLUMNS, ROWS, undefined)).toEqual([
    'ID          COST  TITLE',
    '1a2b3c4d   $0.10  a title of some length',
    '5e6f7a8b  $12.00  短い',
  ]);
});

test('a narrow terminal shortens what may be shortened, then leaves columns out', () => {
  expect(table(COLUMNS, ROWS, 28)[1]).toBe('1a2b3c4d   $0.10  a title o…');
  expect(table(COLUMNS, ROWS, 20)).toEqual(['ID          COST', '1a2b3c4d   $0.10', '5e6f7a8b  $12.00']);
  expect(table(COLUMNS, ROWS, 9)).toEqual(['ID', '1a2b3c4d', '5e6f7a8b']);
});

test('no line is wider than the terminal, whatever is in it, and nothing moves its cursor', () => {
  const cell = fc.string({ unit: 'grapheme', maxLength: 30 });
  const rows = fc.array(fc.record({ id: cell, cost: cell, title: cell }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(rows, fc.integer({ min: 1, max: 60 }), (rows, width) => {
      for (const line of table(COLUMNS, rows, width)) {
        expect(stringWidth(line)).toBeLessThanOrEqual(width);
        for (const control of ['\n', '\r', '\u001B']) expect(line).not.toContain(control);
      }
    }),
  );
});

test('styles take no room', () => {
  const styled = [{ title: 'ID', value: ({ id }: Row) => id, style: (text: string) => `<${text}>` }];
  expect(table(styled, ROWS, 20)).toEqual(['ID', '<1a2b3c4d>', '<5e6f7a8b>']);
});

test('a text is cut between characters', () => {
  expect(shorten('naïve', 3)).toBe('na…');
  expect(shorten('短い話', 4)).toBe('短…');
  expect(shorten('abc', 0)).toBe('');
});
