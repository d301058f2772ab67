import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CcDocker } from '../../client/main.ts';
import { runningProcess, signalProcess } from '../../runner/lib/process-identity.ts';
import { processFileOf } from '../../start/edge/edge.ts';
import { Service } from '../../test/support/e2e/service.ts';
import { Network } from './network.ts';
import { sessionProcesses, type SessionProcess } from './processes.ts';

/** How often it is looked how many containers a session has, milliseconds. */
const LOOK_MS = 100;

/** A service as a person starts it: an edge that is started again when it ends, a runner, and sessions whose `claude` is the real one. */
export class World {
  readonly network: Network;
  readonly #service: Service;
  /** The most wrappers that each session had at one time. */
  readonly mostContainers = new Map<string, number>();
  #isOpen = true;
  #watching: Promise<void> = Promise.resolve();

  private constructor(network: Network, service: Service) {
    this.network = network;
    this.#service = service;
  }

  static async open(seed: number): Promise<World> {
    const network = await Network.open(seed);
    const service = await Service.start({
      backend: 'process',
      edgeUrlOfRunners: (url) => network.leadTo(url),
      // As Claude Code has it by default: a call that finds no runner is made again.
      runnerEnv: { CLAUDE_CODE_MAX_RETRIES: '10', CAPACITY: '50' },
      vars: {
        RATE_LIMIT_PER_OWNER: '0',
        RATE_LIMIT_PER_ADDRESS: '0',
        FAILED_TOKENS_PER_ADDRESS: '0',
        MAX_SESSIONS_PER_USER: '1000',
      },
      keepsEdgeLog: true,
    });
    const world = new World(network, service);
    world.#watching = world.#watchContainers();
    return world;
  }

  /** A client of a user, who reaches the service over the network that breaks. */
  async client(sub: string): Promise<CcDocker> {
    return new CcDocker({ url: this.network.url, token: await this.#service.token(sub), retries: 0 });
  }

  /** Where the agent's files are. */
  workspace(sessionId: string, name: string): string {
    return this.#service.workspace(sessionId, name);
  }

  processes(): Promise<SessionProcess[]> {
    return sessionProcesses(path.join(this.#service.folder, 'runner', 'sessions'));
  }

  /** Kills the edge's workerd. Its supervisor starts another. @returns whether there was one */
  killEdge(): boolean {
    const file = processFileOf(path.join(this.#service.folder, 'edge'));
    const pid = runningProcess(readFileSync(file, 'utf8'));
    return pid !== undefined && signalProcess(pid, 'SIGKILL');
  }

  /** Kills the runner, and starts another some time later. */
  async killRunner(awayMs: number): Promise<void> {
    await this.#service.stopRunner('SIGKILL');
    await pause(awayMs);
    await this.#service.beginRunner();
  }

  /** What the parts have written. */
  get logs(): string {
    return `${this.#service.edgeLog}\n${this.#service.log}`;
  }

  /** The names of what is left in the runner's folder of sessions. */
  get sessionsFolder(): string {
    return path.join(this.#service.folder, 'runner', 'sessions');
  }

  async close(): Promise<void> {
    this.#isOpen = false;
    await this.#watching;
    await this.#service.stop();
    await this.network.close();
    // Sessions of a runner that was killed, and that no other one has followed.
    for (const { pid } of await this.processes()) signalProcess(pid, 'SIGKILL');
  }

  async #watchContainers(): Promise<void> {
    while (this.#isOpen) {
      const wrappers = (await this.processes()).filter(({ what }) => what === 'wrapper');
      const pids = new Set(wrappers.map(({ pid }) => pid));
      // A process that a wrapper has just begun looks like the wrapper, until it is another program.
      const own = wrappers.filter(({ parent }) => !pids.has(parent));
      for (const [id, all] of Map.groupBy(own, ({ sessionId }) => sessionId))
        this.mostContainers.set(id, Math.max(this.mostContainers.get(id) ?? 0, all.length));
      await pause(LOOK_MS);
    }
  }
}
