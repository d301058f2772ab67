import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { WORKER_BUNDLE, WRAPPER_BUNDLE } from '../../../scripts/bundle.ts';
import type { BackendName } from '../../../protocol/link/runner-control.ts';
import { startEdge, type Edge } from '../../../start/edge/edge.ts';
import { waitForRunners } from '../../../start/edge/health.ts';
import { freePort } from '../net/free-port.ts';
import { mintToken, type TokenRequest } from '../../../start/settings/mint-token.ts';
import { WAIT_MS } from '../patience.ts';
import { Client } from './client.ts';
import { CLAUDE, nodeEnvironment } from '../run/node-environment.ts';
import { runAs, type RunnerUser } from './run-as.ts';

export const SECRET = 'known to every test and of no use elsewhere';
const RUNNER = path.join(import.meta.dirname, '..', '..', '..', 'runner', 'main.ts');

export interface ServiceOptions {
  readonly backend: BackendName;
  readonly image?: string;
  /** More of the runner's environment: `DOCKER_HOST`, `ANTHROPIC_*`. */
  readonly runnerEnv?: Readonly<Record<string, string | undefined>>;
  /** The user that its runners run as; absent: this process's. */
  readonly runnerUser?: RunnerUser;
  /** Another Worker than the one that ships: a bundle. */
  readonly worker?: string;
  /** More of the edge's settings. */
  readonly vars?: Readonly<Record<string, string>>;
  /** Where its runners reach the edge; absent: at its own address. */
  readonly edgeUrlOfRunners?: (url: string) => string;
  /** What the edge writes is in `edgeLog`, and not in the test's output. */
  readonly keepsEdgeLog?: boolean;
}

/** What else a user's token may say. */
type UserClaims = Pick<TokenRequest, 'name' | 'email' | 'scope'>;

/** The edge and a runner beside it, each of which a test can kill and start again. State is in a folder of its own. */
export class Service {
  readonly folder: string;
  readonly #options: ServiceOptions;
  readonly #port: number;
  #edge: Edge | null = null;
  #runner: ChildProcess | null = null;
  readonly #others = new Map<string, ChildProcess>();
  /** What its runners have logged. */
  log = '';
  /** What its edge has written, with `keepsEdgeLog`. */
  edgeLog = '';

  private constructor(folder: string, port: number, options: ServiceOptions) {
    this.folder = folder;
    this.#port = port;
    this.#options = options;
  }

