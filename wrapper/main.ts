import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SPARE_FILE } from '../protocol/link/wrapper/spare.ts';
import { WrapperExit } from '../protocol/link/wrapper/wrapper-exit.ts';
import type { WrapperLaunch } from '../protocol/link/wrapper/wrapper-launch.ts';
import { build } from './builder/build.ts';
import { Conversation } from './conversation/conversation.ts';
import { markOf, SESSION_MARK } from './ports/session-mark.ts';
import { rehearse } from './rehearsal.ts';
import { setOwnLimits } from './seal/own-limits.ts';
import { judgeSeal, type SealNotice, unreadableSeal } from './seal/seal.ts';
import { readSealFacts } from './seal/seal-facts.ts';
import { readLaunchFile } from './shapes/read-launch.ts';
import type { Parked } from './spare/parked.ts';
import { knownTools } from './tools/known-tools.ts';

/**
 * `node wrapper.mjs LAUNCH_JSON`: runs one epoch; where there is `spare.json` beside it instead, it waits for the session first. `node wrapper.mjs
 * cache`: writes the cache beside the bundle that lets it start sooner. `node wrapper.mjs build BUILD_JSON`: makes an environment's image. Exit codes of
 * both: protocol/link/wrapper/wrapper-exit.ts.
 */

function readLaunch(path: string): WrapperLaunch {
  return complete(readLaunchFile(path));
}

/** The rest of the wrapper finds all tools in one place, and all that it starts has the session's mark. */
function complete(given: WrapperLaunch): WrapperLaunch {
  const { agent_tools } = given.config;
  return {
    ...given,
    // What a spare has started has the spare's own.
    env: { ...given.env, [SESSION_MARK]: markOf(given) },
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

/** The session for which this container is, and the `claude` that waits in it, if it was a spare. Null: it was one, and no session came. */
async function sessionOf(path: string | undefined): Promise<{ launch: WrapperLaunch; parked: Parked | null } | null> {
  if (path === undefined) throw new Error('usage: node wrapper.mjs LAUNCH_JSON');
  const spareFile = join(dirname(path), SPARE_FILE);
  if (existsSync(path) || !existsSync(spareFile)) return { launch: readLaunch(path), parked: null };
  const launch = readLaunch(spareFile);
  if (isBroken(await probeSeal(launch))) process.exit(WrapperExit.sealBroken);
  const { Spare } = await import('./spare/spare.ts');
  const spare = new Spare(launch, () => (existsSync(path) ? readLaunch(path) : null));
  const end = (): void => {
    spare.end();
  };
  const kill = (): void => {
    spare.kill();
  };
  process.on('SIGTERM', end).on('SIGINT', end).on('exit', kill);
  const claimed = await spare.claimed;
  process.off('SIGTERM', end).off('SIGINT', end).off('exit', kill);
  return claimed;
}

/** Says what is broken. */
function isBroken(seal: SealNotice | null): boolean {
  if (seal?.notice !== 'seal_broken') return false;
  for (const { probe, detail } of seal.failed)
    console.error(`cc-docker wrapper: the seal is broken: ${probe}: ${detail}`);
  return true;
}

if (process.argv[2] === 'build') process.exit(await build(process.argv[3]));
if (process.argv[2] === 'cache') process.exit(await rehearse());
let session: { launch: WrapperLaunch; parked: Parked | null } | null;
try {
  session = await sessionOf(process.argv[2]);
} catch (error) {
  fail(error);
}
if (session === null) process.exit(WrapperExit.done);
const { launch, parked } = session;
// Before anything is started or listens; of a spare once more, for its session.
const seal = await probeSeal(launch);
if (isBroken(seal)) parked?.claude.kill();
const conversation = new Conversation(launch, seal, parked);
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
