import type { MessageError } from '../../../../protocol/reason.ts';
import type {
  AgentTurn,
  HandedMessage,
  InterruptCause,
  PendingMessage,
  RunningMessage,
  SessionState,
  TurnClock,
} from '../state.ts';
import type { EndedTurn } from '../life/input.ts';
import { isEnding, isRunning } from '../state.ts';
import { Background, isAnswered } from './background.ts';
import type { Draft } from './draft.ts';

const DROPPED: MessageError = { code: 'interrupted', detail: 'Claude Code dropped the message before it began.' };

/** The turns of a session: which message `claude` has, which turn runs, and how each ends. */
export class Turns {
  readonly background: Background;
  readonly #draft: Draft;

  constructor(draft: Draft) {
    this.#draft = draft;
    this.background = new Background(draft);
  }

  /** Begins the turn of the next message, if `claude` is free and the permit allows a turn. */
  dispatch(): void {
    const { container, queue, permit, suspended, limited, steered, agent_turn, draining } = this.#state;
    if (container !== 'ready' || this.#state.current !== null) return;
    if (agent_turn !== null) return this.#draft.enter('running', null);
    const [waiting] = steered;
    // The turn has ended without it, so `claude` answers it in the next.
    if (waiting !== undefined) {
      this.#draft.set({ current: this.#running(waiting), steered: steered.slice(1) });
      return this.#draft.enter('running', null);
    }
    const [next, ...rest] = queue;
    // On a runner that is being drained none begins: the machine moves what waits.
    if (next === undefined || draining === true) return this.#draft.enter('idle', null);
    if (permit === 'due' || permit === 'suspended') return this.#draft.enter('idle', suspended?.reason ?? null);
    if (limited !== null) return this.#draft.enter('idle', limited.reason);
    const { message_id, deadline: timeout } = next;
    this.#draft.set({ current: this.#running({ message_id, timeout, done: false }), queue: rest });
    this.#draft.enter('running', null);
    this.#hand(message_id, false);
  }

  /** Gives `claude` a message while it is at work. False: it is not. */
  steer({ message_id, deadline: timeout }: PendingMessage): boolean {
    const { container, permit, steered } = this.#state;
    if (container !== 'ready' || permit === 'suspended' || !isRunning(this.#state) || isEnding(this.#state))
      return false;
    this.#draft.set({ steered: [...steered, { message_id, timeout, done: false }] });
    this.#hand(message_id, true);
    return true;
  }

  /** `claude` has begun a turn itself. */
  agentBegan(turn_id: string): void {
    if (this.#state.container !== 'ready' || this.#state.agent_turn !== null) return;
    this.#draft.set({ agent_turn: { turn_id, started: this.#draft.now, ...this.#clock(null) } });
    this.#draft.enter('running', null);
    this.#draft.do({ do: 'agent_turn_began', turn_id });
  }

  /** `claude` has ended a turn. */
  ended(turn: EndedTurn): void {
    const { current, steered, agent_turn } = this.#state;
    if (current === null && steered.length === 0 && agent_turn === null && !turn.agent) return;
    const cause = causeOf(current) ?? causeOf(agent_turn);
    this.#draft.set({ agent_turn: null });
    this.background.turnEnded(turn);
    const answered: HandedMessage[] = [];
    if (current !== null && isAnswered(current, turn.message_ids)) {
      this.#clearCurrent();
      answered.push(current);
    }
    for (const message of steered.filter((one) => isAnswered(one, turn.message_ids))) {
      this.#draft.set({ steered: this.#state.steered.filter(({ message_id }) => message_id !== message.message_id) });
      answered.push(message);
    }
    const until = cause === null ? this.#resetOf(turn) : null;
    const held = until === null ? [] : answered.filter(({ timeout }) => timeout === null || timeout > until);
    for (const message of answered) if (!held.includes(message)) this.#end(message.message_id, cause, turn);
    if (until !== null) this.#hold(held, until);
    this.dispatch();
  }

  /** `claude` says that it is done with a message. The `result` of the turn that runs ends it, unless one has already. */
  messageDone(message_id: string): void {
    const { current, steered } = this.#state;
    if (current?.message_id === message_id) this.#draft.set({ current: { ...current, done: true } });
    this.#draft.set({
      steered: steered.map((message) => (message.message_id === message_id ? { ...message, done: true } : message)),
    });
  }

  /** `claude` will not answer a message. */
  messageCancelled(message_id: string): void {
    const { current, agent_turn } = this.#state;
    if (!this.#takeBack(message_id)) return;
    this.endMessage(message_id, causeOf(current) ?? causeOf(agent_turn) ?? 'interrupted', DROPPED);
    this.dispatch();
  }

  /** The container could not give a message to `claude`. */
  messageRefused(message_id: string, error: MessageError): void {
    if (!this.#takeBack(message_id)) return;
    this.endMessage(message_id, null, error);
    this.dispatch();
  }

  /** `claude` does not have the message any more. False: it had no such message. */
  #takeBack(message_id: string): boolean {
    const { current, steered } = this.#state;
    if (current?.message_id === message_id) {
      this.#clearCurrent();
      return true;
    }
    const left = steered.filter((message) => message.message_id !== message_id);
    this.#draft.set({ steered: left });
    return left.length < steered.length;
  }

  /** `claude` does nothing and has nothing to say: what it is done with and did not answer, it never will. */
  silent(): void {
    this.background.silent();
    const { current, steered } = this.#state;
    for (const message of [current, ...steered]) if (message?.done === true) this.messageCancelled(message.message_id);
  }

  /**
   * Ends what runs.
   *
   * @param background what is in the background ends too
   */
  interrupt(cause: InterruptCause, background: boolean): void {
    const { current, agent_turn, tasks } = this.#state;
    const ends = (current !== null || agent_turn !== null) && !isEnding(this.#state);
    if (!ends && !(background && tasks.length > 0)) return;
    const interrupting = { cause, since: this.#draft.now };
    if (ends) {
      this.#draft.set({
        current: current === null ? null : { ...current, interrupting },
        agent_turn: agent_turn === null ? null : { ...agent_turn, interrupting },
      });
    }
    const shells = tasks.filter(({ kind }) => kind === 'shell').map(({ task_id }) => task_id);
    this.#draft.do({
      do: 'interrupt',
      message_id: agent_turn === null ? (current?.message_id ?? null) : null,
      background: background ? { shells } : null,
    });
  }

  /**
   * The container is gone, or about to go, with all that ran in it.
   *
   * @param cause how the messages end; null: they fail; `parked`: they are interrupted with just this error
   */
  lost(error: MessageError, cause: InterruptCause | 'parked' | null): void {
    const { current, steered, agent_turn } = this.#state;
    if (current !== null) {
      this.#clearCurrent();
      this.#draft.do({ do: 'message_turn_lost', message_id: current.message_id, error });
    }
    this.#draft.set({ steered: [], agent_turn: null });
    for (const message of [current, ...steered]) {
      if (message === null) continue;
      const { message_id } = message;
      if (cause === 'parked') this.#draft.do({ do: 'message_interrupted', message_id, error });
      else this.endMessage(message_id, cause, error);
    }
    if (agent_turn !== null) this.#draft.do({ do: 'agent_turn_lost', turn: agent_turn, error });
    this.background.gone();
  }

  /** The time that people take to answer, or to raise the budget, does not count as the turn's time. */
  updatePause(): void {
    const { current, agent_turn } = this.#state;
    this.#draft.set({
      current: current === null ? null : { ...current, ...this.#paused(current) },
      agent_turn: agent_turn === null ? null : { ...agent_turn, ...this.#paused(agent_turn) },
    });
  }

  /** Ends a message without success. The interrupt's cause, if any, decides how. */
  endMessage(message_id: string, cause: InterruptCause | null, error: MessageError): void {
    if (cause === 'turn_timeout') {
      const late: MessageError = { code: 'turn_timeout', detail: 'The message was not answered within its timeout.' };
      this.#draft.do({ do: 'message_failed', message_id, error: late });
    } else if (cause === 'interrupted') {
      const isExact = error.code === 'interrupted' || error.code === 'budget_reached';
      const interrupted: MessageError = isExact ? error : { code: 'interrupted', detail: error.detail };
      this.#draft.do({ do: 'message_interrupted', message_id, error: interrupted });
    } else {
      this.#draft.do({ do: 'message_failed', message_id, error });
    }
  }

  get #state(): SessionState {
    return this.#draft.state;
  }

