import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { bundlePorter, bundleWorker, bundleWrapper } from '../scripts/bundle.ts';
import { isRefused } from '../start/lib/refused.ts';
import { findEngine } from '../test/support/docker/engine.ts';
import { prepareImage } from '../test/support/docker/prepare-image.ts';
import { commandOf, HELP, parseOptions, type ChaosOptions } from './options.ts';
import { possible } from './possible.ts';
import { reportOf, runLine } from './report.ts';
import { runChaos } from './run.ts';
import { parseSchedule } from './schedule.ts';
import type { EngineOfRun } from './world/world.ts';

const say = (line: string): void => console.log(line);

/** `npm run chaos`. */
async function main(): Promise<number> {
  const command = parseOptions(process.argv.slice(2));
  if (isRefused(command)) return (console.error(command.refused), 1);
  if (command.run === 'help') return (console.log(HELP), 0);
  const bundled = Promise.all([bundleWorker(), bundleWrapper(), bundlePorter()]);
  if (command.backend === 'process') return (await bundled, await chaos(command));
  const engine = await findEngine();
  if (!engine.ok) return (await bundled, console.error(engine.why), 1);
  try {
    const image = await prepareImage(
      engine,
      bundled.then(() => undefined),
    );
    if (!image.ok) return (console.error(image.why), 1);
    return await chaos(command, { docker: engine.docker, host: engine.host, image: image.image });
  } finally {
    await engine.stop();
  }
}

async function chaos(command: ChaosOptions, engine?: EngineOfRun): Promise<number> {
  const { seed, backend, sessions } = command;
  const kinds = possible(command.kinds, backend, say);
  const replay = command.replay === undefined ? undefined : parseSchedule(await readFile(command.replay, 'utf8'));
  say(`seed ${seed}: ${replay?.length ?? command.kills} ${replay ? 'faults' : 'kills'}, ${sessions} sessions`);
  const result = await runChaos({ ...command, kinds, replay, engine, signal: stopped.signal, say });
  say(reportOf(commandOf({ ...command, kinds }), result));
  if (command.logs !== undefined) await writeFile(command.logs, result.logs);
  const date = new Date().toISOString().slice(0, 10);
  if (command.record !== undefined)
    await appendFile(command.record, `${JSON.stringify(runLine({ seed, backend, date }, result))}\n`);
  return result.violations.length === 0 ? 0 : 1;
}

// What was begun has to be ended: the service, its disk, an engine.
const stopped = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort(new Error(signal)));

process.exit(await main());
