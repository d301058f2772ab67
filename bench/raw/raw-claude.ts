import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { z } from 'zod';
import { launchConfig } from '../../protocol/api/session/session-config.ts';
import type { WrapperLaunch } from '../../protocol/link/wrapper/wrapper-launch.ts';
import { launchFile } from '../../runner/session/container/launch-file.ts';
import { sessionFolders } from '../../runner/lib/session-folders.ts';
import { claudeCall } from '../../wrapper/claude/claude-args.ts';
import { Arrivals } from '../lib/arrivals.ts';

export interface RawOptions {
  /** The binary. */
  claude: string;
  /** Must be named `model.sock`, like a session's. */
  modelSocket: string;
  folder: string;
  /** Kills `claude` at any time. */
  signal: AbortSignal;
}

/** A `claude` that was started by hand and waits for the next message. */
export interface RawClaude {
  /** From its start to its first result, milliseconds. The message waits on its standard input from the beginning. */
  readonly firstResultMs: number;
  /** From a message to its result, milliseconds. */
  chat(prompt: string): Promise<number>;
  end(): Promise<void>;
}

const line = z.looseObject({ type: z.string(), is_error: z.boolean().optional() });

/** `claude -p PROMPT`: from its start to its result, milliseconds. */
export async function runOnce(options: RawOptions, prompt: string): Promise<number> {
  const { launch, remove } = await prepareLaunch(options);
  const plain = '--output-format stream-json --verbose --permission-mode bypassPermissions'.split(' ');
  const began = performance.now();
  const child = spawn(launch.claude, ['-p', prompt, ...plain], {
    cwd: launch.cwd,
    env: launch.env,
    stdio: ['ignore', 'pipe', 'inherit'],
    signal: options.signal,
    killSignal: 'SIGKILL',
  });
  const exit = new Promise((resolve) => child.once('exit', resolve));
  const result = await resultsOf(child, child.stdout).next();
  await exit;
  await remove();
  return result - began;
}

/** `claude` with JSON streams in both directions, called as the wrapper calls it. */
export async function keepOpen(options: RawOptions, prompt: string): Promise<RawClaude> {
  const { launch, remove } = await prepareLaunch(options);
  const { args } = claudeCall(launch, { servers: {}, skills: null });
  const began = performance.now();
  const child = spawn(launch.claude, args, {
    cwd: launch.cwd,
    env: launch.env,
    stdio: ['pipe', 'pipe', 'inherit'],
    signal: options.signal,
    killSignal: 'SIGKILL',
  });
  const exit = new Promise((resolve) => child.once('exit', resolve));
  const results = resultsOf(child, child.stdout);
  const write = (text: string) => {
    const message = { role: 'user', content: [{ type: 'text', text }] };
    child.stdin.write(`${JSON.stringify({ type: 'user', message, parent_tool_use_id: null, uuid: randomUUID() })}\n`);
  };
  write(prompt);
  const firstResultMs = (await results.next()) - began;
  return {
    firstResultMs,
    async chat(prompt) {
      const began = performance.now();
      write(prompt);
      return (await results.next()) - began;
    },
    async end() {
      child.stdin.end();
      await exit;
      await remove();
    },
  };
}

/** The results that `claude` writes. */
function resultsOf(child: ChildProcess, stdout: Readable): Arrivals {
  const results = new Arrivals();
  createInterface({ input: stdout }).on('line', (text) => {
    const { type, is_error } = line.parse(JSON.parse(text));
    if (type !== 'result') return;
    if (is_error === true) results.fail(new Error(`claude by hand failed: ${text}`));
    else results.arrived();
  });
  child.once('error', (error) => results.fail(error));
  child.once('exit', (code) => results.fail(new Error(`claude by hand ended (code ${code}) without a result`)));
  return results;
}

/** New folders, and the environment that a session's `claude` would have, made by the runner's own code. */
async function prepareLaunch(options: RawOptions): Promise<{ launch: WrapperLaunch; remove: () => Promise<void> }> {
  const session_id = randomUUID();
  const folders = sessionFolders(options.folder, session_id);
  const home = path.join(folders.root, 'home');
  const tmp = path.join(folders.root, 'tmp');
  await Promise.all(
    [folders.workspace, folders.claude, home, tmp].map((folder) => mkdir(folder, { recursive: true, mode: 0o700 })),
  );
  const launch = await launchFile({
    launch: {
      session_id,
      epoch: 1,
      token: '',
      resume: false,
      config: launchConfig.parse({ agent_tools: [] }),
      workspace: { type: 'ephemeral' },
      files: {
        owner: '0'.repeat(64),
        version: 1,
        local: 'preferred',
        workspace: null,
        conversation: null,
        start: null,
        fork_of: null,
        quota_bytes: null,
      },
    },
    folders,
    git: undefined,
    // As on the process backend: no seal and no egress, which `claude` by hand does not have either.
    sealed: false,
    ownKernel: false,
    forwards: [],
    telemetry: false,
    exposedEnv: {},
    packageEnv: {},
    layout: {
      claude: options.claude,
      workspace: folders.workspace,
      claudeConfig: folders.claude,
      run: path.dirname(options.modelSocket),
      home,
      tmp,
      path: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
      offers: undefined,
      env: process.getuid?.() === 0 ? { IS_SANDBOX: '1' } : {},
    },
    upstream: { kind: 'demo' },
    claudeEnv: {},
  });
  return { launch, remove: () => rm(folders.root, { recursive: true, force: true, maxRetries: 5 }) };
}
