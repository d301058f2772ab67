import { writeFile } from 'node:fs/promises';
import { isRefused } from '../../start/lib/refused.ts';
import { HELP, parseHostOptions } from './options.ts';
import { runHost } from './run.ts';

/** `npm run simulate -- --host`. Exit codes: 0 nothing went wrong; 1 it did, or could not be run; 130 ended by a signal. */
export async function hostMain(args: readonly string[]): Promise<number> {
  const options = parseHostOptions(args);
  if (options === 'help') return (console.log(HELP), 0);
  if (isRefused(options)) return (console.error(options.refused), 1);
  if (process.getuid?.() !== 0)
    return (console.error('it reads the memory of containers’ processes: run it as root'), 1);
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
  const found = await runHost(options, stop.signal, (line) => console.log(line));
  if (isRefused(found)) return (console.error(found.refused), stop.signal.aborted ? 130 : 1);
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(found.figures, null, 2)}\n`);
  return found.isGood ? 0 : 1;
}
