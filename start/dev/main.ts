import path from 'node:path';
import { createTerminal } from '../../cli/output/terminal.ts';
import { isRefused, type Refused } from '../lib/refused.ts';
import { serve } from '../serve.ts';
import { ensureSecret } from '../settings/secret.ts';
import { loadEnvironment, parseSettings } from '../settings/settings.ts';
import { withSharedEnvironments } from '../settings/shared-environments.ts';
import { watchFolders } from './watch-folders.ts';
import { startWranglerDev } from './wrangler-dev.ts';

const HELP = `npm run dev    serves CC-Docker for whoever changes it

The edge runs in \`wrangler dev\`: it is loaded anew after an edit, and a debugger finds it on port 9229. The runner is
started again after an edit of what runs in it or in a container; its sessions are parked, and wake with their next message.

Settings are those of \`npm start\`. The data is in a folder of its own, below that of \`npm start\`.`;

/** What the runner and its containers are made of. */
const RUNNER_SOURCE = ['runner', 'wrapper', 'protocol', 'demo-model', 'container'];

/** `npm run dev`. */
async function main(): Promise<number | Refused> {
  const terminal = createTerminal(process.stdout);
  const [argument] = process.argv.slice(2);
  if (argument === '--help' || argument === '-h') return (terminal.line(HELP), 0);
  if (argument !== undefined) return { refused: `${argument}: npm run dev takes nothing but --help` };
  const env = loadEnvironment();
  if (isRefused(env)) return env;
  const parsed = parseSettings(env);
  if (isRefused(parsed)) return parsed;
  const settings = withSharedEnvironments(parsed, env);
  if (isRefused(settings)) return settings;
  // That of `npm start`, with which `npm run token` signs.
  const secret = ensureSecret(settings);
  if (isRefused(secret)) return secret;
  return await serve({
    env,
    settings: { ...settings, dataFolder: path.join(settings.dataFolder, 'dev'), jwtSecret: secret.value },
    prompt: undefined,
    terminal,
    startEdge: (options) => startWranglerDev(options, (line) => terminal.line(line)),
    watchRunner: (onEdit, signal) => watchFolders(RUNNER_SOURCE, onEdit, signal),
  });
}

const outcome = await main();
if (typeof outcome === 'number') process.exit(outcome);
console.error(outcome.refused);
process.exit(1);
