import { spawn, type ChildProcess } from 'node:child_process';
import { constants, existsSync } from 'node:fs';
import { access, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import * as z from 'zod';
import { WRAPPER_FLAGS } from '../../protocol/link/wrapper/wrapper-flags.ts';
import type { BackendHealth, PlacementKey } from '../../protocol/link/runner-control.ts';
import {
  LOG_TAIL,
  type ContainerBackend,
  type ContainerExit,
  type ContainerLayout,
  type OwnContainer,
  type OwnedFolders,
  type StartResult,
} from './backend.ts';
import { heldProgram } from '../lib/process/held-program.ts';
import { messageOf, type Log } from '../lib/log.ts';
import { processStart, signalProcess } from '../lib/process-identity.ts';
import { removeFolder } from '../lib/disk/remove-folder.ts';
import { sessionFolders, type SessionFolders } from '../lib/session-folders.ts';
import { waitAtMost } from '../lib/wait-at-most.ts';
import { killMarked, MARKER } from './process-sweep.ts';

export interface ProcessBackendOptions {
  /** The bundled wrapper, one file. */
  wrapperBundle: string;
  /** Absent: the binary of the installed package. */
  claudePath: string | undefined;
  /** `PATH` of the agent's tools. */
  path: string;
  sessions: string;
  /** The folder that has a folder for each spare. Absent: there are none. */
  spares?: string;
  log: Log;
}

interface Running {
  child: ChildProcess;
  exit: Promise<ContainerExit>;
  /** Of the session, and before that, of the spare that it was. */
  folders: SessionFolders[];
}

/** This installation, which takes the place of the image. */
const ROOT = path.join(import.meta.dirname, '..', '..');
const OFFERS = {
  mcp: path.join(ROOT, 'container', 'mcp'),
  packages: path.join(ROOT, 'container', 'mcp', 'node_modules'),
  skills: path.join(ROOT, 'container', 'skills'),
};

/** A file in the session's folder. When the runner dies, the next one finds the process by it, and ends it. */
const pidFile = z.object({
  pid: z.int().min(2),
  start: z.string(),
  /** The folder by which its processes are marked: of the spare that it was. Absent: the one that has this file. */
  mark: z.string().optional(),
});

/**
 * Runs sessions as plain processes of this machine, for a laptop without Docker, with **no isolation at all**. The agent
 * can do whatever the runner's user can. No session outlives the runner.
 */
export class ProcessBackend implements ContainerBackend {
  readonly name = 'process';
  readonly owner = undefined;
  readonly seal = null;
  readonly hasFilesHere = true;
  readonly canPause = false;
  readonly ownKernel = false;
  readonly #options: ProcessBackendOptions;
  readonly #claude: string;
  readonly #running = new Map<string, Running>();

  constructor(options: ProcessBackendOptions) {
    this.#options = options;
    this.#claude = options.claudePath ?? installedClaude() ?? '';
    options.log.warn('RUNNER_BACKEND=process: sessions are NOT isolated', {
      means: 'an agent can read, change and reach all that this user can; use the docker backend for anything else',
    });
  }

  layout(folders: SessionFolders): ContainerLayout {
    return {
      claude: this.#claude,
      workspace: folders.workspace,
      claudeConfig: folders.claude,
      run: folders.run,
      home: folders.home,
      tmp: folders.tmp,
      path: this.#options.path,
      offers: OFFERS,
      // As root, Claude Code runs tools without asking only in a sandbox. This is none: the constructor warns who runs
      // this backend.
      env: { [MARKER]: folders.root, ...(process.getuid?.() === 0 ? { IS_SANDBOX: '1' } : {}) },
    };
  }

  async health(): Promise<BackendHealth> {
    if (this.#claude === '')
      return { ok: false, detail: 'The claude binary is not installed: run `npm install`, or set CLAUDE_PATH.' };
    try {
      await access(this.#options.wrapperBundle, constants.R_OK);
      await access(this.#claude, constants.X_OK);
    } catch (error) {
      return { ok: false, detail: `WRAPPER_BUNDLE or CLAUDE_PATH cannot be used: ${messageOf(error)}`.slice(0, 2048) };
    }
    return { ok: true, detail: 'Sessions run as processes of this machine, without isolation.' };
  }

  async start(key: PlacementKey, folders: SessionFolders): Promise<StartResult> {
    const name = nameOf(key);
    if (this.#running.has(name)) return { ok: true };
    const layout = this.layout(folders);
    await Promise.all([layout.home, layout.tmp].map((folder) => mkdir(folder, { recursive: true, mode: 0o700 })));
    const command = [...WRAPPER_FLAGS, this.#options.wrapperBundle, path.join(layout.run, 'launch.json')];
    // Held until its record is written: a runner that is killed in between leaves nothing that the next one could not find.
    const child = spawn(...heldProgram(process.execPath, ...command), {
      cwd: folders.workspace,
      // Nothing of the runner's own environment: it holds the real credentials.
      env: { HOME: layout.home, TMPDIR: layout.tmp, PATH: layout.path, LANG: 'C.UTF-8', [MARKER]: folders.root },
      // A process group of its own: it does not get the terminal's Ctrl-C, and can be killed as a whole.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    // One that was just killed cannot be told to begin: its exit says so.
    child.stdin.on('error', () => {});
    const own = [folders];
    const exit = waitForExit(child, () => this.#sweep(own));
    const { pid } = child;
    if (pid === undefined) {
      const { log } = await exit;
      return { ok: false, failure: { code: 'container_start_failed', detail: `The wrapper did not start: ${log}` } };
    }
    this.#running.set(name, { child, exit, folders: own });
    const record: z.infer<typeof pidFile> = { pid, start: processStart(pid) ?? '', mark: folders.root };
    try {
      await writeFile(pidPath(folders), JSON.stringify(record), { mode: 0o600 });
      child.stdin.write('\n');
    } finally {
      // Without the line before, it ends.
      child.stdin.end();
    }
    return { ok: true };
  }

  async stop(key: PlacementKey, graceMs: number): Promise<void> {
    const running = this.#running.get(nameOf(key));
    const pid = running?.child.pid;
    if (running === undefined || pid === undefined || running.child.exitCode !== null) return;
    if (graceMs > 0) {
      running.child.kill('SIGTERM');
      await waitAtMost(running.exit, graceMs);
    }
    if (running.child.exitCode === null && running.child.signalCode === null) signalProcess(-pid, 'SIGKILL');
    await running.exit;
  }

  /** There is none: `list` has ended them. */
  async adopt(): Promise<void> {}

  async pause(): Promise<void> {
    throw new Error('processes without limits are not paused');
  }

  async resume(): Promise<void> {}

  /** It works in them. */
  async syncFiles(): Promise<void> {}

  async processes(): Promise<number | null> {
    return null;
  }

  async wait(key: PlacementKey): Promise<ContainerExit> {
    const gone = { code: null, signal: null, outOfMemory: false, log: 'The process was gone.' };
    return (await this.#running.get(nameOf(key))?.exit) ?? gone;
  }

  async remove(key: PlacementKey): Promise<void> {
    await this.stop(key, 0);
    this.#running.delete(nameOf(key));
  }

  /** Called at start. Ends the processes of an earlier runner: they depend on its sockets, so they cannot be adopted. */
  async list(): Promise<OwnContainer[]> {
    const { sessions, spares } = this.#options;
    const known = await Promise.all([sessions, spares].flatMap((folder) => folder ?? []).map(foldersIn));
    for (const [session, folders] of known.flat()) {
      const file = pidPath(folders);
      const left = pidFile.safeParse(await readJson(file)).data;
      if (left === undefined) continue;
      if (processStart(left.pid) === left.start) signalProcess(-left.pid, 'SIGKILL');
      await this.#sweep([folders]);
      if (left.mark !== undefined) await killMarked(left.mark);
      this.#options.log.info('ended what an earlier runner left', { session, pid: left.pid });
    }
    return [];
  }

  /** Kills what is left of the session's processes, and removes their files, before the session's next launch can begin. */
  async #sweep(all: readonly SessionFolders[]): Promise<void> {
    for (const folders of all) {
      await killMarked(folders.root);
      const { home, tmp } = this.layout(folders);
      await removeFolder(home, tmp, pidPath(folders));
    }
  }

  readonly spares = {
    keepsPaths: true,
    claim: async (spare: OwnedFolders, session: OwnedFolders) => {
      const running = this.#running.get(nameOf(spare.key));
      if (running === undefined || hasEnded(running.child)) return 'its process has ended';
      this.#running.delete(nameOf(spare.key));
      this.#running.set(nameOf(session.key), running);
      // Its end is swept as a session's.
      running.folders.push(session.folders);
      return undefined;
    },
  };

  async close(): Promise<void> {}
}

const foldersIn = async (folder: string) =>
  (existsSync(folder) ? await readdir(folder) : []).map((name) => [name, sessionFolders(folder, name)] as const);
const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null;
const nameOf = (key: PlacementKey) => `${key.session_id}-${key.epoch}`;
const pidPath = (folders: SessionFolders) => path.join(folders.root, 'process.json');

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    // There is none, or a crash cut it short.
    return undefined;
  }
}

/** Resolves when the wrapper has ended and nothing that it started is left. */
async function waitForExit(child: ChildProcess, sweep: () => Promise<void>): Promise<ContainerExit> {
  let log = '';
  const keep = (chunk: string) => {
    log = (log + chunk).slice(-LOG_TAIL);
  };
  child.stdout?.setEncoding('utf8').on('data', keep);
  child.stderr?.setEncoding('utf8').on('data', keep);
  const exit = await new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once('error', (error) => {
      keep(messageOf(error));
      // A process that started reports its end with `exit`. This one never started.
      if (child.pid === undefined) resolve({ code: null, signal: null });
    });
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  if (child.pid !== undefined) signalProcess(-child.pid, 'SIGKILL');
  await sweep();
  return { ...exit, outOfMemory: false, log };
}

/** The binary in the platform's own package, where it is whether or not install scripts ran. */
function installedClaude(): string | undefined {
  const require = createRequire(import.meta.url);
  const platform = `@anthropic-ai/claude-code-${process.platform}-${process.arch}`;
  for (const name of [platform, `${platform}-musl`]) {
    try {
      return path.join(path.dirname(require.resolve(`${name}/package.json`)), 'claude');
    } catch {
      // npm installs only the package that fits the machine: try the other.
    }
  }
  return undefined;
}
