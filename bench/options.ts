import { parseArgs } from 'node:util';
import { flagFault } from '../start/settings/arguments.ts';
import type { Refused } from '../start/lib/refused.ts';

export const HELP = `npm run bench -- [options]

Measures CC-Docker against \`claude\` run by hand, side by side, with the demo model. docs/performance.md says how.

  --rounds N     rounds of new sessions and turns (default 11)
  --only PART    one part alone: process, docker, line, way-out, snapshots, cpu, bounds, environments or console
  --json         print one JSON document, with every sample, instead of tables
  --check        exit with code 1 when a goal is missed or could not be measured
  --help         this text

It uses the Docker engine that DOCKER_HOST names, or this machine's own, and a folder of its own below TMPDIR (or
/var/tmp), which it removes.`;

const PARTS = [
  'process',
  'docker',
  'line',
  'way-out',
  'snapshots',
  'cpu',
  'bounds',
  'environments',
  'console',
] as const;
export type Part = (typeof PARTS)[number];

export interface BenchOptions {
  rounds: number;
  parts: readonly Part[];
  json: boolean;
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
  const parts = PARTS.filter((part) => only === undefined || part === only);
  if (parts.length === 0) return { refused: `--only must be one of ${PARTS.join(', ')}` };
  return { run: 'bench', rounds: Number(rounds), parts, json, check };
}
