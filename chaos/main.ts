import { writeFile } from 'node:fs/promises';
import { bundleWorker, bundleWrapper } from '../scripts/bundle.ts';
import { isRefused } from '../start/lib/refused.ts';
import { HELP, parseOptions } from './options.ts';
import { reportOf } from './report.ts';
import { runChaos } from './run.ts';

/** `npm run chaos`. */
async function main(): Promise<number> {
  const command = parseOptions(process.argv.slice(2));
  if (isRefused(command)) return (console.error(command.refused), 1);
  if (command.run === 'help') return (console.log(HELP), 0);
  const { logs, ...options } = command;
  await Promise.all([bundleWorker(), bundleWrapper()]);
  console.log(`seed ${options.seed}: ${options.kills} kills, ${options.sessions} sessions`);
  const result = await runChaos({ ...options, say: (line) => console.log(line) });
  console.log(reportOf(options, result));
  if (logs !== undefined) await writeFile(logs, result.logs);
  return result.violations.length === 0 ? 0 : 1;
}

process.exit(await main());
