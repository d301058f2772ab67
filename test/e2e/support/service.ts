import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { bundleWorker, bundleWrapper } from '../../../scripts/bundle.ts';
import { startEdge, type Edge } from '../../../start/edge.ts';
import { waitForRunners } from '../../../start/health.ts';
import { mintToken } from '../../../start/mint-token.ts';
import { claimPort } from '../../../start/port.ts';
import { Client } from './client.ts';

const SECRET = 'known to every test and of no use elsewhere';
const RUNNER = path.join(import.meta.dirname, '..', '..', '..', 'runner', 'main.ts');

export interface ServiceOptions {
  readonly backend: 'docker' | 'process';
  readonly image?: string;
  /** More of the runner's environment: `DOCKER_HOST`, `ANTHROPIC_*`. */
  readonly runnerEnv?: Readonly<Record<string, string | undefined>>;
  /** More of the edge's settings. */
  readonly vars?: Readonly<Record<string, string>>;
}

/** The edge and a runner beside it, each of which a test can kill and start again. State is in a folder of its own. */
export class Service {
  readonly folder: string;
  readonly #options: ServiceOptions;
  readonly #port: number;
  #edge: Edge | null = null;
  #runner: ChildProcess | null = null;
  /** What the runner has logged. */
  log = '';

  private constructor(folder: string, port: number, options: ServiceOptions) {
    this.folder = folder;
    this.#port = port;
    this.#options = options;
  }

  static async start(options: ServiceOptions): Promise<Service> {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-e2e-'));
    // The container's user has to reach its own folders below.
    await chmod(folder, 0o711);
    const claimed = await claimPort('127.0.0.1', 0);
    if ('refused' in claimed) throw new Error(claimed.refused);
    const service = new Service(folder, claimed.port, options);
    await service.startEdge();
    await service.startRunner();
    return service;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async client(sub: string = crypto.randomUUID()): Promise<Client> {
    return new Client(this.url, await mintToken(SECRET, { kind: 'user', sub, ttlSeconds: 3600 }));
  }

  /** Where the agent's files are, on this machine. */
  workspace(sessionId: string, ...names: string[]): string {
    return path.join(this.folder, 'runner', 'sessions', sessionId, 'workspace', ...names);
  }

  async startEdge(): Promise<void> {
    this.#edge = await startEdge({
      worker: await bundleWorker(),
      host: '127.0.0.1',
      port: this.#port,
      stateFolder: path.join(this.folder, 'edge'),
      vars: { JWT_SECRET: SECRET, ...this.#options.vars },
    });
  }

  async stopEdge(): Promise<void> {
    await this.#edge?.stop();
    this.#edge = null;
  }

  /** @param change of the runner's environment, from this start on */
  async startRunner(change: Readonly<Record<string, string | undefined>> = {}): Promise<void> {
    const { backend, image, runnerEnv } = this.#options;
    const token = await mintToken(SECRET, { kind: 'runner', sub: 'e2e', ttlSeconds: 3600 });
    const runner = spawn(process.execPath, [RUNNER], {
      env: {
        PATH: process.env['PATH'],
        HOME: this.folder,
        EDGE_URL: this.url,
        RUNNER_TOKEN: token,
        RUNNER_BACKEND: backend,
        CC_DOCKER_DATA: this.folder,
        WRAPPER_BUNDLE: await bundleWrapper(),
        ...(image === undefined ? {} : { SESSION_IMAGE: image }),
        CLAUDE_CODE_MAX_RETRIES: '0',
        ...runnerEnv,
        ...change,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    runner.stderr.on('data', (chunk: Buffer) => (this.log += chunk.toString()));
    this.#runner = runner;
    const ready = await waitForRunners(this.url, (runners) => runners > 0, AbortSignal.timeout(30_000));
    if (!ready) throw new Error(`the runner did not connect: ${this.log}`);
  }

  /** Ends the runner: SIGTERM drains it, SIGKILL leaves its containers alone. */
  async stopRunner(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const runner = this.#runner;
    this.#runner = null;
    if (runner === null || runner.exitCode !== null || runner.signalCode !== null) return runner?.exitCode ?? null;
    const ended = once(runner, 'exit');
    runner.kill(signal);
    await ended;
    return runner.exitCode;
  }

  async stop(): Promise<void> {
    await this.stopRunner();
    await this.stopEdge();
    await rm(this.folder, { recursive: true, force: true });
  }
}
