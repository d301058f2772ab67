import type { WrapperLaunch } from '../../protocol/link/wrapper/wrapper-launch.ts';
import type { WrapperCommand } from '../../protocol/link/wrapper/wrapper-link.ts';
import type { LinkItem } from '../../protocol/link/wrapper/wrapper-notice.ts';
import { Agents } from '../claude/agents.ts';
import type { ClaudeLine } from '../claude/claude-process.ts';
import { CLAUDE_MODES, claudeModel } from '../claude/claude-args.ts';
import { OWN_REQUESTS, SETTING_REQUESTS, type Setting, USAGE_REQUEST } from '../claude/output-line.ts';
import { type PermissionRequest, Permissions } from '../claude/permissions.ts';
import { Spending } from '../claude/spending.ts';
import type { McpDefinition } from '../mcp/mcp-servers.ts';
import { McpWatch } from '../mcp/mcp-watch.ts';
import { ToolChannel } from '../tools/tool-channel.ts';
import { TurnSpans } from './turn-spans.ts';
import { userContent } from './user-content.ts';

type InterruptCommand = Extract<WrapperCommand, { command: 'interrupt' }>;
type PromptCommand = Extract<WrapperCommand, { command: 'prompt' }>;

/** The two ends that a dialogue connects. */
export interface DialogueEnds {
  /** Writes a message to `claude`'s standard input. False: it does not read any more. */
  write(message: object): Promise<boolean>;
  /** Sends an item to the session. */
  send(item: LinkItem): void;
  /** Sends a line to the session: at once when it comes alone, and in a rush together with others. */
  join(line: string): void;
  /** Sends a line to the session, at the latest a moment later, together with what follows. */
  gather(line: string): void;
  /** Shows a line to whoever watches the session now. In a rush it joins others, as with `join`. */
  preview(line: string): void;
  /** `claude` is about to end, or has ended. */
  ending(): boolean;
}

/** What passes between `claude` and its session: lines up, commands down, and the requests of both sides. */
export class Dialogue {
  /** CC-Docker's own tools. */
  readonly tools: ToolChannel;
  readonly #ends: DialogueEnds;
  readonly #workspace: string;
  readonly #permissions: Permissions;
  readonly #agents = new Agents();
  readonly #spending: Spending;
  readonly #spans: TurnSpans;
  #mcp: McpWatch | null = null;
  /** The number of the last request of its own that has no id of its own kind. */
  #requests = 0;
  /** Messages with which `claude` is done. */
  readonly #ended = new Set<string>();
  #settings = 0;

