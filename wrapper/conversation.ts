import { WrapperExit } from '../protocol/link/wrapper-exit.ts';
import type { WrapperLaunch } from '../protocol/link/wrapper-launch.ts';
import type { SessionFrame, WrapperCommand } from '../protocol/link/wrapper-link.ts';
import type { LinkItem, WrapperFrame, WrapperNotice } from '../protocol/link/wrapper-notice.ts';
import { type ClaudeLine, ClaudeProcess } from './claude/claude-process.ts';
import { type EgressListeners, openEgress } from './workspace/egress.ts';
import { GitClone } from './workspace/git-clone.ts';
import { Inbox } from './link/inbox.ts';
import { Link } from './link/link.ts';
import { mcpServers } from './mcp/mcp-servers.ts';
import { McpWatch } from './mcp/mcp-watch.ts';
import { Outbox } from './link/outbox.ts';
import { OWN_REQUESTS, USAGE_REQUEST } from './claude/output-line.ts';
import { type PermissionRequest, Permissions } from './claude/permissions.ts';
import { PidsWatch, readPids } from './seal/pids-watch.ts';
import type { SealNotice } from './seal/seal.ts';
import { skillsProblem } from './claude/skills.ts';
import { Spending } from './claude/spending.ts';
import { ToolCalls } from './tools/tool-calls.ts';
import { TOOL_SERVER } from './tools/tool-names.ts';
import { ToolServer } from './tools/tool-server.ts';
import { Turns } from './claude/turns.ts';

/** Bytes not acknowledged at which `claude`'s output is left unread, and at which it is read again. */
const PAUSE_BYTES = 64 * 1024 * 1024;
const RESUME_BYTES = 32 * 1024 * 1024;

/** Milliseconds for the last words to be acknowledged once `claude` has ended: after a stop, and when it ended by itself. */
const FLUSH_STOPPED_MS = 8000;
const FLUSH_EXITED_MS = 600_000;
/** Milliseconds between two looks at the number of processes. */
const PIDS_MS = 1000;

/** How it ended. */
export interface ConversationEnd {
  /** Items that were not acknowledged in time. */
  unacknowledged: number;
  code: WrapperExit;
}

