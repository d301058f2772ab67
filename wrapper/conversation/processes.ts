import type { WrapperLaunch } from '../../protocol/link/wrapper/wrapper-launch.ts';
import type { WrapperNotice } from '../../protocol/link/wrapper/wrapper-notice.ts';
import { type ClaudeLine, type ClaudeListener, ClaudeProcess } from '../claude/claude-process.ts';
import { skillsProblem } from '../claude/skills.ts';
import { mcpServers } from '../mcp/mcp-servers.ts';
import { openStreams } from '../streams/open-streams.ts';
import type { Streams } from '../streams/streams.ts';
import { PrepareCommands } from '../workspace/prepare-commands.ts';
import { type EgressListeners, openEgress } from '../workspace/egress.ts';
import { LazyTerminals } from '../terminal/lazy-terminals.ts';
import type { Parked } from '../spare/parked.ts';
import { openTelemetryPort, type TelemetryPort } from '../workspace/telemetry-port.ts';
import { WorkspaceClones } from '../git/workspace-clones.ts';
import type { Dialogue } from './dialogue.ts';

/** Receives what happens to the processes, in order. */
export interface ProcessesListener {
  notice(notice: WrapperNotice): void;
  line(line: ClaudeLine): void;
  /** `claude` is initialised: it takes prompts from now on. */
  ready(): void;
  /** The last notice: nothing runs, and nothing else will start. */
  ended(end: WrapperNotice): void;
  /** Stopped before `claude` started: nothing runs, and no notice follows. */
  stopped(): void;
}

type Git = NonNullable<WrapperLaunch['git']>;
type Prepare = NonNullable<WrapperLaunch['prepare']>;

/** What runs in the container for a session: the egress listeners, `git clone`, and `claude`. */
export class Processes {
  /** Those of people. They run beside the agent. */
  readonly terminals: LazyTerminals;
  readonly #launch: WrapperLaunch;
  readonly #dialogue: Dialogue;
  readonly #listener: ProcessesListener;
  /** The `claude` that was started beforehand; null: there is none, or it was of no use. */
  #parked: Parked | null;
  #egress: EgressListeners | null = null;
  #telemetry: TelemetryPort | null = null;
  #streams: Streams | null = null;
  #clone: WorkspaceClones | null = null;
  #commands: PrepareCommands | null = null;
  /** The clones are done: `claude` may start once the session has stored that. */
  #awaitsGo = false;
  #claude: ClaudeProcess | null = null;
  #stopping = false;

  /** @param parked absent: `claude` is yet to be started */
  constructor(launch: WrapperLaunch, dialogue: Dialogue, listener: ProcessesListener, parked: Parked | null = null) {
    this.#launch = launch;
    this.#parked = parked;
    this.#dialogue = dialogue;
    this.#listener = listener;
    this.terminals = new LazyTerminals(launch, (notice) => {
      listener.notice(notice);
    });
  }

