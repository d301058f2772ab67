import { env } from 'cloudflare:test';
import { vi } from 'vitest';
import type { Interaction } from '../../../../../durable/shared/interactions/interaction.ts';
import type { ResolveRequest } from '../../../../../protocol/api/session/interaction.ts';
import type { Reason } from '../../../../../protocol/reason.ts';
import type { WrapperCommand } from '../../../../../protocol/link/wrapper/wrapper-link.ts';
import type { LinkItem } from '../../../../../protocol/link/wrapper/wrapper-notice.ts';
import { SessionStore } from '../../../../../durable/session/store/store.ts';
import { edgeSettings } from '../../../../../protocol/settings/edge-settings.ts';
import { createSessionRequest } from '../../../../../protocol/api/session/session.ts';
import { tablesOf } from '../../../support/tables.ts';

/** How often people are reminded where a question does not say. */
const REMINDERS = 2;
const START = Date.UTC(2026, 0, 1);

/** How the model came to know of an answer. */
interface Heard {
  readonly by: 'command' | 'message';
  readonly text: string;
}

const idOf = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

/** What a person answers to a question and to a permission. Each text is its own, so that it is recognised. */
const reply = (of: 'permission' | 'ask_user', id: string, variant: number): ResolveRequest =>
  of === 'permission'
    ? { decision: variant % 2 === 0 ? 'allow' : 'deny', message: `reply ${variant} to ${id}` }
    : { answer: `reply ${variant} to ${id}` };

/** A session with a wrapper and a `claude` that do what the real ones do, driven a step at a time. */
export class Story {
  readonly store: SessionStore;
  readonly kinds = new Map<string, 'permission' | 'ask_user'>();
  /** How often people may be reminded of each. */
  readonly reminders = new Map<string, number>();
  readonly heard = new Map<string, Heard[]>();
  /** Those whose wait the agent's side has ended. */
  readonly withdrawn = new Set<string>();
  /** Who answered first, and with what; of each interaction. */
  readonly winner = new Map<string, number>();
  #now = START;
  #items = 0;
  #taken = 0;
  #chats = 0;
  /** What the present `claude` waits for. */
  #waiting = new Set<string>();
  /** The present container runs. */
  #runs = false;
  #turn: string | null = null;

