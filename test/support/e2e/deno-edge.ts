import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { mintToken } from '../../../start/settings/mint-token.ts';
import { nodeEnvironment } from '../run/node-environment.ts';

const PROJECT = path.join(import.meta.dirname, '..', '..', '..');

export interface DenoEdgeOptions {
  /** The edge that has the objects. */
  readonly objectsUrl: string;
  readonly secret: string;
  /** Other settings, or others than these; undefined: not set. */
  readonly vars?: Readonly<Record<string, string | undefined>>;
}

/** `npm run deno`: an edge elsewhere, on a port of its own. */
export class DenoEdge {
  readonly #process: ChildProcess;
  /** What it has written. */
  log = '';
  url = '';

  private constructor(child: ChildProcess) {
    this.#process = child;
    child.stderr?.on('data', (chunk: Buffer) => (this.log += chunk.toString()));
  }

  /** Starts it, and waits until it serves. */
  static async start(options: DenoEdgeOptions): Promise<DenoEdge> {
    const edge = await DenoEdge.spawn(options);
    const { stdout } = edge.#process;
    if (stdout === null) throw new Error('it has no output');
    for await (const line of createInterface(stdout)) {
      edge.url = /serves on (http:\S+)/.exec(line)?.[1] ?? '';
      if (edge.url !== '') {
        stdout.resume();
        return edge;
      }
    }
    throw new Error(`it does not serve: ${edge.log}`);
  }

  static async spawn({ objectsUrl, secret, vars = {} }: DenoEdgeOptions): Promise<DenoEdge> {
    const token = await mintToken(secret, { kind: 'service', sub: 'deno', ttlSeconds: 3600 });
    const own = { EDGE_OBJECTS_URL: objectsUrl, EDGE_SERVICE_TOKEN: token, JWT_SECRET: secret, PORT: '0' };
    const child = spawn('npm', ['run', '--silent', 'deno'], {
      cwd: PROJECT,
      env: { ...nodeEnvironment(), PATH: process.env['PATH'], DENO_NO_UPDATE_CHECK: '1', ...own, ...vars },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    return new DenoEdge(child);
  }

  /** @returns its exit code, once it has ended by itself */
  async ended(): Promise<number | null> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) await once(this.#process, 'close');
    return this.#process.exitCode;
  }

  async stop(): Promise<number | null> {
    const { pid } = this.#process;
    if (pid !== undefined && this.#process.exitCode === null) process.kill(-pid, 'SIGTERM');
    return await this.ended();
  }
}