  /** Starts `claude`, or first the clone that it needs. */
  start(): void {
    const { egress, git, telemetry, streams_socket: streams } = this.#launch;
    if (egress !== undefined) this.#egress = openEgress(egress);
    if (telemetry !== undefined) this.#telemetry = this.#parked?.telemetry ?? openTelemetryPort(telemetry);
    if (streams !== undefined) this.#streams = openStreams(streams, this.#launch, this.terminals);
    void (git === undefined ? this.#startClaude() : this.#cloneFirst(git));
  }

  /** The session has stored the clone. It says so with every connection: only the first time counts. */
  go(): void {
    if (!this.#awaitsGo) return;
    this.#awaitsGo = false;
    void this.#startClaude();
  }

  /** Ends everything gently. @returns whether something still runs; if so, `ended` or `stopped` follows */
  stop(): boolean {
    this.#stopping = true;
    this.#awaitsGo = false;
    this.terminals.close();
    this.#claude?.stop();
    this.#parked?.claude.kill();
    this.#clone?.kill();
    this.#commands?.kill();
    return this.#claude !== null || this.#clone !== null || this.#commands !== null;
  }

  /** Kills every process at once. */
  kill(): void {
    this.terminals.kill();
    this.#claude?.kill();
    this.#parked?.claude.kill();
    this.#clone?.kill();
    this.#commands?.kill();
  }

  /** Closes the listeners, and ends what people still run. */
  close(): void {
    this.terminals.close();
    this.terminals.kill();
    this.#egress?.close();
    this.#telemetry?.close();
    this.#streams?.close();
  }

  /** Writes a message to `claude`'s standard input. False: it does not run, or does not read any more. */
  async write(message: object): Promise<boolean> {
    return (await this.#claude?.write(message)) ?? false;
  }

  /** Stops reading `claude`'s output, so that `claude` waits. */
  pause(): void {
    this.#claude?.pause();
  }

  resume(): void {
    this.#claude?.resume();
  }

  async #cloneFirst(git: Git): Promise<void> {
    // Git needs the proxy.
    const problem = (await this.#egress?.opened) ?? null;
    if (this.#stopping) return;
    if (problem !== null) return this.#listener.ended({ notice: 'start_failed', detail: problem });
    this.#clone = new WorkspaceClones(this.#launch, git, (notice) => this.#listener.notice(notice));
    const end = await this.#clone.ended;
    this.#clone = null;
    if (this.#stopping) return this.#listener.stopped();
    if (end === null) {
      // Not stopped by the session, so killed because the container had reached its limit of processes.
      const detail = 'Too many processes run in the container for git to go on.';
      return this.#listener.ended({ notice: 'clone_failed', detail });
    }
    if (end.notice === 'clone_failed') return this.#listener.ended(end);
    const { prepare } = this.#launch;
    if (prepare === undefined) {
      this.#listener.notice(end);
      this.#awaitsGo = true;
      return;
    }
    this.#listener.notice({ ...end, more: true });
    await this.#prepare(prepare, end.notice === 'cloned' || end.after_clone === true);
  }

  async #prepare(prepare: Prepare, afterClone: boolean): Promise<void> {
    this.#commands = new PrepareCommands(this.#launch, prepare, (notice) => this.#listener.notice(notice));
    const failed = await this.#commands.ended;
    this.#commands = null;
    if (this.#stopping) return this.#listener.stopped();
    if (failed !== null) return this.#listener.ended(failed);
    this.#listener.notice({ notice: 'prepared', ...(afterClone && { after_clone: true }) });
    this.#awaitsGo = true;
  }

  async #startClaude(): Promise<void> {
    const telemetry = (await this.#telemetry?.env) ?? {};
    if (this.#stopping) return this.#listener.stopped();
    // What the session itself has set comes first.
    const launch = { ...this.#launch, env: { ...telemetry, ...this.#launch.env } };
    const lacking = skillsProblem(launch);
    if (lacking !== null) {
      // Not before the caller's constructor is done.
      setImmediate(() => this.#listener.ended({ notice: 'start_failed', detail: lacking }));
      return;
    }
    const { servers, refused } = mcpServers(launch);
    for (const { name, why: detail } of refused) {
      this.#listener.notice({ notice: 'mcp_server', name, state: 'failed', detail });
    }
    this.#dialogue.watchServers(servers);
    if (!(await this.#claimed(launch))) {
      if (this.#stopping) return this.#listener.stopped();
      this.#claude = new ClaudeProcess(launch, servers, this.#dialogue.tools, this.#heard());
    }
    const claude = this.#claude;
    const problem = (await this.#egress?.opened) ?? null;
    // Without the proxy the session's network policy cannot be kept.
    if (problem !== null) claude?.giveUp(problem);
  }

  /** Has the parked `claude` claim the session. False: there is none, or it cannot have this session, and has ended. */
  async #claimed(launch: WrapperLaunch): Promise<boolean> {
    const claude = this.#parked?.claude;
    if (claude === undefined) return false;
    this.#parked = null;
    this.#claude = claude;
    const refused = await claude.claim(launch, this.#heard());
    if (refused === null) return true;
    this.#claude = null;
    console.error(`cc-docker wrapper: claude starts anew, because the one that waited cannot be used: ${refused}`);
    return false;
  }

  #heard(): ClaudeListener {
    return {
      line: (line) => {
        this.#listener.line(line);
      },
      ready: (version, conversation_id) => {
        const known = conversation_id !== undefined && { conversation_id };
        this.#listener.notice({ notice: 'ready', claude_version: version, ...known });
        this.#dialogue.ready();
        this.#listener.ready();
      },
      ended: (end) => {
        this.#listener.ended(end);
      },
    };
  }
}
