import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { health } from '../../protocol/health.ts';
import type { BackendName } from '../../protocol/link/runner-control.ts';
import { mintToken } from '../../start/settings/mint-token.ts';
import { PROJECT } from '../../start/lib/project.ts';
import type { Refused } from '../../start/lib/refused.ts';

/** On a machine that has other work, all of it takes a minute. */
/** As `npm start` has them (package.json). */
const NODE_OPTIONS = [
  '--max-semi-space-size=1',
  ...['check-node.mjs', 'warm-cache.mjs'].flatMap((file) => ['--import', path.join(PROJECT, 'scripts', file)]),
];

const START_MS = 300_000;
/** Longer than the runner itself waits for its containers. */
const STOP_MS = 30_000;
const TOKEN_SECONDS = 3600;

/** A whole service, as `npm start` runs it. */
export interface Service {
  readonly url: string;
  readonly token: string;
  /** A token of somebody else. */
  readonly tokenOf: (sub: string) => Promise<string>;
  /** The folder in which its runner keeps the sessions. */
  readonly sessions: string;
}

export interface ServiceOptions {
  backend: BackendName;
  /** Its data folder. */
  folder: string;
  /** For the docker backend: the image that sessions run in. */
  image?: string;
  /** For the process backend: the `claude` to run. */
  claude?: string;
  /** Containers at once. */
  capacity?: number;
  /** More of its environment. */
  env?: Readonly<Record<string, string>>;
}

/** Starts a service with the demo model on a free loopback port. `onStop` gets the function that ends it, at once. */
export async function startService(
  { backend, folder, image, claude, capacity = 8, env = {} }: ServiceOptions,
  onStop: (stop: () => Promise<void>) => void,
): Promise<Service | Refused> {
  const secret = randomBytes(48).toString('base64url');
  const child = spawn(process.execPath, [...NODE_OPTIONS, path.join(PROJECT, 'start', 'main.ts')], {
    cwd: PROJECT,
    // Only this process gets a Ctrl-C. It then ends the service in order.
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...inherited(/^(PATH|LANG|SSH_AUTH_SOCK|DOCKER_.*)$/),
      HOME: folder,
      HOST: '127.0.0.1',
      PORT: '0',
      CC_DOCKER_DATA: folder,
      JWT_SECRET: secret,
      RUNNER_BACKEND: backend,
      SESSION_IMAGE: image,
      CLAUDE_PATH: claude,
      // As under npm: the service ends itself when this process is gone.
      npm_lifecycle_event: 'start',
      // Set to nothing, so that the project's `.env` cannot set them.
      ANTHROPIC_API_KEY: '',
      ANTHROPIC_AUTH_TOKEN: '',
      CLAUDE_CODE_OAUTH_TOKEN: '',
      ANTHROPIC_BASE_URL: '',
      RUNNER_CAPACITY: String(capacity),
      CLAUDE_CODE_MAX_RETRIES: '',
      // What is measured starts cold, unless a row says otherwise.
      WARM_SESSIONS: '0',
      ...env,
    },
  });
  const exit = once(child, 'exit');
  onStop(() => stop(child, exit));

  const output: string[] = [];
  const announced = new Promise<string>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      output.push(line);
      const url = /serves on (http\S+)/.exec(line)?.[1];
      if (url !== undefined) resolve(url);
    });
  });
  const url = await Promise.race([
    announced,
    exit.then(() => undefined),
    once(AbortSignal.timeout(START_MS), 'abort').then(() => undefined),
  ]);
  if (url === undefined) return { refused: `the service did not start: ${output.join(' ')}` };

  const ready = await untilRunner(url, AbortSignal.timeout(START_MS));
  if (ready !== null) return { refused: ready };
  const tokenOf = (sub: string) => mintToken(secret, { kind: 'user', sub, ttlSeconds: TOKEN_SECONDS });
  return { url, token: await tokenOf('bench'), tokenOf, sessions: path.join(folder, 'runner', 'sessions') };
}

/** Waits until its runner takes sessions. @returns null, or why it does not */
async function untilRunner(url: string, signal: AbortSignal): Promise<string | null> {
  for (;;) {
    const { parts } = health.parse(await (await fetch(`${url}/health`)).json());
    const [runner] = parts.pool.runners;
    if (runner?.ok === true) return null;
    if (signal.aborted) return runner?.detail ?? 'its runner did not come';
    await delay(100);
  }
}

function inherited(names: RegExp): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => names.test(name)));
}

async function stop(child: ChildProcess, exit: Promise<unknown>): Promise<void> {
  const running = () => child.exitCode === null && child.signalCode === null;
  if (running()) child.kill('SIGTERM');
  // A kill reaches only the service itself: its parts see that it is gone, and end.
  const killTimer = setTimeout(() => running() && child.kill('SIGKILL'), STOP_MS);
  if (running()) await exit;
  clearTimeout(killTimer);
}
