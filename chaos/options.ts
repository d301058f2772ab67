import { parseArgs } from 'node:util';
import { flagFault } from '../start/settings/arguments.ts';
import type { Refused } from '../start/lib/refused.ts';
import { BREAKS, KILLS, type FaultKind } from './plan.ts';

export const HELP = `npm run chaos -- [options]

Breaks a service of its own while its sessions work, and checks that nothing was lost, doubled, reordered, run twice or
left over (docs/chaos.md). The real claude answers by the demo model; nothing leaves this machine.

  --seed N        the faults and the load follow from it (default: a new one, which is printed)
  --kills N       how many processes are killed (default 60)
  --sessions N    how many sessions work at a time (default 4)
  --only KINDS    of ${[...KILLS, ...BREAKS].join(', ')}
  --logs FILE     writes what the edge and the runner wrote
  --help          this text`;

interface ChaosOptions {
  readonly seed: number;
  readonly kills: number;
  readonly sessions: number;
  readonly kinds: readonly FaultKind[];
  readonly logs: string | undefined;
}

export type ChaosCommand = { readonly run: 'help' } | ({ readonly run: 'chaos' } & ChaosOptions);

/** Parses the command line. */
export function parseOptions(args: readonly string[]): ChaosCommand | Refused {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        seed: { type: 'string' },
        kills: { type: 'string', default: '60' },
        sessions: { type: 'string', default: '4' },
        only: { type: 'string' },
        logs: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }));
  } catch (error) {
    return { refused: `${flagFault(error)} (--help shows the flags)` };
  }
  if (values.help) return { run: 'help' };
  const { seed = String(Date.now() % 1_000_000), kills, sessions, only, logs } = values;
  if (!/^\d{1,9}$/.test(seed)) return { refused: '--seed must be a whole number' };
  if (!/^[1-9]\d{0,5}$/.test(kills)) return { refused: '--kills must be a whole number from 1 on' };
  if (!/^[1-9]\d{0,1}$/.test(sessions)) return { refused: '--sessions must be a whole number from 1 to 99' };
  const known: readonly FaultKind[] = [...KILLS, ...BREAKS];
  const names = only?.split(',');
  const unknown = names?.find((name) => !known.some((kind) => kind === name));
  if (unknown !== undefined) return { refused: `--only: ${unknown} is none of ${known.join(', ')}` };
  const kinds = known.filter((kind) => names === undefined || names.includes(kind));
  if (!kinds.some((kind) => KILLS.some((one) => one === kind)))
    return { refused: '--only: name at least one kind of kill' };
  return { run: 'chaos', seed: Number(seed), kills: Number(kills), sessions: Number(sessions), kinds, logs };
}
