import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launchConfig } from '../../../protocol/api/session/session-config.ts';
import type { WrapperLaunch } from '../../../protocol/link/wrapper/wrapper-launch.ts';
import { WRAPPER_BUNDLE } from '../../../scripts/bundle.ts';
import { scriptedModel, type Script } from './scripted-model.ts';
import { SessionSide } from './session-side.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
export const REAL_CLAUDE = here('../../../node_modules/@anthropic-ai/claude-code-linux-x64/claude');

/** How the wrapper's process ended. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
  stderr: string;
}

/** A session's folder, with its own model, session side and wrappers. */
export class Stage implements AsyncDisposable {
  readonly sessionId = randomUUID();
  readonly #disposables = new AsyncDisposableStack();
  readonly folder: string;
  #epoch = 0;
  session: SessionSide;

  static async open(script: Script = () => [{ words: ['hello'] }]): Promise<Stage> {
    const dir = await mkdtemp(join(tmpdir(), 'cc-wrapper-'));
    for (const name of ['home', 'tmp', 'workspace']) await mkdir(join(dir, name));
    const session = await SessionSide.listen(join(dir, 'link.sock'));
    const stage = new Stage(dir, session);
    stage.#disposables.defer(() => rm(dir, { recursive: true, force: true, maxRetries: 5 }));
    stage.#disposables.use(await scriptedModel(join(dir, 'model.sock'), script));
    return stage;
  }

  private constructor(dir: string, session: SessionSide) {
    this.folder = dir;
    this.session = session;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** The next epoch's session side, with an empty log; the one before it is closed. */
  async freshSession(): Promise<SessionSide> {
    await this.session[Symbol.asyncDispose]();
    this.session = await SessionSide.listen(this.path('link.sock'));
    return this.session;
  }

  /** A script that stands in for `claude`: it is run by this Node. */
  async standIn(source: string): Promise<string> {
    const path = this.path('stand-in');
    await writeFile(path, `#!${process.execPath}\n${source}`, { mode: 0o755 });
    return path;
  }

  /** Starts a wrapper for the next epoch. */
  async start(given: Partial<Omit<WrapperLaunch, 'config'>> & { config?: object } = {}): Promise<RunningWrapper> {
    this.#epoch += 1;
    const launch: WrapperLaunch = {
      session_id: this.sessionId,
      epoch: this.#epoch,
      resume: false,
      claude: REAL_CLAUDE,
      cwd: this.path('workspace'),
      env: this.claudeEnv(),
      link_socket: this.path('link.sock'),
      scratch: this.path('scratch'),
      seal: false,
      ...given,
      config: launchConfig.parse({ agent_tools: [], ...given.config }),
    };
    const file = this.path('launch.json');
    await writeFile(file, JSON.stringify(launch));
    const wrapper = new RunningWrapper(file);
    this.#disposables.use(wrapper);
    return wrapper;
  }

  claudeEnv(): Record<string, string> {
    return {
      HOME: this.path('home'),
      TMPDIR: this.path('tmp'),
      PATH: '/usr/bin:/bin',
      IS_SANDBOX: '1',
      ANTHROPIC_API_KEY: 'sk-ant-dummy',
      ANTHROPIC_BASE_URL: 'http://model.test',
      ANTHROPIC_UNIX_SOCKET: this.path('model.sock'),
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      CLAUDE_CODE_MAX_RETRIES: '0',
      DISABLE_AUTOUPDATER: '1',
      DISABLE_TELEMETRY: '1',
      // As `claude.sh` beside this.
      BUN_GC_TIMER_DISABLE: '1',
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#disposables.disposeAsync();
    await this.session[Symbol.asyncDispose]();
  }
}

export class RunningWrapper implements AsyncDisposable {
  readonly exit: Promise<Exit>;
  readonly #child: ChildProcess;

  constructor(launchFile: string) {
    const child = spawn(process.execPath, [WRAPPER_BUNDLE, launchFile], {
      env: { PATH: '/usr/bin:/bin', WRAPPERS_OWN: 'not for claude' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child = child;
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    this.exit = once(child, 'close').then(([code, signal]) => ({ code, signal, stderr }));
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.signal('SIGTERM');
    await this.exit;
  }
}
