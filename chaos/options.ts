import { parseArgs } from 'node:util';
import { flagFault } from '../start/settings/arguments.ts';
import type { Refused } from '../start/lib/refused.ts';
import { ALL_KINDS, isKill, MEAN_EVENTS, TOGETHER_PERCENT, type FaultKind } from './plan.ts';

export const HELP = `npm run chaos -- [options]

Breaks a service of its own while its sessions work, and checks that nothing was lost, doubled, reordered, run twice or
left over (docs/chaos.md). The real claude answers by the demo model; nothing leaves this machine.

  --seed N        the faults and the load follow from it (default: a new one, which is printed)
  --kills N       how many processes are killed (default 60)
  --sessions N    how many sessions work at a time (default 4)
  --every N       events between two faults, on average (default ${MEAN_EVENTS})
  --together N    how many of a hundred faults come together with the one before (default ${TOGETHER_PERCENT})
  --backend NAME  process (default), or docker: sealed containers
  --only KINDS    of ${ALL_KINDS.join(', ')}
  --replay FILE   makes the faults of this file, as a failed run prints them, instead
  --record FILE   adds a line of JSON about the run to this file
  --logs FILE     writes what the edge and the runner wrote
  --help          this text`;

/** What the faults and the load follow from. */
interface FaultOptions {
  readonly seed: number;
  readonly kills: number;
  readonly sessions: number;
  readonly every: number;
  /** A part of 1. */
  readonly together: number;
  readonly backend: 'process' | 'docker';
  readonly kinds: readonly FaultKind[];
}

export interface ChaosOptions extends FaultOptions {
  /** Files; undefined: none. */
  readonly replay: string | undefined;
  readonly record: string | undefined;
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
        every: { type: 'string', default: String(MEAN_EVENTS) },
        together: { type: 'string', default: String(TOGETHER_PERCENT) },
        backend: { type: 'string', default: 'process' },
        only: { type: 'string' },
        replay: { type: 'string' },
        record: { type: 'string' },
        logs: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }));
  } catch (error) {
    return { refused: `${flagFault(error)} (--help shows the flags)` };
  }
  if (values.help) return { run: 'help' };
  const {
    seed = String(Date.now() % 1_000_000),
    kills,
    sessions,
    every,
    together,
    backend,
    only,
    replay,
    record,
    logs,
  } = values;
  if (!/^\d{1,9}$/.test(seed)) return { refused: '--seed must be a whole number' };
  if (!/^[1-9]\d{0,5}$/.test(kills)) return { refused: '--kills must be a whole number from 1 on' };
  if (!/^[1-9]\d{0,1}$/.test(sessions)) return { refused: '--sessions must be a whole number from 1 to 99' };
  if (!/^[1-9]\d{0,2}$/.test(every)) return { refused: '--every must be a whole number from 1 to 999' };
  if (!/^\d{1,2}$/.test(together)) return { refused: '--together must be a whole number from 0 to 99' };
  if (backend !== 'process' && backend !== 'docker') return { refused: '--backend must be process or docker' };
  const names = only?.split(',');
  const unknown = names?.find((name) => !ALL_KINDS.some((kind) => kind === name));
  if (unknown !== undefined) return { refused: `--only: ${unknown} is none of ${ALL_KINDS.join(', ')}` };
  const kinds = ALL_KINDS.filter((kind) => names === undefined || names.includes(kind));
  if (!kinds.some(isKill)) return { refused: '--only: name at least one kind of kill' };
  const numbers = {
    seed: Number(seed),
    kills: Number(kills),
    sessions: Number(sessions),
    every: Number(every),
    together: Number(together) / 100,
  };
  return { run: 'chaos', ...numbers, backend, kinds, replay, record, logs };
}

/** The command that makes the same faults again. */
export function commandOf({ seed, kills, sessions, every, together, backend, kinds }: FaultOptions): string {
  const only = kinds.length === ALL_KINDS.length ? '' : ` --only ${kinds.join(',')}`;
  const numbers = `--seed ${seed} --kills ${kills} --sessions ${sessions} --every ${every} --together ${Math.round(together * 100)}`;
  return `npm run chaos -- ${numbers} --backend ${backend}${only}`;
}
