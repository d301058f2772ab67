import type { Delivery } from '../../../protocol/api/session/message.ts';
import type { MessageError } from '../../../protocol/reason.ts';
import { Container } from './life/container.ts';
import { Expiry } from './life/expiry.ts';
import type { Limits, PendingMessage, SessionState } from './state.ts';
import type { Step } from './life/effect.ts';
import type { SessionInput } from './life/input.ts';
import { isRunning, obstacleOf, wakesForVisitor } from './state.ts';
import { Draft } from './turns/draft.ts';
import { Terminals } from './turns/terminals.ts';
import { Turns } from './turns/turns.ts';

/**
 * The session state machine: the state after `input` at `now` (epoch milliseconds), and the effects to carry out. Pure
 * and total: an input that does not fit the present state changes nothing.
 */
export function advance(state: SessionState, input: SessionInput, now: number, limits: Limits): Step {
  const draft = new Draft(state, now, limits);
  new Machine(draft).take(input);
  return draft.finish();
}

/** What each input does. */
class Machine {
  readonly #draft: Draft;
  readonly #turns: Turns;
  readonly #terminals: Terminals;
  readonly #container: Container;
  readonly #expiry: Expiry;

  constructor(draft: Draft) {
    this.#draft = draft;
    this.#turns = new Turns(draft);
    this.#terminals = new Terminals(draft);
    this.#container = new Container(draft, this.#turns, this.#terminals);
    this.#expiry = new Expiry(draft, this.#turns, this.#container);
  }

