import { parseArgs } from 'node:util';
import { hostMain } from '../host/main.ts';
import { report } from './report.ts';
import { DAY } from './scenario.ts';
import { World } from './world.ts';

const HELP = `npm run simulate -- [options]

A day of sessions on many runners, on a clock that jumps: what decides is the code that ships
(durable/pool/core, durable/session/core). Messages are late and lost, runners flap and die.

  --sessions N   default ${DAY.sessions}
  --runners N    default ${DAY.runners}
  --places N     of each runner, default ${DAY.places}
  --seed N       the same seed is the same day, default ${DAY.seed}
  --fifo         who has asked first is next, whoever owns it: to compare
  --json         for other tools

  --host         in place of this: a day on this machine, with real containers (--host --help)`;

const args = process.argv.slice(2);
if (args.includes('--host')) process.exit(await hostMain(args.filter((arg) => arg !== '--host')));

const { values } = parseArgs({
  args,
  options: {
    sessions: { type: 'string' },
    runners: { type: 'string' },
    places: { type: 'string' },
    seed: { type: 'string' },
    fifo: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

function number(text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${text} is no whole number from 1`);
  return value;
}

if (values.help) console.log(HELP);
else {
  const sessions = number(values.sessions, DAY.sessions);
  const scenario = {
    ...DAY,
    sessions,
    flood: Math.round((sessions * DAY.flood) / DAY.sessions),
    runners: number(values.runners, DAY.runners),
    places: number(values.places, DAY.places),
    fair: !values.fifo,
    seed: number(values.seed, DAY.seed),
  };
  const begun = performance.now();
  const world = new World(scenario);
  const measures = world.run();
  const found = report(world, measures, (performance.now() - begun) / 1000);
  console.log(values.json ? JSON.stringify(found.figures) : found.text);
  if (measures.wrong.length > 0) process.exitCode = 1;
}
