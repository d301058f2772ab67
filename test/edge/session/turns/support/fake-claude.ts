import { v7 as uuidV7 } from 'uuid';
import { vi } from 'vitest';
import { SessionStore } from '../../../../../durable/session/store/store.ts';
import type { Delivery } from '../../../../../protocol/api/session/message.ts';
import { createSessionRequest } from '../../../../../protocol/api/session/session.ts';
import type { WrapperCommand } from '../../../../../protocol/link/wrapper/wrapper-link.ts';
import type { LinkItem } from '../../../../../protocol/link/wrapper/wrapper-notice.ts';
import type { Reason } from '../../../../../protocol/reason.ts';
import { edgeSettings } from '../../../../../protocol/settings/edge-settings.ts';
import { tablesOf } from '../../../support/tables.ts';

/** A turn that runs: the messages that it answers, and the task of which it speaks. */
interface RunningTurn {
  readonly messages: string[];
  readonly run_id: string | null;
  readonly agent: boolean;
}

interface Task {
  readonly task_id: string;
  readonly run_id: string;
  readonly task_type: 'local_agent' | 'local_bash';
  readonly description: string;
}

const SETTINGS = { JWT_SECRET: 'of these tests, and of no use elsewhere' };

/**
 * A session's store with a `claude` that writes the lines that the real one was seen to write (claude-code-protocol.md), and
 * remembers what the model said to which message.
 */
export class FakeClaude {
  readonly store: SessionStore;
  /** What the model said last to each message, in a turn that named it. */
  readonly said = new Map<string, string>();
  /** Results that it wrote, and what they cost, USD. */
  results = 0;
  cost = 0;
  #now = 1_800_000_000_000;
  #items = 0;
  #taken = 0;
  #runs = false;
  #count = 0;
  /** Messages that it was given and has not begun. */
  #queued: { id: string; steer: boolean }[] = [];
  #turn: RunningTurn | null = null;
  #tasks: Task[] = [];
  /** Tasks that have ended, of which it has not been told. */
  #untold: Task[] = [];

