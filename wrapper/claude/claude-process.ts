import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { MAX_FRAME_BYTES } from '../../protocol/settings/limits.ts';
import type { WrapperLaunch } from '../../protocol/link/wrapper/wrapper-launch.ts';
import type { WrapperNotice } from '../../protocol/link/wrapper/wrapper-notice.ts';
import { claudeCall } from './claude-args.ts';
import { claimRequest, MODEL_REQUEST, modelRequest } from './claim.ts';
import { killLeftovers } from './leftovers.ts';
import { LineSplitter, type SplitLine } from '../lib/line-splitter.ts';
import type { McpDefinition } from '../mcp/mcp-servers.ts';
import { OWN_REQUESTS, type OutputLine, readOutputLine } from './output-line.ts';
import { nameProjectFolder } from './project-folder.ts';
import { skillsFolder } from './skills.ts';
import { Tail } from '../lib/tail.ts';
import type { ToolChannel } from '../tools/tool-channel.ts';

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** A line of `claude`'s output for the dialogue: all but the answer to `initialize`. */
export type ClaudeLine = Exclude<OutputLine, { kind: 'initialised' | 'refused' | 'claimed' }>;

/** How `claude` ended. */
export type ClaudeEnd = Extract<WrapperNotice, { notice: 'start_failed' | 'exited' }>;

/** Receives what happens to a `claude` process: lines in order, `ready` at most once, `ended` once and last. */
export interface ClaudeListener {
  line(line: ClaudeLine): void;
  /** @param conversationId of one that had it before the session came; absent: its lines say it */
  ready(version: string, conversationId?: string): void;
  ended(end: ClaudeEnd): void;
}

const INITIALISE_ID = `${OWN_REQUESTS}initialise`;
/** Milliseconds until `claude` must be initialised: half a second is usual. */
const INITIALISE_MS = 60_000;
/** Milliseconds that a claim may take: a tenth of a second is usual. */
const CLAIM_MS = 10_000;
/** Milliseconds that a gentle stop may take before `claude` is killed. */
const STOP_MS = 5000;
/** Milliseconds that its output may stay open after its exit: a process that it started may still hold the pipe. */
const DRAIN_MS = 1000;
const STDERR_BYTES = 8192;
const DETAIL_CHARACTERS = 8192;

interface Claim {
  readonly launch: WrapperLaunch;
  readonly listener: ClaudeListener;
  readonly settle: (refused: string | null) => void;
}

/** The one `claude` process of an epoch. */
export class ClaudeProcess {
  readonly #launch: WrapperLaunch;
  /** Claude Code's id of the conversation, which all that it starts has in its environment. */
  readonly #id: string;
  #listener: ClaudeListener;
  /** It is started for no session yet: once it is initialised, it waits for `claim`. */
  readonly #parks: boolean;
  #claim: Claim | null = null;
  #version = '';
  /** A message with images or documents is repeated by `claude` on one line, longer than what is sent on. */
  readonly #lines = new LineSplitter(MAX_FRAME_BYTES);
  readonly #stderr = new Tail(STDERR_BYTES);
  #child: Child | null = null;
  #state: 'starting' | 'parked' | 'claiming' | 'ready' | 'gone' | 'ended' = 'starting';
  #stopping = false;
  /** Why the wrapper gave it up before it was ready. */
  #startProblem: string | null = null;
  #deadline: NodeJS.Timeout | undefined;

