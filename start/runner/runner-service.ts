import { findEngine } from './engine.ts';
import { readFileVariables } from '../settings/file-variables.ts';
import { makeBundles } from '../bundles.ts';
import { isRefused } from '../lib/refused.ts';
import { mcpServersWithoutImage } from './mcp-servers.ts';
import { sessionImage } from './session-image.ts';
import { withoutEmpty } from '../settings/settings.ts';

/**
 * The runner alone, as a service that needs no preparation: it builds the image for sessions when the engine has none. Its
 * secrets may also come from files (`RUNNER_TOKEN_FILE` and the like).
 */

const FROM_FILES = [
  'RUNNER_TOKEN',
  'S3_ACCESS_KEY_ID',
  'S3_SECRET_ACCESS_KEY',
  'MINIO_ACCESS_KEY',
  'MINIO_SECRET_KEY',
  'ANTHROPIC_API_KEY',
  'ANTHROPIC_AUTH_TOKEN',
  'CLAUDE_CODE_OAUTH_TOKEN',
];

const env = readFileVariables(withoutEmpty(process.env), FROM_FILES);
if (isRefused(env)) {
  console.error(env.refused);
  process.exit(1);
}
const { wrapper: wrapperBundle } = await makeBundles('wrapper');
const stopped = new AbortController();
const stop = () => stopped.abort();
// Exit at once: nothing is started yet, and otherwise the engine's build would keep this process waiting.
stopped.signal.addEventListener('abort', () => process.exit(0), { once: true });
process.once('SIGTERM', stop).once('SIGINT', stop);
if (env['RUNNER_BACKEND'] === 'process') await mcpServersWithoutImage(console.log, stopped.signal);
else {
  const engine = await findEngine();
  process.env['SESSION_IMAGE'] = await sessionImage({
    env,
    engine,
    wrapperBundle,
    say: console.log,
    signal: stopped.signal,
  });
}
process.off('SIGTERM', stop).off('SIGINT', stop);
for (const name of FROM_FILES) if (env[name] !== undefined) process.env[name] = env[name];
process.env['WRAPPER_BUNDLE'] = wrapperBundle;
await import('../../runner/main.ts');