  take(input: SessionInput): void {
    this.#take(input);
    if (this.#state.draining === true) this.#container.leave();
  }

  #take(input: SessionInput): void {
    const { epoch, container } = this.#state;
    switch (input.on) {
      case 'created':
        return this.#container.request();
      case 'prompted':
        return this.#prompted(input.message, input.delivery);
      case 'withdrawn':
        return this.#withdraw(input.message_id);
      case 'waiting':
        if (input.epoch === epoch && container === 'wanted') this.#draft.enter('queued', input.reason);
        return;
      case 'placed':
        if (input.epoch !== epoch || container !== 'wanted') return;
        this.#draft.set({ container: 'launched', launched_at: this.#draft.now });
        return this.#draft.enter('starting', null);
      case 'ready':
        return this.#container.ready();
      case 'cloned':
        if (this.#state.status === 'starting') this.#draft.set({ since: this.#draft.now });
        return;
      case 'start_waits':
        return this.#container.startWaits(input.reason);
      case 'claude_ended':
        return this.#draft.set({ exit: input.reason });
      case 'agent_turn_began':
        return this.#turns.agentBegan(input.turn_id);
      case 'turn_ended':
        return this.#turns.ended(input);
      case 'message_done':
        return this.#turns.messageDone(input.message_id);
      case 'message_cancelled':
        return this.#turns.messageCancelled(input.message_id);
      case 'tasks':
        if (container === 'ready') this.#turns.background.listed(input.tasks);
        return;
      case 'task_reported':
        return this.#turns.background.reportedInTurn(input.run_id);
      case 'claude_idle':
        return this.#turns.silent();
      case 'prompt_refused':
        return this.#turns.messageRefused(input.message_id, input.error);
      case 'asking':
        if (input.asking === this.#state.asking) return;
        this.#draft.set({ asking: input.asking });
        return this.#turns.updatePause();
      case 'crowded':
        if (input.epoch === epoch) this.#draft.set({ crowded: input.crowded });
        return;
      case 'draining':
        if (input.epoch === epoch) this.#draft.set({ draining: input.draining });
        return;
      case 'shared':
        return this.#shared(input.shared);
      case 'attended':
        return this.#attended();
      case 'called':
        return this.#called();
      case 'attached':
        return this.#terminals.attached(input.attached);
      case 'terminal_opened':
        if (input.epoch === epoch) this.#terminals.opened(input.terminal);
        return;
      case 'terminal_ended':
        return this.#terminals.ended(input);
      case 'permit':
        return this.#setPermit(input);
      case 'interrupt':
        return this.#interrupt(input.background);
      case 'stop':
        return this.#container.stop(input.reason);
      case 'flooded':
        return this.#container.flooded(input.reason);
      case 'ended':
        if (input.epoch === epoch && container !== 'none') this.#container.ended(input.reason);
        return;
      case 'clock':
        return this.#expiry.clock();
    }
  }

  get #state(): SessionState {
    return this.#draft.state;
  }

  #prompted(message: PendingMessage, delivery: Delivery): void {
    const { container, queue, retry_at } = this.#state;
    if (delivery === 'steer' && this.#turns.steer(message)) return;
    this.#draft.set({ queue: delivery === 'interrupt' ? [message, ...queue] : [...queue, message] });
    if (delivery === 'interrupt') this.#turns.interrupt('interrupted', false);
    if (container === 'none') return retry_at === null ? this.#container.wake() : undefined;
    if (container === 'ending') return this.#draft.enter('queued', null);
    this.#turns.dispatch();
  }

  #withdraw(message_id: string): void {
    const { queue } = this.#state;
    if (!queue.some((message) => message.message_id === message_id)) return;
    this.#draft.set({ queue: queue.filter((message) => message.message_id !== message_id) });
    const error: MessageError = { code: 'withdrawn', detail: 'Its sender withdrew it before its turn began.' };
    this.#draft.do({ do: 'message_interrupted', message_id, error });
    this.#container.stopIfNothingWaits({
      code: 'stopped_by_user',
      detail: 'The messages that it was to wake for were withdrawn.',
    });
  }

  /** Idle time does not count while other sessions work in its files. It starts again when the last one stops. */
  #shared(shared: boolean): void {
    if (shared === this.#state.shared) return;
    this.#draft.set({ shared, ...(this.#state.status === 'idle' ? { since: this.#draft.now } : {}) });
  }

  /** Somebody looks. What its owner has stopped stays so, and a start that failed is not repeated at once. */
  #attended(): void {
    if (this.#state.status === 'idle') return this.#draft.set({ since: this.#draft.now });
    if (wakesForVisitor(this.#state, this.#draft.now)) this.#container.request();
  }

  /** What waits already has a container requested, or waits for what a terminal would have to wait for too. */
  #called(): void {
    const { container, queue } = this.#state;
    if (container !== 'none' || queue.length > 0 || obstacleOf(this.#state) !== null) return;
    this.#draft.set({ failed_starts: 0 });
    this.#container.request();
  }

  #setPermit(input: Extract<SessionInput, { on: 'permit' }>): void {
    const before = this.#state;
    const since = before.suspended?.since ?? this.#draft.now;
    const suspended = input.permit === 'suspended' ? { reason: input.reason, since } : null;
    this.#draft.set({ permit: input.permit, suspended });
    if ((suspended === null) !== (before.suspended === null))
      this.#draft.do({ do: 'pause_model', paused: suspended !== null });
    if ((input.permit === 'free') !== (before.permit === 'free')) {
      this.#draft.do({ do: 'watch_spending', on: input.permit !== 'free' });
    }
    this.#turns.updatePause();
    const { container, queue, status, retry_at } = this.#state;
    if (isRunning(this.#state) || queue.length === 0) return;
    if (container === 'ready') return this.#turns.dispatch();
    if (container !== 'none') return;
    const obstacle = obstacleOf(this.#state);
    if (obstacle === null) return retry_at === null ? this.#container.request() : undefined;
    this.#draft.set({ retry_at: null });
    this.#draft.enter(status, obstacle);
  }

  /** Ends whatever runs. If nothing does, but a message waits for its container, that message does not begin. */
  #interrupt(background: boolean): void {
    const { container, queue } = this.#state;
    const [next] = queue;
    if (isRunning(this.#state) || container === 'ready' || next === undefined)
      return this.#turns.interrupt('interrupted', background);
    this.#draft.set({ queue: queue.slice(1) });
    const error: MessageError = { code: 'interrupted', detail: 'The message was interrupted before its turn began.' };
    this.#draft.do({ do: 'message_interrupted', message_id: next.message_id, error });
    this.#container.stopIfNothingWaits({ code: 'stopped_by_user', detail: 'What it was to wake for was interrupted.' });
  }
}