  /**
   * Starts `claude` at once. The listener is called later, never within the constructor.
   *
   * @param parks it waits for `claim` once it is `ready`, and does nothing before
   */
  constructor(
    launch: WrapperLaunch,
    servers: Record<string, McpDefinition>,
    tools: ToolChannel,
    listener: ClaudeListener,
    parks = false,
  ) {
    this.#launch = launch;
    this.#id = launch.session_id;
    this.#listener = listener;
    this.#parks = parks;
    try {
      nameProjectFolder(launch);
      const call = claudeCall(launch, { servers, skills: skillsFolder(launch), parks });
      for (const { path, text } of call.files) {
        mkdirSync(dirname(path), { recursive: true });
        // MCP servers' headers can be credentials.
        writeFileSync(path, text, { mode: 0o600 });
      }
      this.#attach(
        spawn(launch.claude, call.args, {
          cwd: launch.cwd,
          env: launch.env,
          stdio: ['pipe', 'pipe', 'pipe'],
          // A process group of its own: it can be killed together with its children.
          detached: true,
        }),
        tools,
      );
    } catch (error) {
      setImmediate(() => {
        this.#end({ notice: 'start_failed', detail: this.#spawnFailure(error) });
      });
    }
  }

  /**
   * Makes a parked one a session's. From then on, `listener` hears of it: `ready` first.
   *
   * @returns null: it is the session's; or why not, and then it ends
   */
  claim(launch: WrapperLaunch, listener: ClaudeListener): Promise<string | null> {
    if (this.#state !== 'parked') return Promise.resolve('it has ended');
    this.#state = 'claiming';
    return new Promise((settle) => {
      this.#claim = { launch, listener, settle };
      void this.write(claimRequest(launch));
      this.#within(CLAIM_MS, () => {
        this.#notClaimed(`it did not answer within ${CLAIM_MS / 1000} s`);
      });
    });
  }

  /** Writes a message to its standard input. False: it does not read any more. */
  write(message: object): Promise<boolean> {
    const stdin = this.#child?.stdin;
    if (stdin === undefined) return Promise.resolve(false);
    return new Promise((resolve) => {
      stdin.write(`${JSON.stringify(message)}\n`, (error) => {
        resolve(error === null || error === undefined);
      });
    });
  }

  /** Stops reading its output, so that it waits. */
  pause(): void {
    if (this.#state !== 'gone') this.#child?.stdout.pause();
  }

  resume(): void {
    this.#child?.stdout.resume();
  }

  /** Ends it gently, and by force after `STOP_MS`. */
  stop(): void {
    if (this.#stopping || this.#state === 'gone' || this.#state === 'ended') return;
    this.#stopping = true;
    this.#child?.kill('SIGTERM');
    this.#within(STOP_MS, () => {
      this.kill();
    });
  }

  /** Kills it and its children at once. */
  kill(): void {
    const pid = this.#child?.pid;
    if (pid !== undefined && this.#state !== 'ended') killLeftovers(pid, this.#id);
  }

  /** Kills it. Before it is ready, `why` becomes the reason in `start_failed`. */
  giveUp(why: string): void {
    this.#startProblem = why;
    this.kill();
  }

  #attach(child: Child, tools: ToolChannel): void {
    this.#child = child;
    child.on('error', (error) => {
      if (child.pid === undefined) this.#end({ notice: 'start_failed', detail: this.#spawnFailure(error) });
      else throw error;
    });
    child.stdin.on('error', () => {
      // It does not read any more: `write` returns false, and `exit` follows.
    });
    child.stderr.on('data', (chunk: Buffer) => {
      this.#stderr.push(chunk);
    });
    child.stdout.on('data', (chunk: Buffer) => {
      for (const line of this.#lines.push(chunk)) this.#read(line);
    });
    child.once('exit', (code, signal) => {
      this.#gone(child, code, signal);
    });
    void this.write({
      type: 'control_request',
      request_id: INITIALISE_ID,
      request: { subtype: 'initialize', ...tools.offer() },
    });
    this.#within(INITIALISE_MS, () => {
      this.giveUp(`it did not answer within ${INITIALISE_MS / 1000} s`);
    });
  }

  #read(split: SplitLine): void {
    const line = readOutputLine(split, INITIALISE_ID);
    if (line.kind === 'refused') {
      this.giveUp(line.detail);
    } else if (line.kind === 'claimed') {
      this.#claimAnswered(line);
    } else if (line.kind !== 'initialised') {
      (this.#claim?.listener ?? this.#listener).line(line);
    } else if (this.#state === 'starting' && !this.#stopping) {
      clearTimeout(this.#deadline);
      this.#state = this.#parks ? 'parked' : 'ready';
      this.#version = line.version;
      this.#listener.ready(line.version);
    }
  }

  #claimAnswered({ request, refused }: Extract<OutputLine, { kind: 'claimed' }>): void {
    // The model's name was refused, and the session is not to run with another one.
    if (request === MODEL_REQUEST && refused !== null) return this.kill();
    const claim = this.#claim;
    if (request === MODEL_REQUEST || claim === null || this.#state !== 'claiming' || this.#stopping) return;
    if (refused !== null) return this.#notClaimed(refused);
    clearTimeout(this.#deadline);
    this.#claim = null;
    this.#state = 'ready';
    this.#listener = claim.listener;
    // It is read before the first message, which is written later.
    const model = modelRequest(claim.launch);
    if (model !== null) void this.write(model);
    this.#listener.ready(this.#version, this.#id);
    claim.settle(null);
  }

  #notClaimed(why: string): void {
    const claim = this.#claim;
    this.#claim = null;
    claim?.settle(why);
    this.kill();
  }

  #gone(child: Child, code: number | null, signal: NodeJS.Signals | null): void {
    const started = this.#state === 'ready' || this.#stopping;
    clearTimeout(this.#deadline);
    // Its children hold the other end of its output: once they are gone, it closes.
    this.kill();
    this.#state = 'gone';
    const end = (): void => {
      clearTimeout(this.#deadline);
      const rest = this.#lines.end();
      if (rest !== null) this.#read(rest);
      const stderr = this.#stderr.toString();
      this.#end(
        started
          ? { notice: 'exited', code, signal, stderr }
          : { notice: 'start_failed', detail: this.#startFailure(code, signal, stderr) },
      );
    };
    child.once('close', end);
    child.stdout.resume();
    this.#within(DRAIN_MS, () => {
      child.off('close', end);
      child.stdout.destroy();
      end();
    });
  }

  #end(end: ClaudeEnd): void {
    if (this.#state === 'ended') return;
    clearTimeout(this.#deadline);
    this.#state = 'ended';
    this.#claim?.settle('it ended before it had answered');
    this.#claim = null;
    this.#listener.ended(end);
  }

  /** There is one deadline at a time. */
  #within(ms: number, late: () => void): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(late, ms);
  }

  #spawnFailure(error: unknown): string {
    const { claude, cwd } = this.#launch;
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (!existsSync(cwd)) return `The working directory ${cwd} does not exist, so Claude Code could not be started.`;
    if (code === 'ENOENT') return `There is no Claude Code at ${claude}. Install it there, or rebuild the image.`;
    if (code === 'EACCES') return `Claude Code at ${claude} may not be executed by user ${process.getuid?.() ?? '?'}.`;
    return `Claude Code at ${claude} could not be started: ${String(error)}`.slice(0, DETAIL_CHARACTERS);
  }

  #startFailure(code: number | null, signal: NodeJS.Signals | null, stderr: string): string {
    const how =
      this.#startProblem === null
        ? `Claude Code ended before it was ready (${signal ?? `exit code ${code}`})`
        : `Claude Code did not initialise: ${this.#startProblem}`;
    const output = stderr.trim();
    return (output === '' ? `${how}; it wrote nothing on stderr.` : `${how}: ${output}`).slice(0, DETAIL_CHARACTERS);
  }
}
