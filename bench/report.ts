import { median, pairedRatio, quantile } from './lib/statistics.ts';
import { CONTENDERS, type Contender } from './rows/rounds.ts';
import type { Figures } from './table/figures.ts';
import type { Measured } from './table/from-samples.ts';
import { goalText, withUnit } from './table/markdown.ts';
import { verdict, type BenchRow } from './table/rows.ts';

interface Row {
  name: string;
  samples: readonly number[];
  /** The samples that `× raw` compares with; absent: this row is the baseline. */
  baseline?: readonly number[];
}

const LABEL = 48;
const HEAD = ['n', 'min', 'median', 'p95', 'p99', 'max', '× raw'];

/** The run as tables for people; milliseconds. */
export function report({ samples, lines }: Measured): string {
  const { once, first, second, turns, httpTurns } = samples;
  const blocks = [
    table('New session to its first result (ms)', [
      { name: 'raw     claude -p PROMPT', samples: once },
      { name: 'raw     as the wrapper calls it', samples: first.raw, baseline: once },
      { name: 'process POST sessions, POST chat', samples: first.process, baseline: once },
      { name: 'docker  POST sessions, POST chat', samples: first.docker, baseline: once },
    ]),
    table('Second turn (ms)', contenders(second, 'WebSocket both ways')),
    table('Second turn and those after it (ms)', contenders(turns, 'WebSocket both ways')),
    table('Later turns, by a call that waits (ms)', contenders(httpTurns, 'POST chat, stream: false')),
    ...(lines === undefined
      ? []
      : [
          table('A line from claude to a WebSocket client (ms)', [
            { name: 'previews', samples: lines.previews },
            { name: 'stored events', samples: lines.stored },
            { name: 'both', samples: [...lines.previews, ...lines.stored] },
          ]),
        ]),
  ];
  return blocks.filter((block) => block !== '').join('\n\n');
}

/** A row for each contender, compared with raw. */
function contenders(lists: Record<Contender, number[]>, how: string): Row[] {
  return [
    { name: 'raw     stdin to stdout', samples: lists.raw },
    ...CONTENDERS.filter((name) => name !== 'raw').map((name) => ({
      name: `${name.padEnd(8)}${how}`,
      samples: lists[name],
      baseline: lists.raw,
    })),
  ];
}

function table(title: string, rows: readonly Row[]): string {
  const present = rows.filter(({ samples }) => samples.length > 0);
  if (present.length === 0) return '';
  const lines = present.map(({ name, samples, baseline }) => {
    const shown = [
      Math.min(...samples),
      median(samples),
      quantile(samples, 0.95),
      quantile(samples, 0.99),
      Math.max(...samples),
    ].map(figure);
    const ratio = baseline === undefined || baseline.length === 0 ? '' : pairedRatio(samples, baseline).toFixed(2);
    return `  ${name}`.padEnd(LABEL) + columns([String(samples.length), ...shown, ratio]);
  });
  return [title.padEnd(LABEL) + columns(HEAD), ...lines].join('\n').replaceAll(/ +$/gm, '');
}

const columns = (cells: readonly string[]) => cells.map((cell) => cell.padStart(8)).join('');
const figure = (ms: number) => ms.toFixed(ms < 10 ? 2 : ms < 100 ? 1 : 0);

/** Which goals are met, of all rows. @param isNew whether a row's figure is of this run */
export function goalsReport(rows: readonly BenchRow[], figures: Figures, isNew: (row: BenchRow) => boolean): string {
  const lines = rows.map((row) => {
    const figure = figures[row.id];
    const shown = figure === undefined ? '' : `: ${withUnit(figure.value, row.unit)}`;
    const old = figure === undefined || isNew(row) ? '' : ` (of ${figure.date})`;
    return `  ${verdict(row, figure?.value).padEnd(10)}${`${row.what} ${goalText(row)}`.trim()}${shown}${old}`;
  });
  return ['Goals', ...lines].join('\n');
}