  #hand(message_id: string, steer: boolean): void {
    this.#draft.set({ last_message: message_id });
    this.#draft.do({ do: 'message_processing', message_id });
    this.#draft.do({ do: 'prompt', message_id, steer });
  }

  #end(message_id: string, cause: InterruptCause | null, { outcome }: EndedTurn): void {
    if (!outcome.ok)
      return this.endMessage(message_id, cause ?? (outcome.aborted ? 'interrupted' : null), outcome.error);
    const settled = this.background.isSettled(message_id);
    this.#draft.do({ do: 'message_completed', message_id, settled });
    if (!settled) this.#draft.set({ unsettled: [...this.#state.unsettled, message_id] });
  }

  /** When the usage limit that ended this turn is reset, epoch milliseconds; null: none did, or it is not waited for. */
  #resetOf({ outcome }: EndedTurn): number | null {
    if (outcome.ok || outcome.error.retry_at === undefined) return null;
    const until = Date.parse(outcome.error.retry_at);
    const wait = until - this.#draft.now;
    return wait > 0 && wait <= this.#draft.limits.hold ? until : null;
  }

  /** Puts messages back at the head of the queue. No turn begins before `until`: it would meet the same limit. */
  #hold(messages: readonly HandedMessage[], until: number): void {
    if (messages.length === 0) return;
    const waiting = messages.map(({ message_id, timeout }) => ({ message_id, deadline: timeout }));
    const detail = `The model's usage limit is reached. The messages that wait begin when it is reset, at ${new Date(until).toISOString()}.`;
    this.#draft.set({
      queue: [...waiting, ...this.#state.queue],
      limited: { reason: { code: 'usage_limit', detail }, until },
    });
    for (const { message_id } of waiting) this.#draft.do({ do: 'message_held', message_id, retry_at: until });
  }

  /** The turn is over. A granted permit was for this turn only, so the next turn needs a new one. */
  #clearCurrent(): void {
    this.#draft.set({ current: null, ...(this.#state.permit === 'granted' ? { permit: 'due' as const } : {}) });
  }

  #running(message: {
    readonly message_id: string;
    readonly timeout: number | null;
    readonly done: boolean;
  }): RunningMessage {
    return { ...message, ...this.#clock(message.timeout) };
  }

  #clock(timeout: number | null): TurnClock {
    const { asking, suspended } = this.#state;
    const paused = (asking || suspended !== null) && timeout === null ? this.#draft.now : null;
    const deadline = timeout ?? this.#draft.now + this.#draft.limits.turn;
    return { deadline, own_deadline: timeout !== null, paused, interrupting: null };
  }

  #paused({ own_deadline, paused, deadline }: TurnClock): Pick<TurnClock, 'paused' | 'deadline'> {
    const { asking, suspended } = this.#state;
    const isWaiting = asking || suspended !== null;
    if (own_deadline || isWaiting === (paused !== null)) return { paused, deadline };
    if (paused === null) return { paused: this.#draft.now, deadline };
    return { paused: null, deadline: deadline + this.#draft.now - paused };
  }
}

const causeOf = (turn: RunningMessage | AgentTurn | null): InterruptCause | null => turn?.interrupting?.cause ?? null;