  static async start(options: ServiceOptions): Promise<Service> {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-e2e-'));
    // The container's user has to reach its own folders below.
    await chmod(folder, 0o711);
    const service = new Service(folder, await freePort('127.0.0.1'), options);
    await service.startEdge();
    await service.startRunner();
    return service;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async client(sub: string = crypto.randomUUID(), claims: UserClaims = {}): Promise<Client> {
    return new Client(this.url, await this.token(sub, claims));
  }

  /** A code for a login. */
  loginCode(sub: string): Promise<string> {
    return mintToken(SECRET, { kind: 'login', sub, ttlSeconds: 600 });
  }

  /** A user's token. */
  token(sub: string, claims: UserClaims = {}, ttlSeconds = 3600): Promise<string> {
    return mintToken(SECRET, { kind: 'user', sub, ttlSeconds, ...claims });
  }

  /** Where the agent's files are, on this machine. */
  workspace(sessionId: string, ...names: string[]): string {
    return path.join(this.folder, 'runner', 'sessions', sessionId, 'workspace', ...names);
  }

  /** @param change of the edge's settings, for this start alone */
  async startEdge(change: Readonly<Record<string, string>> = {}): Promise<void> {
    this.#edge = await startEdge({
      worker: this.#options.worker ?? WORKER_BUNDLE,
      host: '127.0.0.1',
      port: this.#port,
      stateFolder: path.join(this.folder, 'edge'),
      vars: { JWT_SECRET: SECRET, ACCESS_LOG: 'off', ...this.#options.vars, ...change },
      ...(this.#options.keepsEdgeLog && {
        log: {
          take: (output) => output.on('data', (chunk: Buffer) => (this.edgeLog += chunk.toString())),
          line: (text) => (this.edgeLog += `${text}\n`),
        },
      }),
    });
  }

  async stopEdge(): Promise<void> {
    await this.#edge?.stop();
    this.#edge = null;
  }

  /** @param change of the runner's environment, from this start on */
  async startRunner(change: Readonly<Record<string, string | undefined>> = {}): Promise<void> {
    await this.beginRunner(change);
    await this.#untilRunners((runners) => runners > 0);
  }

  /** As `startRunner`, but does not wait until the runner is connected. */
  async beginRunner(change: Readonly<Record<string, string | undefined>> = {}): Promise<void> {
    this.#runner = await this.#spawnRunner('e2e', this.folder, change);
  }

  /** Starts one more runner, with a data folder of its own: its sessions' files are not those of the first. */
  async addRunner(name: string, change: Readonly<Record<string, string | undefined>> = {}): Promise<void> {
    const before = [this.#runner, ...this.#others.values()].filter((runner) => runner !== null).length;
    const folder = path.join(this.folder, name);
    await mkdir(folder, { mode: 0o711 });
    this.#others.set(name, await this.#spawnRunner(name, folder, change));
    await this.#untilRunners((runners) => runners > before);
  }

  /** Ends a runner that was added, in order. */
  async removeRunner(name: string): Promise<void> {
    const runner = this.#others.get(name);
    this.#others.delete(name);
    if (runner !== undefined) await endProcess(runner, 'SIGTERM');
  }

  async #untilRunners(enough: (runners: number) => boolean): Promise<void> {
    const ready = await waitForRunners(this.url, enough, AbortSignal.timeout(WAIT_MS));
    if (!ready) throw new Error(`the runner did not connect: ${this.log}`);
  }

  async #spawnRunner(
    name: string,
    folder: string,
    change: Readonly<Record<string, string | undefined>>,
  ): Promise<ChildProcess> {
    const { backend, image, runnerEnv, runnerUser } = this.#options;
    const token = await mintToken(SECRET, { kind: 'runner', sub: name, ttlSeconds: 3600 });
    const own = { program: process.execPath, args: [RUNNER], env: {} };
    const place = { folder: this.folder, engine: runnerEnv?.['DOCKER_HOST'] };
    const command = runnerUser === undefined ? own : await runAs(runnerUser, RUNNER, place);
    if (runnerUser !== undefined) await chown(folder, runnerUser.uid, runnerUser.gid);
    const runner = spawn(command.program, command.args, {
      env: {
        ...nodeEnvironment(),
        HOME: this.folder,
        EDGE_URL: this.#options.edgeUrlOfRunners?.(this.url) ?? this.url,
        RUNNER_TOKEN: token,
        RUNNER_BACKEND: backend,
        CC_DOCKER_DATA: folder,
        WRAPPER_BUNDLE,
        ...(image === undefined ? {} : { SESSION_IMAGE: image }),
        ...(backend === 'process' && { CLAUDE_PATH: CLAUDE }),
        CLAUDE_CODE_MAX_RETRIES: '0',
        ...runnerEnv,
        ...change,
        ...command.env,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    runner.stderr.on('data', (chunk: Buffer) => (this.log += chunk.toString()));
    return runner;
  }

  /** Ends the runner: SIGTERM drains it, SIGKILL leaves its containers alone. */
  async stopRunner(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const runner = this.#runner;
    this.#runner = null;
    return runner === null ? null : await endProcess(runner, signal);
  }

  /** Ends all of it at once: no turn is waited for, which may be one that never ends. */
  async stop(): Promise<void> {
    const runners = [this.#runner, ...this.#others.values()].filter((runner) => runner !== null);
    this.#runner = null;
    this.#others.clear();
    await Promise.all(runners.map((runner) => endProcess(runner, 'SIGTERM', 'SIGINT')));
    await this.stopEdge();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** @param signals two of the same kind may arrive as one */
async function endProcess(child: ChildProcess, ...signals: NodeJS.Signals[]): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit');
    for (const signal of signals) child.kill(signal);
    await ended;
  }
  return child.exitCode;
}
