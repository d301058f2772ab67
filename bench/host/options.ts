import { parseArgs } from 'node:util';
import { flagFault } from '../../start/settings/arguments.ts';
import type { Refused } from '../../start/lib/refused.ts';

export const HELP = `npm run simulate -- --host [options]

A day of sessions on this machine, pressed into minutes: the real edge and runner, real sealed containers, and a fake \`claude\`
of 2 MB in them. It needs root, a Docker engine (it starts one of its own where none answers) and gcc.

  --sessions N   that arrive, and are parked at the end; default 1000
  --places N     containers at once; default 60
  --minutes N    that the day takes; default 10
  --soak N       in place of a day: N minutes of as many sessions as there are places, which talk all the time
  --seed N       the same seed is the same day; default 1
  --json FILE    what was measured, for other tools
  --help         this text`;

export interface HostOptions {
  sessions: number;
  places: number;
  minutes: number;
  /** Minutes; null: a day. */
  soak: number | null;
  seed: number;
  json: string | undefined;
}

/** Parses the command line, without `--host`. */
export function parseHostOptions(args: readonly string[]): HostOptions | 'help' | Refused {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        sessions: { type: 'string', default: '1000' },
        places: { type: 'string', default: '60' },
        minutes: { type: 'string', default: '10' },
        soak: { type: 'string' },
        seed: { type: 'string', default: '1' },
        json: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }));
  } catch (error) {
    return { refused: `${flagFault(error)} (--help shows the flags)` };
  }
  if (values.help) return 'help';
  const { sessions, places, minutes, soak = '1', seed, json } = values;
  for (const [name, text] of Object.entries({ sessions, places, minutes, soak, seed }))
    if (!/^[1-9]\d{0,5}$/.test(text)) return { refused: `--${name} must be a whole number from 1` };
  return {
    sessions: Number(sessions),
    places: Number(places),
    minutes: Number(minutes),
    soak: values.soak === undefined ? null : Number(soak),
    seed: Number(seed),
    json,
  };
}
