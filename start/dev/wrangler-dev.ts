import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { placeAssets } from '../../scripts/bundle.ts';
import type { EdgePartOptions } from '../edge/edge-part.ts';
import type { Edge } from '../edge/edge.ts';
import { waitForRunners } from '../edge/health.ts';
import { Keeper } from '../edge/workerd/keeper.ts';
import { killPart, partExit } from '../lib/part.ts';
import { localUrl } from '../lib/port.ts';
import { PROJECT } from '../lib/project.ts';
import type { Refused } from '../lib/refused.ts';

const WRANGLER = path.join(PROJECT, 'node_modules/wrangler/bin/wrangler.js');

/** Who starts the edge asks for its health all the while. */
const OWN_CALL = /GET \/health 200/;

/** Serves the edge by `wrangler dev`, which loads it anew after an edit. @param show gets what it writes, line by line */
export async function startWranglerDev(
  { host, port, stateFolder, vars }: EdgePartOptions,
  show: (line: string) => void,
): Promise<Edge | Refused> {
  if (existsSync(path.join(PROJECT, '.dev.vars')))
    return { refused: 'wrangler dev would read .dev.vars, which the runner does not: move its lines to .env' };
  await mkdir(stateFolder, { recursive: true });
  await placeAssets();
  const envFile = `${stateFolder}.env`;
  await writeFile(envFile, envText(vars), { mode: 0o600 });
  const wrangler = spawn(
    process.execPath,
    [
      WRANGLER,
      'dev',
      `--ip=${host}`,
      `--port=${port}`,
      `--persist-to=${stateFolder}`,
      `--env-file=${envFile}`,
      '--show-interactive-dev-session=false',
    ],
    {
      cwd: PROJECT,
      // In a process group of its own: a Ctrl-C at the terminal is for `npm run dev`, which lets the runner drain first.
      detached: true,
      env: { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true', NO_UPDATE_NOTIFIER: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  for (const output of [wrangler.stdout, wrangler.stderr])
    createInterface(output).on('line', (line) => OWN_CALL.test(line) || show(`edge   ${line}`));
  if (wrangler.pid === undefined) return { refused: 'wrangler dev could not be started: `npm install` brings it' };
  const keeper = new Keeper((line) => show(`edge   ${line}`));
  // The group: wrangler has processes of its own.
  await keeper.keep(-wrangler.pid);
  const exit = partExit(wrangler);
  const ended = new AbortController();
  void exit.then(() => ended.abort());
  const url = localUrl(host, port);
  const stop = async () => {
    killPart(wrangler);
    await exit;
    await keeper.keep(null);
    await keeper.end();
  };
  if (await waitForRunners(url, () => true, ended.signal)) return { url, lifeline: () => keeper.lifeline, stop };
  await stop();
  return { refused: 'wrangler dev ended before it served: it says above why' };
}

/** The texts as lines of an `.env` file. */
function envText(vars: Readonly<Record<string, string>>): string {
  return Object.entries(vars)
    .map(([name, value]) => {
      const quote = ["'", '"', '`'].find((one) => !value.includes(one));
      if (quote === undefined) throw new Error(`${name} has all three kinds of quotes, which no .env file can hold`);
      return `${name}=${quote}${value}${quote}\n`;
    })
    .join('');
}