  constructor(launch: WrapperLaunch, ends: DialogueEnds) {
    const { config, resume, fork_of, cwd } = launch;
    this.#ends = ends;
    this.#spans = new TurnSpans(launch);
    this.tools = new ToolChannel(config.agent_tools, (notice) => {
      this.#send(notice);
    });
    this.#workspace = cwd;
    this.#permissions = new Permissions(config.permission_mode !== 'bypass');
    this.#spending = new Spending(
      resume || fork_of !== undefined,
      (request) => void ends.write({ type: 'control_request', request_id: USAGE_REQUEST, request }),
      (notice) => {
        this.#send(notice);
      },
    );
  }

  /** `claude` starts with these MCP servers. */
  watchServers(servers: Readonly<Record<string, McpDefinition>>): void {
    this.#mcp = new McpWatch(
      servers,
      (request) => void this.#ends.write(request),
      (notice) => {
        this.#send(notice);
      },
    );
  }

  /** `claude` is initialised. */
  ready(): void {
    this.#mcp?.ask();
  }

  /** `claude` has ended. */
  close(): void {
    this.#mcp?.close();
  }

  /** `claude` wrote a line. */
  line(line: ClaudeLine): void {
    switch (line.kind) {
      case 'echo':
        return;
      case 'servers':
        // While it ends, `claude` reports all of its servers as failed.
        if (!this.#ends.ending()) this.#mcp?.answered(line.servers);
        return;
      case 'usage':
        this.#spending.answered(line.totalUsd);
        return;
      case 'setting':
        this.#send({
          notice: 'setting_answered',
          setting: line.setting,
          refused: line.refused?.slice(0, 2048).toWellFormed() ?? null,
        });
        return;
      case 'permission':
        this.#permissionRequested(line.request);
        return;
      case 'cancel':
        this.#send(this.#permissions.cancelled(line.requestId) ?? line.line);
        return;
      case 'lifecycle':
        this.#lifecycle(line);
        return;
      case 'mcp':
        void this.#serveMcp(line.requestId, line.server, line.message);
        return;
      case 'request':
        this.#send(line.line);
        void this.#refuse(line.requestId);
        return;
      case 'preview':
        this.#spans.output();
        this.#ends.preview(line.line);
        break;
      case 'item':
        this.#spans.output();
        if (line.agents !== undefined) this.#agents.heard(line.agents);
        this.#send(line.item);
        break;
      case 'said':
        if (line.agents !== undefined) this.#agents.heard(line.agents);
        this.#ends.join(line.line);
        break;
      case 'step':
        this.#ends.gather(line.line);
        return;
    }
    if (line.spending !== undefined) this.#spending.heard(line.spending);
  }

  /** Runs a command of the session. False: `claude` is gone or about to go, and the command stays the session's. */
  async run(command: WrapperCommand): Promise<boolean> {
    if (command.command === 'prompt') return this.#prompt(command);
    if (command.command === 'skip') return true;
    if (command.command === 'interrupt') return this.#interrupt(command);
    if (this.#ends.ending()) return false;
    if (command.command === 'tool_result') {
      const { call_id, text, is_error: isError, structured } = command;
      this.tools.answer(call_id, { text, isError, structured });
      return true;
    }
    if (command.command === 'watch_spending') {
      this.#spending.watch(command.on);
      return true;
    }
    if (command.command === 'set_model') {
      return this.#set('model', { subtype: 'set_model', model: claudeModel(command.model) });
    }
    if (command.command === 'set_permission_mode') {
      const { permission_mode } = command;
      this.#permissions.ask(permission_mode !== 'bypass');
      return this.#set('permission_mode', { subtype: 'set_permission_mode', mode: CLAUDE_MODES[permission_mode] });
    }
    const answer = this.#permissions.answer(command.interaction_id, command.resolution);
    if (answer === null) return true;
    const written = await this.#ends.write(answer);
    if (written) this.#permissions.answered(command.interaction_id);
    return written;
  }

  async #serveMcp(requestId: string, server: string, message: unknown): Promise<void> {
    await this.#ends.write(await this.tools.received(requestId, server, message));
  }

  #set(setting: Setting, request: object): Promise<boolean> {
    this.#settings += 1;
    const request_id = `${SETTING_REQUESTS[setting]}${this.#settings}`;
    return this.#ends.write({ type: 'control_request', request_id, request });
  }

  async #prompt(command: PromptCommand): Promise<boolean> {
    const { message_id } = command;
    const content = await userContent(command, this.#workspace);
    if ('refused' in content) {
      // The notice of the end is the last one.
      if (this.#ends.ending()) return false;
      this.#ended.add(message_id);
      this.#send({ notice: 'prompt_refused', message_id, detail: content.refused });
      return true;
    }
    this.#spans.begun(message_id, command.traceparent);
    return this.#ends.write({
      type: 'user',
      message: { role: 'user', content },
      parent_tool_use_id: null,
      uuid: message_id,
      // `later`: a turn of its own. `next`: within the running turn, after the tool that runs.
      priority: command.steer === true ? 'next' : 'later',
    });
  }

  #lifecycle({ line, state, messageId }: Extract<ClaudeLine, { kind: 'lifecycle' }>): void {
    const ended = state === 'completed' || state === 'cancelled';
    if (!ended) return this.#ends.gather(line);
    this.#send(line);
    this.#ended.add(messageId);
    this.#spans.ended(messageId, state);
    if (state === 'completed') this.#mcp?.ask();
  }

  #permissionRequested(request: PermissionRequest): void {
    const agent = this.#agents.asking(request.request.agent_id ?? null);
    const outcome = this.#permissions.asked(request, crypto.randomUUID(), agent);
    if ('notice' in outcome) this.#send(outcome);
    else void this.#ends.write(outcome);
  }

  /**
   * While the container ends, `claude` withdraws what it waits for. That is not sent: people still see the question, and their
   * answer wakes the session.
   */
  #send(item: LinkItem): void {
    const withdrawn = typeof item !== 'string' && (item.notice === 'withdrawn' || item.notice === 'tool_cancelled');
    if (withdrawn && this.#ends.ending()) return;
    this.#ends.send(item);
  }

  /** Nobody here can answer the request, and `claude` would wait for ever. */
  #refuse(request_id: string): Promise<boolean> {
    return this.#ends.write({
      type: 'control_response',
      response: { subtype: 'error', request_id, error: 'cc-docker does not know this request' },
    });
  }

  /** An interrupt that comes after the end of its turn must not end the next one. */
  async #interrupt({ message_id, background, stop_tasks = [] }: InterruptCommand): Promise<boolean> {
    if (message_id === null || !this.#ended.has(message_id)) {
      // Without `cancel_queued`, a message whose turn has not begun yet would run after the interrupt.
      const interrupt = { subtype: 'interrupt', cancel_queued: true, spare_background_tasks: background !== true };
      if (!(await this.#request(interrupt))) return false;
    }
    for (const task_id of stop_tasks) if (!(await this.#request({ subtype: 'stop_task', task_id }))) return false;
    return true;
  }

  #request(request: object): Promise<boolean> {
    this.#requests += 1;
    return this.#ends.write({ type: 'control_request', request_id: `${OWN_REQUESTS}${this.#requests}`, request });
  }
}
