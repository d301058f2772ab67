import path from 'node:path';
import { stop as stopEsbuild } from 'esbuild';
import { bundleWorker } from '../../scripts/bundle.ts';
import { startEdgePart } from './edge-part.ts';
import { readFileVariables } from '../settings/file-variables.ts';
import { lockDataFolder } from '../lib/lock.ts';
import { isRefused, type Refused } from '../lib/refused.ts';
import { ensureSecret } from '../settings/secret.ts';
import { parseSettings } from '../settings/settings.ts';
import { listenForStop } from '../lib/stop-signals.ts';

/** Secrets that may also come from files, such as `DISCORD_BOT_TOKEN_FILE`. */
const FROM_FILES = ['JWT_SECRET', 'JWT_SECRET_PREVIOUS', 'DISCORD_BOT_TOKEN', 'UPSTASH_REDIS_REST_TOKEN'];

/** The edge alone, as a service, without the runner of `npm start`. Settings: `HOST`, `PORT`, and the edge's. */
async function main(): Promise<number | Refused> {
  const env = readFileVariables(process.env, FROM_FILES);
  if (isRefused(env)) return env;
  const settings = parseSettings(env);
  if (isRefused(settings)) return settings;
  const secret = ensureSecret(settings);
  if (isRefused(secret)) return secret;
  const lock = lockDataFolder(settings.dataFolder);
  if (isRefused(lock)) return lock;
  const stop = listenForStop(false);
  try {
    const worker = await bundleWorker();
    await stopEsbuild();
    const edge = await startEdgePart({
      worker,
      host: settings.host,
      port: settings.port,
      stateFolder: path.join(settings.dataFolder, 'edge'),
      vars: { ...settings.edgeVars, JWT_SECRET: secret.value },
      log: path.join(settings.dataFolder, 'edge.log'),
      say: (line) => console.log(`cc-docker edge: ${line}`),
    });
    if (isRefused(edge)) return edge;
    console.log(`cc-docker edge serves on ${edge.url}`);
    const stopped = new Promise<'stopped'>((resolve) => {
      stop.first.addEventListener('abort', () => resolve('stopped'), { once: true });
      if (stop.first.aborted) resolve('stopped');
    });
    const how = await Promise.race([stopped, edge.ended]);
    if (how !== 'stopped') return { refused: how };
    await edge.stop();
    return 0;
  } finally {
    lock.release();
    stop.release();
  }
}

const outcome = await main();
if (typeof outcome === 'number') process.exit(outcome);
console.error(outcome.refused);
process.exit(1);
