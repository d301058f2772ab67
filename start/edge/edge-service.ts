import { once } from 'node:events';
import path from 'node:path';
import { directWays } from './direct-ways.ts';
import { awaitEarlierEdge, edgeFolder, startEdgePart } from './edge-part.ts';
import { readFileVariables } from '../settings/file-variables.ts';
import { makeBundles } from '../bundles.ts';
import { lockDataFolder } from '../lib/lock.ts';
import { isRefused, type Refused } from '../lib/refused.ts';
import { loginWays } from '../settings/login-code.ts';
import { ensureSecret } from '../settings/secret.ts';
import { withSharedEnvironments } from '../settings/shared-environments.ts';
import { parseSettings } from '../settings/settings.ts';
import { listenForStop } from '../lib/stop-signals.ts';

/** Secrets that may also come from files, such as `DISCORD_BOT_TOKEN_FILE`. */
const FROM_FILES = ['JWT_SECRET', 'JWT_SECRET_PREVIOUS', 'DISCORD_BOT_TOKEN', 'UPSTASH_REDIS_REST_TOKEN'];

const say = (line: string): void => console.log(`cc-docker edge: ${line}`);

/** The edge alone, as a service, without the runner of `npm start`. Settings: `HOST`, `PORT`, and the edge's. */
async function main(): Promise<number | Refused> {
  const env = readFileVariables(process.env, FROM_FILES);
  if (isRefused(env)) return env;
  const parsed = parseSettings(env);
  if (isRefused(parsed)) return parsed;
  const settings = withSharedEnvironments(parsed, env);
  if (isRefused(settings)) return settings;
  const secret = ensureSecret(settings);
  if (isRefused(secret)) return secret;
  const lock = lockDataFolder(settings.dataFolder);
  if (isRefused(lock)) return lock;
  const stop = listenForStop(false);
  try {
    const earlier = await awaitEarlierEdge(settings.dataFolder, say, stop.first);
    if (stop.first.aborted) return 0;
    if (earlier !== undefined) return earlier;
    const { worker } = await makeBundles('worker');
    const edge = await startEdgePart({
      worker,
      host: settings.host,
      port: settings.port,
      stateFolder: edgeFolder(settings.dataFolder),
      vars: { ...settings.edgeVars, JWT_SECRET: secret.value },
      log: path.join(settings.dataFolder, 'edge.log'),
      say,
    });
    if (isRefused(edge)) return edge;
    const direct = directWays(env, settings.edgeVars);
    if (direct !== undefined) say(direct);
    console.log(`cc-docker edge serves on ${edge.url}`);
    const login = await loginWays(secret.value, settings.edgeVars['PUBLIC_URL'] ?? edge.url);
    console.log(`open the console within 10 minutes, once: ${login.open}`);
    console.log(`log in within 10 minutes, once: ${login.command}`);
    if (!stop.first.aborted) await once(stop.first, 'abort');
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