  /** @param storage emptied first */
  constructor(storage: DurableObjectStorage) {
    vi.setSystemTime(this.#now);
    for (const table of tablesOf(storage)) storage.sql.exec(`DROP TABLE ${table}`);
    this.store = new SessionStore(storage, edgeSettings.parse(env), () => {});
    const request = createSessionRequest.parse({
      config: { permission_mode: 'ask', interaction_reminders: REMINDERS },
    });
    const identity = {
      session_id: crypto.randomUUID(),
      owner: 'alice',
      created: this.#now,
      request,
      forked_from: null,
      spawn: null,
    };
    this.store.begin(
      identity,
      { workspace: null, conversation: null, storage: null, fork_of: null, conversation_id: null, pinned: false },
      { permit: 'free', spawn: null },
    );
  }

  pass(seconds: number): void {
    this.#now += seconds * 1000;
    vi.setSystemTime(this.#now);
  }

  /** A runner takes the container that is wanted, and its `claude` is ready. */
  start(): void {
    const { state } = this.store.current;
    if (state.container !== 'wanted') return;
    this.store.change((tx) => tx.placed(state.epoch, 'runner'));
    [this.#items, this.#taken, this.#runs, this.#turn] = [0, 0, true, null];
    this.#waiting = new Set();
    this.#say({ notice: 'ready', claude_version: '2' });
  }

  chat(): void {
    const n = this.#chats++;
    const id = `10000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
    this.store.change((tx) => {
      tx.interactions.pass();
      tx.prompt({ message_id: id, prompt: `chat ${n}`, origin: 'user' });
    });
  }

  ask(of: 'permission' | 'ask_user', timeout_seconds?: number, max_attempts?: number): void {
    if (!this.#runs || this.#turn === null) return;
    const id = idOf(this.kinds.size);
    this.kinds.set(id, of);
    this.reminders.set(id, (of === 'ask_user' ? max_attempts : undefined) ?? REMINDERS);
    this.#waiting.add(id);
    if (of === 'permission') {
      const subject = { kind: 'permission' as const, tool_name: 'Bash', input: { id }, can_allow_session: false };
      this.#say({ notice: 'asked', interaction_id: id, tool_use_id: 't', subject });
      return;
    }
    const more = timeout_seconds === undefined ? {} : { timeout_seconds, default: `default of ${id}` };
    const often = max_attempts === undefined ? {} : { max_attempts };
    this.#say({
      notice: 'tool_call',
      call_id: id,
      call: { tool: 'ask_user', input: { question: `ask ${id}`, ...more, ...often } },
    });
  }

  /** `claude` no longer waits for its oldest question. */
  withdraw(): void {
    const [id] = this.#waiting;
    if (!this.#runs || id === undefined) return;
    this.#waiting.delete(id);
    this.#noteWithdrawn(id);
    if (this.kinds.get(id) === 'permission') this.#say({ notice: 'withdrawn', interaction_id: id });
    else this.#say({ notice: 'tool_cancelled', call_id: id });
  }

  resolve(n: number, variant: number): void {
    const id = idOf(n);
    const of = this.kinds.get(id);
    if (of === undefined) return;
    const said = this.store.change((tx) => tx.interactions.resolve(id, reply(of, id, variant), `person ${variant}`));
    if (said === null) throw new Error(`${id} was asked and is not there`);
    if ('refused' in said) {
      if (said.refused !== 'interaction_closed') throw new Error(said.detail);
      return;
    }
    const winner = this.winner.get(id) ?? variant;
    if (winner !== variant) throw new Error(`two different answers to ${id} were taken`);
    this.winner.set(id, winner);
  }

  /** The wrapper takes the next command, and does what it says. */
  deliver(): boolean {
    const { epoch } = this.store.current.state;
    const [next] = this.#runs ? this.store.commands.after(epoch, this.#taken) : [];
    if (next === undefined) return false;
    this.#taken = next.number;
    this.store.commands.taken(epoch, next.number);
    this.#obey(next.command);
    return true;
  }

  /** The turn ends: well, once nothing is waited for; or else with what was asked in it. */
  endTurn(ok: boolean): void {
    if (ok && this.#waiting.size > 0) return;
    if (!this.#runs || this.#turn === null) return;
    // As Claude Code does when a turn ends before its tools have.
    for (const id of this.#waiting) {
      this.#noteWithdrawn(id);
      if (this.kinds.get(id) === 'permission') this.#say({ notice: 'withdrawn', interaction_id: id });
      else this.#say({ notice: 'tool_cancelled', call_id: id });
    }
    this.#waiting = new Set();
    this.goOnInBackground(ok);
  }

  /** The turn ends, and what it asked is still waited for. */
  goOnInBackground(ok = true): void {
    if (!this.#runs || this.#turn === null) return;
    const message_id = this.#turn;
    this.#turn = null;
    const line = {
      type: 'result',
      subtype: ok ? 'success' : 'error_during_execution',
      is_error: !ok,
      user_message_uuids: [message_id],
    };
    this.#say(JSON.stringify(line));
  }

  interrupt(): void {
    this.store.change((tx) => tx.input({ on: 'interrupt', background: false }));
  }

  stop(): void {
    const reason = { code: 'stopped_by_user', detail: 'x' } as const;
    this.store.change((tx) => tx.input({ on: 'stop', reason }));
  }

  exit(): void {
    if (!this.#runs) return;
    [this.#runs, this.#turn] = [false, null];
    this.#say({ notice: 'exited', code: 1, signal: null, stderr: '' });
  }

  /** The container is gone with whatever it had not done. */
  end(code: Reason['code']): void {
    const { epoch, container } = this.store.current.state;
    if (container === 'none') return;
    [this.#runs, this.#turn] = [false, null];
    this.store.change((tx) => tx.ended(epoch, { code, detail: 'x' }, 'runner'));
  }

  /** Alarms come twice. */
  alarm(): void {
    this.store.change((tx) => tx.clock());
    const { seq } = this.store;
    this.store.change((tx) => tx.clock());
    if (this.store.seq !== seq) throw new Error('the same alarm did something twice');
  }

  all(): Interaction[] {
    return this.store.interactions.page({ state: undefined, asked: null, limit: 1000, cursor: undefined }).data;
  }

  /** Messages with the answer to `id` that were queued and given up with the queue before the model had them. */
  givenUp(id: string): number {
    const heard = (this.heard.get(id) ?? []).filter(({ by }) => by === 'message').length;
    const queued = this.store.log
      .read(0, 100_000, 1e9)
      .filter(({ type, json }) => type === 'message.queued' && json.includes(id));
    return queued.length - heard;
  }

  /** From here on all goes well, and nobody answers any more. */
  goWell(): void {
    for (let round = 0; round < 400; round += 1) {
      const { container, exit } = this.store.current.state;
      if (container === 'ending') this.end('stopped_by_user');
      else if (container !== 'none' && exit !== null) this.end('container_exited');
      this.start();
      while (this.deliver());
      this.endTurn(true);
      const due = this.store.interactions.nextDue();
      const { queue, current, retry_at } = this.store.current.state;
      // A container that ended while it started is requested again after a while.
      if (retry_at !== null) this.pass(Math.max(0, (retry_at - this.#now) / 1000));
      const rests = due === null && queue.length === 0 && current === null;
      if (rests && this.store.interactions.owed().length === 0) return;
      if (rests) this.chat();
      if (due !== null) this.pass(Math.max(0, (due - this.#now) / 1000));
      this.alarm();
    }
    throw new Error('it does not come to rest');
  }

  /** What the session has given up on already is asked on, whatever a container that is ending says. */
  #noteWithdrawn(id: string): void {
    if (this.store.interactions.get(id)?.detached !== true) this.withdrawn.add(id);
  }

  #obey(command: WrapperCommand): void {
    switch (command.command) {
      case 'prompt': {
        this.#turn = command.message_id;
        const id = [...this.kinds.keys()].find((one) => command.prompt.includes(one));
        if (id !== undefined) this.#hear(id, { by: 'message', text: command.prompt });
        return;
      }
      case 'interrupt':
        return this.endTurn(false);
      case 'resolve':
        return this.#answer(command.interaction_id, JSON.stringify(command.resolution));
      case 'tool_result':
        return this.#answer(command.call_id, command.text);
      case 'watch_spending':
      case 'set_model':
      case 'set_permission_mode':
      case 'skip':
        return;
    }
  }

  #answer(id: string, text: string): void {
    if (this.#waiting.delete(id)) this.#hear(id, { by: 'command', text });
  }

  #hear(id: string, heard: Heard): void {
    this.heard.set(id, [...(this.heard.get(id) ?? []), heard]);
  }

  #say(item: LinkItem): void {
    this.#items += 1;
    this.store.change((tx) => tx.link.take(this.#items, [item]));
  }
}
