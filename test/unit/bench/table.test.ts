import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseOptions } from '../../../bench/options.ts';
import { PARTS, USUAL_PARTS } from '../../../bench/parts.ts';
import { goalsReport } from '../../../bench/report.ts';
import { noSamples } from '../../../bench/rows/rounds.ts';
import { sumRuns } from '../../../bench/table/chaos-runs.ts';
import { figureNow, parseReported, readFigures } from '../../../bench/table/figures.ts';
import { figuresOf } from '../../../bench/table/from-samples.ts';
import { goalTable, putBetween, shortTable, withUnit } from '../../../bench/table/markdown.ts';
import { README_ROWS, ROWS, verdict, type BenchRow } from '../../../bench/table/rows.ts';
import { PAGES, withTables } from '../../../bench/table/write-pages.ts';
import { PROJECT } from '../../../start/lib/project.ts';

const fast: BenchRow = { id: 'fast', part: 'get', what: 'answers', unit: '/s', goal: { least: 50_000 } };
const small: BenchRow = { id: 'small', part: 'memory', what: 'memory', unit: 'MB', goal: { most: 40 } };
const plain: BenchRow = { id: 'plain', part: 'get', what: 'beside another', unit: '×', goal: null };
const of = (value: number, date = '2026-11-30') => ({ value, date, cores: 2, load: 1.4 });

describe('a goal', () => {
  it('is met at its limit, in its own direction', () => {
    expect([40, 40.1].map((value) => verdict(small, value))).toEqual(['met', 'MISSED']);
    expect([50_000, 49_999].map((value) => verdict(fast, value))).toEqual(['met', 'MISSED']);
    expect(verdict(small, undefined)).toBe('no figure');
    expect(verdict(plain, 7)).toBe('');
  });

  it('is of a part that a run can be asked for, and every row has an id of its own', () => {
    for (const { part } of ROWS) expect(PARTS).toContain(part);
    expect(new Set(ROWS.map(({ id }) => id)).size).toBe(ROWS.length);
    expect(README_ROWS).toHaveLength(5);
  });
});

describe('a table', () => {
  it('has a line for each row, with its figure, its goal and when it was measured', () => {
    expect(goalTable([fast, small, plain], { fast: of(61_234.4), plain: of(1.257) })).toBe(
      [
        '|                | goal        | figure    |           | measured           |',
        '| -------------- | ----------- | --------- | --------- | ------------------ |',
        '| answers        | ≥ 50,000 /s | 61,234 /s | met       | 2026-11-30, load 1 |',
        '| memory         | ≤ 40 MB     | –         | no figure |                    |',
        '| beside another |             | 1.26 ×    |           | 2026-11-30, load 1 |',
      ].join('\n'),
    );
  });

  it('of a few figures leaves out what was never measured', () => {
    const table = shortTable(
      [
        ['small', 'it is small'],
        ['fast', 'it is fast'],
      ],
      [fast, small],
      { small: of(38.2) },
    );
    expect(table.split('\n').slice(2)).toEqual(['| it is small | 38 MB    | ≤ 40 MB |']);
  });

  it('replaces the one between its marks, and nothing else', () => {
    const page = 'before\n\n<!-- bench:a -->\n\nold\n\n<!-- /bench:a -->\n\nafter <!-- bench:b --><!-- /bench:b -->\n';
    const once = putBetween(page, 'a', '| new |');
    expect(once).toBe(page.replace('old', '| new |'));
    expect(putBetween(once, 'a', '| new |')).toBe(once);
    expect(() => putBetween(page, 'c', '| new |')).toThrow('does not have <!-- bench:c -->');
    expect(() => putBetween(page + page, 'a', '| new |')).toThrow('once each');
  });

  it('of each page is that of the figures that are kept', async () => {
    const figures = await readFigures();
    for (const page of Object.keys(PAGES)) {
      const text = await readFile(path.join(PROJECT, page), 'utf8');
      expect(withTables(page, text, figures), `run npm run bench, or put back the table of ${page}`).toBe(text);
    }
  });
});

it('figures have as many digits as say something', () => {
  expect([withUnit(0.456, '×'), withUnit(12.3, 'MB'), withUnit(123.4, 'ms'), withUnit(1000, '')]).toEqual([
    '0.46 ×',
    '12 MB',
    '123 ms',
    '1,000',
  ]);
});

describe('a run', () => {
  it('takes the last figure that a script has reported of a row', () => {
    const line = (id: string, value: number) => JSON.stringify({ id, figure: of(value) });
    expect(parseReported(`${line('a', 1)}\n${line('b', 2)}\n${line('a', 3)}\n`)).toEqual({ a: of(3), b: of(2) });
    const noNumber = { id: 'a', figure: { ...of(1), value: null } };
    expect(() => parseReported(JSON.stringify(noNumber))).toThrow('expected number');
  });

  it('has ratios of pairs, and no figure of what was not measured', () => {
    const samples = noSamples();
    samples.once.push(100, 200);
    samples.first.process.push(120, 220);
    samples.second.raw.push(10);
    samples.second.docker.push(11);
    expect(figuresOf({ samples, lines: undefined })).toEqual([
      ['new.process', expect.closeTo(1.15)],
      ['second.docker', expect.closeTo(1.1)],
    ]);
  });

  it('says which goals are met, and of which day an old figure is', () => {
    const figures = { small: of(30, '2026-11-01'), fast: of(100) };
    expect(goalsReport([fast, small, plain], figures, ({ id }) => id === 'fast').split('\n')).toEqual([
      'Goals',
      '  MISSED    answers ≥ 50,000 /s: 100 /s',
      '  met       memory ≤ 40 MB: 30 MB (of 2026-11-01)',
      '            beside another',
    ]);
  });

  it('measures all but a day on this host unless parts are named', () => {
    expect(parseOptions([])).toMatchObject({ parts: USUAL_PARTS, write: true });
    expect(USUAL_PARTS).not.toContain('host');
    expect(parseOptions(['--only', 'host,get', '--no-write'])).toMatchObject({ parts: ['get', 'host'], write: false });
    expect(parseOptions(['--only', 'get,nothing'])).toHaveProperty('refused');
  });

  it('keeps the day and the machine beside a figure', () => {
    expect(figureNow(3)).toMatchObject({ value: 3, date: expect.stringMatching(/^\d{4}-\d\d-\d\d$/) });
  });
});

/** A line of docs/chaos-runs.jsonl. */
const chaosRun = (seed: number, kills: number, violations: string[], backend = 'process') =>
  JSON.stringify({ date: '2026-11-30', seed, backend, kills, violations });

it('kills of all runs are added up, and what was found is open until its seed runs without it', () => {
  const runs = [
    chaosRun(1, 60, []),
    chaosRun(2, 100, ['seq 7 came twice']),
    chaosRun(3, 40, ['a', 'b']),
    chaosRun(2, 100, []),
  ];
  expect(sumRuns(`${runs.join('\n')}\n\n`)).toEqual({ runs: 4, kills: 300, found: 3, open: 2 });
  // Another backend is another run.
  expect(sumRuns([chaosRun(3, 1, ['a']), chaosRun(3, 1, [], 'docker')].join('\n'))).toMatchObject({ open: 1 });
  expect(sumRuns('')).toEqual({ runs: 0, kills: 0, found: 0, open: 0 });
});
