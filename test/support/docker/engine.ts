import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import { errorText } from '../../../container/build/engine-stream.ts';
import { atMost } from '../patience.ts';

/** A running engine for tests. */
export interface TestEngine {
  ok: true;
  /** As `DOCKER_HOST`; absent: where dockerode looks by itself. */
  host: string | undefined;
  docker: Docker;
  /** Ends the engine, if it was started here, with all that it holds. */
  stop: () => Promise<void>;
}
export type FoundEngine = TestEngine | { ok: false; why: string };

const START_MS = atMost(60);

/**
 * The engine that tests use: the one that `DOCKER_HOST` names, else the machine's, else one of their own.
 *
 * `CC_DOCKER_TEST_ENGINE_DIR` asks for one of their own in that folder, whatever else there is.
 */
export async function findEngine(): Promise<FoundEngine> {
  const folder = process.env['CC_DOCKER_TEST_ENGINE_DIR'];
  if (folder !== undefined && folder !== '') return await startEngine(folder);

  const host = process.env['DOCKER_HOST'];
  const docker = new Docker();
  try {
    await docker.ping();
    return { ok: true, host, docker, stop: async () => {} };
  } catch (error) {
    const why = `no Docker engine answers${host === undefined ? '' : ` at ${host}`} (${errorText(error)})`;
    if (host !== undefined) return { ok: false, why };
    const obstacle = await cannotStartEngine();
    if (obstacle !== undefined) return { ok: false, why: `${why}, and ${obstacle}` };
  }
  // Not the folder for temporary files: that may be in memory, and an engine's layers want a disk.
  return await startEngine(await mkdtemp('/var/tmp/cc-docker-engine-'));
}

/** A client of the engine at `host`, as `TestEngine.host` has it. */
export function connectEngine(host: string | undefined): Docker {
  return host?.startsWith('unix://') === true ? new Docker({ socketPath: host.slice('unix://'.length) }) : new Docker();
}

async function cannotStartEngine(): Promise<string | undefined> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root on Linux can start one for the tests';
  try {
    await promisify(execFile)('dockerd', ['--version']);
    return undefined;
  } catch {
    return 'there is no dockerd to start one with';
  }
}

/**
 * The engine's keeper outlives this process by as long as it takes to clean up: however the tests end, their pipe to
 * it closes, and it ends the engine that it started and removes the folder (with the network namespace that the engine
 * leaves mounted in it).
 */
const KEEPER = `
dir=$1; shift
dockerd "$@" >"$dir/log" 2>&1 &
read -r _
kill $!; wait $!
while read -r _ _ _ _ mount _; do
  case $mount in "$dir"/*) umount "$mount" ;; esac
done </proc/self/mountinfo
rm -rf "$dir"
`;

async function startEngine(folder: string): Promise<FoundEngine> {
  await mkdir(folder, { recursive: true });
  const socketPath = join(folder, 'docker.sock');
  const options = [
    ['--data-root', join(folder, 'data')],
    ['--exec-root', join(folder, 'exec')],
    ['-H', `unix://${socketPath}`],
    ['-p', join(folder, 'pid')],
    // Sessions have no network and builds use the host's, so the machine's own network stays as it is.
    ['--bridge=none', '--iptables=false', '--ip6tables=false'],
  ].flat();
  // Detached: Ctrl-C is for the tests; the engine is still needed to clean up after them.
  const keeper = spawn('sh', ['-c', KEEPER, 'keeper', folder, ...options], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  const ended = once(keeper, 'exit');
  const stop = async () => {
    keeper.stdin.end();
    await ended;
  };

  const docker = new Docker({ socketPath });
  if (await answers(docker)) return { ok: true, host: `unix://${socketPath}`, docker, stop };
  const log = await readFile(join(folder, 'log'), 'utf8');
  await stop();
  const lastWords = log.trimEnd().split('\n').slice(-5).join('\n');
  return { ok: false, why: `an engine of the tests' own did not come up:\n${lastWords}` };
}

async function answers(docker: Docker): Promise<boolean> {
  const deadline = Date.now() + START_MS;
  while (Date.now() < deadline) {
    try {
      await docker.ping();
      return true;
    } catch {
      await delay(50);
    }
  }
  return false;
}
