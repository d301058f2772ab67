import { WrapperExit } from '../protocol/link/wrapper/wrapper-exit.ts';
import type { WrapperLaunch } from '../protocol/link/wrapper/wrapper-launch.ts';
import { build } from './builder/build.ts';
import { Conversation } from './conversation/conversation.ts';
import { rehearse } from './rehearsal.ts';
import { SESSION_MARK } from './ports/session-mark.ts';
import { setOwnLimits } from './seal/own-limits.ts';
import { judgeSeal, type SealNotice, unreadableSeal } from './seal/seal.ts';
import { readSealFacts } from './seal/seal-facts.ts';
import { readLaunchFile } from './shapes/read-launch.ts';
import { knownTools } from './tools/known-tools.ts';

/**
 * `node wrapper.mjs LAUNCH_JSON`: runs one epoch. `node wrapper.mjs cache`: writes the cache beside the bundle that lets it start sooner. `node wrapper.mjs build BUILD_JSON`: makes an environment's image. Exit codes of
 * both: protocol/link/wrapper/wrapper-exit.ts.
 */

function readLaunch(path: string | undefined): WrapperLaunch {
  if (path === undefined) throw new Error('usage: node wrapper.mjs LAUNCH_JSON');
  return complete(readLaunchFile(path));
}

/** The rest of the wrapper finds all tools in one place, and all that it starts has the session's mark. */
function complete(given: WrapperLaunch): WrapperLaunch {
  const { agent_tools } = given.config;
  return {
    ...given,
    env: { ...given.env, [SESSION_MARK]: given.session_id },
    config: { ...given.config, agent_tools: [...agent_tools, ...knownTools(given.more_tools ?? [])] },
  };
}

/** Null: this container needs no seal. */
async function probeSeal(launch: WrapperLaunch): Promise<SealNotice | null> {
  if (!launch.seal) return null;
  try {
    if (launch.limits !== undefined) setOwnLimits(launch.limits);
    return judgeSeal(await readSealFacts(launch), launch);
  } catch (error) {
    return unreadableSeal(error);
  }
}

function fail(error: unknown): never {
  console.error(`cc-docker wrapper: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(WrapperExit.failed);
}

if (process.argv[2] === 'build') process.exit(await build(process.argv[3]));
if (process.argv[2] === 'cache') process.exit(await rehearse());
let launch: WrapperLaunch;
try {
  launch = readLaunch(process.argv[2]);
} catch (error) {
  fail(error);
}
// Before anything is started or listens.
const seal = await probeSeal(launch);
if (seal?.notice === 'seal_broken')
  for (const { probe, detail } of seal.failed)
    console.error(`cc-docker wrapper: the seal is broken: ${probe}: ${detail}`);
const conversation = new Conversation(launch, seal);
const stop = (): void => {
  conversation.stop();
};
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
// This also runs after an uncaught error: `claude` must not outlive its wrapper.
process.on('exit', () => {
  conversation.kill();
});
const { unacknowledged, code } = await conversation.ended;
if (unacknowledged > 0) console.error(`cc-docker wrapper: ${unacknowledged} items were not acknowledged in time`);
process.exit(code);
