import { chmod, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type Docker from 'dockerode';
import { CcDocker } from '../../client/main.ts';
import { runningProcess, signalProcess } from '../../runner/lib/process-identity.ts';
import { WRAPPER_BUNDLE } from '../../scripts/bundle.ts';
import { processFileOf } from '../../start/edge/edge.ts';
import { waitForRunners } from '../../start/edge/health.ts';
import { PROJECT } from '../../start/lib/project.ts';
import { readIfThere } from '../../start/lib/process-file.ts';
import { mintToken } from '../../start/settings/mint-token.ts';
import { LoopDisk } from '../../test/support/disk/loop-disk.ts';
import { freePort } from '../../test/support/net/free-port.ts';
import { nodeEnvironment } from '../../test/support/run/node-environment.ts';
import { atMost } from '../../test/support/patience.ts';
import type { FaultKind } from '../plan.ts';
import { Clock } from './clock/clock.ts';
import { Containers } from './containers.ts';
import { Network } from './network.ts';
import { Part } from './part.ts';
import { allPids, parentOf, Processes } from './processes.ts';
import type { SessionHost } from './session-host.ts';

const SECRET = 'known to every run and of no use elsewhere';
const TOKEN_SECONDS = 86_400;
/** How long the service may take to begin, milliseconds. */
const BEGIN_MS = atMost(120);
/** Of the disk that is filled, MB, and below how much free space it takes no new work. */
const DISK_MB = 320;
const FLOOR_MB = 40;

/** The engine on which sessions run, with their image. */
export interface EngineOfRun {
  readonly docker: Docker;
  /** As `DOCKER_HOST`; absent: where a Docker client looks by itself. */
  readonly host: string | undefined;
  readonly image: string;
}

export interface WorldOptions {
  readonly seed: number;
  /** What will be done to it: a clock and a disk of its own are made only for that. */
  readonly kinds: readonly FaultKind[];
  /** Absent: sessions are processes of this machine. */
  readonly engine?: EngineOfRun | undefined;
}

/**
 * A service as an operator starts it: an edge with its supervisor, and a runner, each of which a service manager keeps running; and
 * sessions whose `claude` is the real one.
 */
export class World {
  readonly network: Network;
  /** Null: nobody sets it in this run. */
  readonly clock: Clock | null;
  /** Where all the service's data is. Null: nobody fills it in this run. */
  readonly disk: LoopDisk | null;
  readonly host: SessionHost;
  readonly edge: Part;
  readonly runner: Part;
  /** Of this run alone, with the service's data in it unless that has a disk of its own. */
  readonly #folder: string;
  readonly #data: string;

  private constructor(made: Pick<World, 'network' | 'clock' | 'disk' | 'host' | 'edge' | 'runner'> & Folders) {
    ({ network: this.network, clock: this.clock, disk: this.disk } = made);
    ({ host: this.host, edge: this.edge, runner: this.runner } = made);
    [this.#folder, this.#data] = [made.folder, made.data];
  }

  static async open({ seed, kinds, engine }: WorldOptions): Promise<World> {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-chaos-'));
    const disk = kinds.includes('disk') ? LoopDisk.make(DISK_MB) : null;
    const data = path.join(disk?.folder ?? folder, 'data');
    const sessions = path.join(data, 'runner', 'sessions');
    await mkdir(sessions, { recursive: true });
    // The containers' user has to reach its own folders below.
    for (const one of [folder, data, ...(disk === null ? [] : [path.dirname(disk.folder), disk.folder])])
      await chmod(one, 0o711);
    const clock = kinds.includes('clock') ? await Clock.make(folder) : null;
    const network = await Network.open(seed);
    const port = await freePort('127.0.0.1');
    const url = network.leadTo(`http://127.0.0.1:${port}`);
    const common = {
      ...nodeEnvironment(),
      ...clock?.env,
      HOME: folder,
      DISK_FLOOR_MB: disk === null ? '0' : `${FLOOR_MB}`,
    };
    const edge = new Part({
      module: path.join(PROJECT, 'start', 'edge', 'edge-service.ts'),
      env: async () => ({ ...common, ...EDGE, CC_DOCKER_DATA: data, HOST: '127.0.0.1', PORT: String(port) }),
    });
    const runner = new Part({
      module: path.join(PROJECT, 'runner', 'main.ts'),
      env: async () => ({
        ...common,
        ...RUNNER,
        EDGE_URL: url,
        CC_DOCKER_DATA: data,
        RUNNER_TOKEN: await mintToken(SECRET, { kind: 'runner', sub: 'chaos', ttlSeconds: TOKEN_SECONDS }),
        ...(engine === undefined
          ? { RUNNER_BACKEND: 'process' }
          : { RUNNER_BACKEND: 'docker', SESSION_IMAGE: engine.image }),
        ...(engine?.host !== undefined && { DOCKER_HOST: engine.host }),
      }),
    });
    const host = engine === undefined ? new Processes(sessions) : await Containers.open(engine.docker, sessions);
    const world = new World({ network, clock, disk, host, edge, runner, folder, data });
    if (await waitForRunners(url, (runners) => runners > 0, AbortSignal.timeout(BEGIN_MS))) return world;
    const logs = await world.logs();
    await world.close();
    throw new Error(`the service did not begin:\n${logs}`);
  }

  /** A client of a user, who reaches the service over the network that breaks. */
  async client(sub: string): Promise<CcDocker> {
    const token = await mintToken(SECRET, { kind: 'user', sub, ttlSeconds: TOKEN_SECONDS });
    return new CcDocker({ url: this.network.url, token, retries: 0 });
  }

  /** Where the agent's files are. */
  workspace(sessionId: string, name: string): string {
    return path.join(this.#sessions, sessionId, 'workspace', name);
  }

  /** Kills the edge's workerd. Its supervisor starts another. @returns whether there was one */
  killEdge(): boolean {
    const pid = runningProcess(readIfThere(processFileOf(path.join(this.#data, 'edge'))) ?? '');
    return pid !== undefined && signalProcess(pid, 'SIGKILL');
  }

  /** Kills the process that ends workerd when the supervisor has died. The supervisor starts another. @returns whether there was one */
  async killKeeper(): Promise<boolean> {
    const supervisor = this.edge.pid;
    for (const pid of await allPids()) {
      if ((await parentOf(pid)) !== supervisor) continue;
      const command = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
      if (command.startsWith('sh\0-c\0\npid=')) return signalProcess(pid, 'SIGKILL');
    }
    return false;
  }

  /** What is left of sessions that are deleted. */
  async left(): Promise<string[]> {
    const folders = await readdir(this.#sessions);
    return [...(await this.host.left()), ...folders.map((name) => `the folder of ${name}`)];
  }

  /** What the parts have written. */
  async logs(): Promise<string> {
    const edge = readIfThere(path.join(this.#data, 'edge.log')) ?? '';
    return `${this.edge.log}\n${edge}\n${this.runner.log}`;
  }

  async close(): Promise<void> {
    // Told twice, a runner waits for no turn.
    await this.runner.stop('SIGTERM', 'SIGINT');
    await this.edge.stop('SIGTERM');
    await this.network.close();
    await this.host.close();
    this.clock?.close();
    this.disk?.remove();
    await rm(this.#folder, { recursive: true, force: true });
  }

  get #sessions(): string {
    return path.join(this.#data, 'runner', 'sessions');
  }
}

interface Folders {
  readonly folder: string;
  readonly data: string;
}

const EDGE = {
  JWT_SECRET: SECRET,
  ACCESS_LOG: 'off',
  RATE_LIMIT_PER_OWNER: '0',
  RATE_LIMIT_PER_ADDRESS: '0',
  FAILED_TOKENS_PER_ADDRESS: '0',
  MAX_SESSIONS_PER_USER: '1000',
};

const RUNNER = {
  WRAPPER_BUNDLE,
  // As Claude Code has it by default: a call that finds no runner is made again.
  CLAUDE_CODE_MAX_RETRIES: '10',
  RUNNER_CAPACITY: '50',
  RUNNER_CPUS: '0',
  RUNNER_MEMORY_MB: '0',
  WARM_SESSIONS: '0',
};