  /** @param storage emptied first */
  constructor(storage: DurableObjectStorage) {
    vi.setSystemTime(this.#now);
    for (const table of tablesOf(storage)) storage.sql.exec(`DROP TABLE ${table}`);
    this.store = new SessionStore(storage, edgeSettings.parse(SETTINGS), () => undefined);
    const request = createSessionRequest.parse({});
    const identity = {
      session_id: uuidV7(),
      owner: 'alice',
      created: this.#now,
      request,
      forked_from: null,
      spawn: null,
    };
    const nothing = { workspace: null, conversation: null, storage: null, fork_of: null, conversation_id: null };
    this.store.begin(identity, { ...nothing, pinned: false }, { permit: 'free', spawn: null });
  }

  pass(seconds: number): void {
    this.#now += seconds * 1000;
    vi.setSystemTime(this.#now);
    this.store.change((tx) => tx.clock());
  }

  chat(delivery: Delivery): void {
    this.store.change((tx) => tx.prompt({ message_id: uuidV7(), prompt: 'x', origin: 'user', delivery }));
  }

  start(): void {
    const { state } = this.store.current;
    if (state.container !== 'wanted') return;
    this.store.change((tx) => tx.placed(state.epoch, 'runner'));
    [this.#items, this.#taken, this.#runs, this.#turn] = [0, 0, true, null];
    [this.#queued, this.#tasks, this.#untold] = [[], [], []];
    this.#say({ notice: 'ready', claude_version: '2' });
  }

  end(code: Reason['code']): void {
    const { epoch, container } = this.store.current.state;
    if (container === 'none') return;
    [this.#runs, this.#turn] = [false, null];
    [this.#queued, this.#tasks, this.#untold] = [[], [], []];
    this.store.change((tx) => tx.ended(epoch, { code, detail: 'x' }, 'runner'));
  }

  interrupt(background: boolean): void {
    this.store.change((tx) => tx.input({ on: 'interrupt', background }));
  }

  /** The wrapper takes the next command. */
  deliver(): boolean {
    const { epoch } = this.store.current.state;
    const [next] = this.#runs ? this.store.commands.after(epoch, this.#taken) : [];
    if (next === undefined) return false;
    this.#taken = next.number;
    this.store.commands.taken(epoch, next.number);
    this.#obey(next.command);
    return true;
  }

  #obey(command: WrapperCommand): void {
    if (command.command === 'prompt') {
      this.#queued.push({ id: command.message_id, steer: command.steer === true });
      this.#lifecycle(command.message_id, 'queued');
    }
    if (command.command !== 'interrupt') return;
    for (const { id } of this.#queued) this.#lifecycle(id, 'cancelled');
    this.#queued = [];
    const ends = (task: Task) =>
      (command.background === true && task.task_type === 'local_agent') ||
      command.stop_tasks?.includes(task.task_id) === true;
    if (this.#tasks.some(ends)) this.#list(this.#tasks.filter((task) => !ends(task)));
    if (this.#turn === null) return this.rest();
    this.#result('', { is_error: true, subtype: 'error_during_execution', terminal_reason: 'aborted_tools' });
  }

  /** Begins the next turn, if it is free: what it is told of a task goes first. */
  begin(): void {
    if (!this.#runs || this.#turn !== null) return;
    const told = this.#untold.shift();
    if (told !== undefined) {
      this.#turn = { messages: [], run_id: told.run_id, agent: true };
      return this.#line({ type: 'system', subtype: 'init' });
    }
    const next = this.#queued.shift();
    if (next === undefined) return;
    this.#turn = { messages: [next.id], run_id: null, agent: false };
    this.#lifecycle(next.id, 'started');
    this.#line({ type: 'system', subtype: 'init', user_message_uuids: [next.id] });
  }

  /** Takes a steered message, or what it is told of a task, into the running turn. */
  fold(): void {
    if (!this.#runs || this.#turn === null) return;
    const told = this.#untold.shift();
    if (told !== undefined) {
      const origin = { kind: 'task-notification', runId: told.run_id };
      return this.#line({ type: 'user', isReplay: true, origin, message: { content: 'told' } });
    }
    const steered = this.#queued.findIndex(({ steer }) => steer);
    const [message] = steered === -1 ? [] : this.#queued.splice(steered, 1);
    if (message === undefined) return;
    this.#turn.messages.push(message.id);
    this.#lifecycle(message.id, 'started');
  }

  /** Ends the running turn. */
  answer(ok: boolean): void {
    if (!this.#runs || this.#turn === null) return;
    this.#count += 1;
    const failure = { is_error: true, terminal_reason: 'api_error', api_error_status: 500 };
    this.#result(`answer ${this.#count}`, ok ? {} : failure);
  }

  beginTask(task_type: Task['task_type']): void {
    if (!this.#runs || this.#turn === null) return;
    this.#count += 1;
    const task_id = `task${this.#count}`;
    this.#list([...this.#tasks, { task_id, run_id: `run${this.#count}`, task_type, description: task_id }]);
  }

  endTask(): void {
    const [task, ...rest] = this.#tasks;
    if (!this.#runs || task === undefined) return;
    this.#list(rest);
    this.#untold.push(task);
  }

  /** It has nothing to do and nothing to say. */
  rest(): void {
    if (!this.#runs || this.#turn !== null || this.#queued.length > 0 || this.#untold.length > 0) return;
    if (this.#tasks.some(({ task_type }) => task_type === 'local_agent')) return;
    this.#line({ type: 'system', subtype: 'session_state_changed', state: 'idle' });
  }

  /** From here on all goes well. */
  goWell(): void {
    for (let round = 0; round < 400; round += 1) {
      const { container, queue, current, steered, agent_turn, unsettled } = this.store.current.state;
      if (container === 'ending') this.end('stopped_by_user');
      this.start();
      while (this.deliver());
      this.begin();
      this.answer(true);
      this.endTask();
      this.rest();
      const rests = queue.length + steered.length + unsettled.length === 0 && current === null && agent_turn === null;
      if (rests && this.#untold.length === 0 && this.#tasks.length === 0) return;
      if (container === 'none' && queue.length > 0) this.pass(60);
    }
    throw new Error('it does not come to rest');
  }

  #list(tasks: Task[]): void {
    this.#tasks = tasks;
    this.#line({ type: 'system', subtype: 'background_tasks_changed', tasks });
  }

  /** A message that was folded in is done just before the `result`; one whose turn it is, just after. */
  #result(result: string, change: Record<string, unknown>): void {
    const turn = this.#turn;
    if (turn === null) return;
    this.#turn = null;
    const [own, ...folded] = turn.agent ? [undefined, ...turn.messages] : turn.messages;
    const isOk = change['is_error'] !== true;
    if (isOk) for (const id of folded) if (id !== undefined) this.#lifecycle(id, 'completed');
    // What comes after its session has ended the container is too late.
    const isHeard = this.store.current.state.container === 'ready';
    if (isOk && isHeard) for (const id of turn.messages) this.said.set(id, result);
    this.results += 1;
    this.cost += 0.25;
    this.#line({
      type: 'result',
      subtype: 'success',
      is_error: false,
      terminal_reason: 'completed',
      result,
      num_turns: 1,
      model_usage_since_last_result: { model: { costUSD: 0.25 } },
      ...(turn.messages.length === 0 ? {} : { user_message_uuids: turn.messages }),
      ...(turn.agent ? { origin: { kind: 'task-notification', runId: turn.run_id } } : {}),
      ...change,
    });
    for (const id of isOk ? [own] : turn.messages) {
      if (id !== undefined) this.#lifecycle(id, isOk ? 'completed' : 'cancelled');
    }
    this.rest();
  }

  #lifecycle(command_uuid: string, state: string): void {
    this.#line({ type: 'command_lifecycle', command_uuid, state });
  }

  #line(line: Record<string, unknown>): void {
    this.#say(JSON.stringify(line));
  }

  #say(item: LinkItem): void {
    if (this.store.current.state.epoch !== this.store.current.link.epoch) return;
    this.#items += 1;
    this.store.change((tx) => tx.link.take(this.#items, [item]));
  }
}
