import { parseArgs } from 'node:util';
import { PARTS, USUAL_PARTS, type Part } from './parts.ts';
import { flagFault } from '../start/settings/arguments.ts';
import type { Refused } from '../start/lib/refused.ts';

export const HELP = `npm run bench -- [options]

Measures CC-Docker against \`claude\` run by hand, side by side, with the demo model. docs/performance.md says how.

  --rounds N     rounds of new sessions and turns (default 11)
  --only PARTS   these alone, with commas between: ${PARTS.join(', ')}.
                 Without it, all but host: that is a day on this machine, which wants root and twelve minutes
  --no-write     leave bench/figures.json and the tables of docs/performance.md and README.md as they are
  --json         print one JSON document, with every sample, instead of tables
  --check        exit with code 1 when a goal is missed or could not be measured
  --help         this text

It uses the Docker engine that DOCKER_HOST names, or this machine's own, and a folder of its own below TMPDIR (or
/var/tmp), which it removes.`;

export interface BenchOptions {
  rounds: number;
  parts: readonly Part[];
  json: boolean;
  /** Keep the figures, and write the pages' tables. */
  write: boolean;
  check: boolean;
}

export type BenchCommand = { run: 'help' } | ({ run: 'bench' } & BenchOptions);

/** Parses the command line. */
export function parseOptions(args: readonly string[]): BenchCommand | Refused {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        rounds: { type: 'string', default: '11' },
        only: { type: 'string' },
        json: { type: 'boolean', default: false },
        'no-write': { type: 'boolean', default: false },
        check: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }));
  } catch (error) {
    return { refused: `${flagFault(error)} (--help shows the flags)` };
  }
  if (values.help) return { run: 'help' };
  const { rounds, only, json, check } = values;
  if (!/^[1-9]\d{0,2}$/.test(rounds)) return { refused: '--rounds must be a whole number from 1 to 999' };
  const named = only?.split(',');
  if (named?.some((name) => !PARTS.some((part) => part === name)) === true)
    return { refused: `--only must be of ${PARTS.join(', ')}` };
  const parts = named === undefined ? USUAL_PARTS : PARTS.filter((part) => named.includes(part));
  return { run: 'bench', rounds: Number(rounds), parts, json, write: !values['no-write'], check };
}