/** One epoch: `claude`, the link to its session, and what passes between them. */
export class Conversation {
  /** Settles when `claude` is gone and its words are safe, or the time for that is over. */
  readonly ended: Promise<ConversationEnd>;
  readonly #epoch: number;
  readonly #outbox = new Outbox();
  readonly #inbox = new Inbox();
  readonly #turns = new Turns();
  readonly #permissions: Permissions;
  readonly #spending: Spending;
  readonly #toolCalls = new ToolCalls((notice) => {
    this.#tell(notice);
  });
  #tools: ToolServer | null = null;
  #mcp: McpWatch | null = null;
  readonly #pids = new PidsWatch();
  /** Null: a repository comes first, or a broken seal, and nothing is started. */
  #claude: ClaudeProcess | null = null;
  #clone: GitClone | null = null;
  /** The clone is done: this goes on, once the session has it. */
  #onGo: (() => void) | null = null;
  readonly #egress: EgressListeners | null;
  readonly #link: Link;
  readonly #settle: (end: ConversationEnd) => void;
  #code: WrapperExit = WrapperExit.done;
  #pidsTimer: NodeJS.Timeout | undefined;
  #ready = false;
  #handing = false;
  #takenDue = false;
  #interrupts = 0;
  #stopping = false;
  #claudeEnded = false;
  #deadline: NodeJS.Timeout | undefined;

  /** @param seal what was found of it; null: this is not to be sealed */
  constructor(launch: WrapperLaunch, seal: SealNotice | null) {
    const { promise, resolve } = Promise.withResolvers<ConversationEnd>();
    this.ended = promise;
    this.#settle = resolve;
    this.#epoch = launch.epoch;
    this.#permissions = new Permissions(launch.config.permission_mode !== 'bypass');
    this.#spending = new Spending(
      launch.resume || launch.fork_of !== undefined,
      (request) => void this.#write({ type: 'control_request', request_id: USAGE_REQUEST, request }),
      (notice) => {
        this.#tell(notice);
      },
    );
    if (seal !== null) this.#outbox.push(seal);
    const sound = seal?.notice !== 'seal_broken';
    this.#egress = sound && launch.egress !== undefined ? openEgress(launch.egress) : null;
    // Before the link: it takes half a second to start, and nothing else does.
    if (sound && launch.git === undefined) void this.#startClaude(launch);
    this.#link = new Link(launch.link_socket, {
      hello: () => {
        this.#takenDue = false;
        return { kind: 'hello', epoch: this.#epoch, taken: this.#inbox.taken };
      },
      take: () => this.#take(),
      receive: (frame) => this.#receive(frame),
      broken: () => {
        this.#outbox.disconnected();
      },
    });
    if (sound && launch.git !== undefined) void this.#cloneFirst(launch, launch.git);
    if (sound) this.#pidsTimer = setInterval(() => this.#lookAtPids(), PIDS_MS);
    else this.#broken();
  }

  async #cloneFirst(launch: WrapperLaunch, git: NonNullable<WrapperLaunch['git']>): Promise<void> {
    // Git needs the way out.
    const problem = (await this.#egress?.opened) ?? null;
    if (this.#stopping) return;
    if (problem !== null) return this.#over({ notice: 'start_failed', detail: problem });
    this.#outbox.push({ notice: 'cloning', repo: git.repo });
    this.#link.flush();
    this.#clone = new GitClone(launch, git);
    const end = await this.#clone.ended;
    this.#clone = null;
    if (this.#stopping) return this.#nothingRuns();
    if (end === null)
      return this.#over({
        notice: 'clone_failed',
        detail: 'Too many processes run in the container for git to go on.',
      });
    if (end.notice === 'clone_failed') return this.#over(end);
    this.#outbox.push(end);
    this.#link.flush();
    this.#onGo = () => void this.#startClaude(launch);
  }

  async #startClaude(launch: WrapperLaunch): Promise<void> {
    const lacking = skillsProblem(launch);
    if (lacking !== null) {
      // Not before the constructor is done.
      setImmediate(() => this.#over({ notice: 'start_failed', detail: lacking }));
      return;
    }
    const { servers, refused } = mcpServers(launch);
    for (const { name, why: detail } of refused) {
      this.#outbox.push({ notice: 'mcp_server', name, state: 'failed', detail });
    }
    const offered = launch.config.agent_tools;
    if (offered.length > 0) {
      try {
        this.#tools = await ToolServer.listen(this.#toolCalls, offered);
      } catch (error) {
        return this.#over({ notice: 'start_failed', detail: `Nothing can listen on loopback: ${String(error)}` });
      }
      if (this.#stopping) {
        this.#tools.close();
        return;
      }
    }
    const tools = this.#tools?.config ?? null;
    const watch = new McpWatch(
      { ...servers, ...(tools !== null && { [TOOL_SERVER]: tools }) },
      (request) => void this.#write(request),
      (notice) => {
        this.#tell(notice);
      },
    );
    this.#mcp = watch;
    const claude = new ClaudeProcess(launch, tools, servers, {
      line: (line) => {
        this.#said(line);
      },
      ready: (version) => {
        this.#ready = true;
        this.#outbox.push({ notice: 'ready', claude_version: version });
        this.#link.flush();
        watch.ask();
        void this.#handOn();
      },
      ended: (end) => {
        this.#over(end);
      },
    });
    this.#claude = claude;
    void this.#tools?.open();
    const problem = (await this.#egress?.opened) ?? null;
    // What the session's policy promises could not be kept.
    if (problem !== null) claude.giveUp(problem);
  }

  /** Its notice has been pushed; that is all that there will be. */
  #broken(): void {
    this.#code = WrapperExit.sealBroken;
    this.#claudeEnded = true;
    this.#finishWithin(FLUSH_STOPPED_MS);
  }

  #lookAtPids(): void {
    const reading = readPids();
    if (reading === null || !this.#pids.sample(reading, performance.now())) return;
    this.#code = WrapperExit.outOfPids;
    this.kill();
  }

  /** Ends `claude` gently, then the conversation. */
  stop(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#claude?.stop();
    this.#clone?.kill();
    this.#onGo = null;
    // Git takes a moment to die.
    if (this.#claudeEnded || (this.#claude === null && this.#clone === null)) this.#nothingRuns();
  }

  /** It is stopped, and there is nothing more to be said. */
  #nothingRuns(): void {
    this.#claudeEnded = true;
    this.#finishWithin(FLUSH_STOPPED_MS);
    if (this.#outbox.size === 0) this.#finish();
  }

  /** Leaves no process behind, on the spot. */
  kill(): void {
    this.#claude?.kill();
    this.#clone?.kill();
  }

  #said(line: ClaudeLine): void {
    if (line.kind === 'echo') return;
    if (line.kind === 'servers') {
      // On its way out it fails them all.
      if (!this.#stopping) this.#mcp?.answered(line.servers);
      return;
    }
    if (line.kind === 'usage') return this.#spending.answered(line.totalUsd);
    if (line.kind === 'preview') this.#outbox.preview(line.line);
    else if (line.kind === 'permission') this.#asked(line.request);
    else if (line.kind === 'cancel') this.#tell(this.#permissions.cancelled(line.requestId) ?? line.line);
    else this.#outbox.push(line.kind === 'item' ? line.item : line.line);
    this.#link.flush();
    if (line.kind === 'lifecycle' && this.#turns.lifecycle(line.messageId, line.state)) void this.#interrupt();
    if (line.kind === 'lifecycle' && line.state === 'completed') this.#mcp?.ask();
    if (line.kind === 'request') void this.#refuse(line.requestId);
    if ('spending' in line && line.spending !== undefined) this.#spending.heard(line.spending);
    if (this.#outbox.bytes > PAUSE_BYTES) this.#claude?.pause();
  }

  #asked(request: PermissionRequest): void {
    const said = this.#permissions.asked(request, crypto.randomUUID());
    if ('notice' in said) this.#tell(said);
    else void this.#write(said);
  }

  /** Whoever is asked is asked still when the container goes: it is only `claude` that waits no longer. */
  #tell(item: LinkItem): void {
    const givenUp = typeof item !== 'string' && (item.notice === 'withdrawn' || item.notice === 'tool_cancelled');
    if (givenUp && (this.#stopping || this.#claudeEnded)) return;
    this.#outbox.push(item);
    this.#link.flush();
  }

  #take(): WrapperFrame | null {
    if (!this.#takenDue) return this.#outbox.take();
    this.#takenDue = false;
    return { kind: 'taken', command: this.#inbox.taken };
  }

  #receive(frame: SessionFrame): string | null {
    if (frame.kind === 'command') {
      const receipt = this.#inbox.receive(frame.number, frame.command);
      if (receipt === 'taken') this.#takenDue = true;
      else if (receipt === 'waiting') void this.#handOn();
      // A new `hello` tells the session which command is missing.
      return receipt === 'gap' ? `command ${frame.number} after ${this.#inbox.taken}` : null;
    }
    if (!this.#heed(frame)) return `${JSON.stringify(frame)} cannot be`;
    if (this.#outbox.bytes < RESUME_BYTES) this.#claude?.resume();
    if (this.#claudeEnded && this.#outbox.size === 0) this.#finish();
    return null;
  }

  #heed(frame: Exclude<SessionFrame, { kind: 'command' }>): boolean {
    if (frame.kind === 'welcome') return this.#outbox.welcome(frame.stored);
    if (frame.kind === 'ack') return this.#outbox.acknowledge(frame.stored);
    // The runner's own; no wrapper is sent it.
    if (frame.kind === 'host_ack' || frame.kind === 'model') return false;
    if (frame.kind === 'go') {
      // It comes with every connection.
      this.#onGo?.();
      this.#onGo = null;
      return true;
    }
    return this.#outbox.resend(frame.from);
  }

  /** Hands commands on, one after the other, from the moment that `claude` is ready. */
  async #handOn(): Promise<void> {
    if (!this.#ready || this.#handing) return;
    this.#handing = true;
    for (let command = this.#inbox.peek(); command !== null; command = this.#inbox.peek()) {
      // When it no longer reads, its exit is on its way up, and the command stays the session's.
      if (!(await this.#hand(command))) break;
      this.#inbox.handedOn();
      this.#takenDue = true;
      this.#link.flush();
    }
    this.#handing = false;
  }

  /** False: `claude` is gone or going, and the command stays the session's. */
  async #hand(command: WrapperCommand): Promise<boolean> {
    if (command.command === 'prompt') {
      this.#turns.prompted(command.message_id);
      return this.#write({
        type: 'user',
        message: { role: 'user', content: [{ type: 'text', text: command.prompt }] },
        parent_tool_use_id: null,
        uuid: command.message_id,
      });
    }
    if (command.command === 'interrupt') return this.#turns.interrupt(command.message_id) ? this.#interrupt() : true;
    if (this.#stopping || this.#claudeEnded) return false;
    if (command.command === 'tool_result') {
      const { call_id, text, is_error: isError, structured } = command;
      this.#toolCalls.answer(call_id, { text, isError, structured });
      return true;
    }
    if (command.command === 'watch_spending') {
      this.#spending.watch(command.on);
      return true;
    }
    const answer = this.#permissions.answer(command.interaction_id, command.resolution);
    if (answer === null) return true;
    const written = await this.#write(answer);
    if (written) this.#permissions.answered(command.interaction_id);
    return written;
  }

  async #write(message: object): Promise<boolean> {
    return (await this.#claude?.write(message)) ?? false;
  }

  /** Nobody here could answer it, and `claude` would wait. */
  #refuse(request_id: string): Promise<boolean> {
    return this.#write({
      type: 'control_response',
      response: { subtype: 'error', request_id, error: 'cc-docker does not know this request' },
    });
  }

  #interrupt(): Promise<boolean> {
    this.#interrupts += 1;
    return this.#write({
      type: 'control_request',
      request_id: `${OWN_REQUESTS}interrupt-${this.#interrupts}`,
      request: { subtype: 'interrupt' },
    });
  }

  #over(end: WrapperNotice): void {
    this.#claudeEnded = true;
    this.#mcp?.close();
    this.#lookAtPids();
    if (!this.#stopping && this.#pids.refusedLately(performance.now())) this.#code = WrapperExit.outOfPids;
    this.#outbox.push(end);
    this.#link.flush();
    const soon = this.#stopping || this.#code === WrapperExit.outOfPids;
    this.#finishWithin(soon ? FLUSH_STOPPED_MS : FLUSH_EXITED_MS);
  }

  #finishWithin(ms: number): void {
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => {
      this.#finish();
    }, ms);
  }

  #finish(): void {
    clearTimeout(this.#deadline);
    clearInterval(this.#pidsTimer);
    this.#egress?.close();
    this.#tools?.close();
    this.#link.close();
    this.#settle({ unacknowledged: this.#outbox.size, code: this.#code });
  }
}
