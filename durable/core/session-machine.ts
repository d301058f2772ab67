import type { MessageError, Reason } from '../../protocol/reason.ts';
import type {
  InterruptCause,
  Limits,
  PendingMessage,
  SessionEffect,
  SessionInput,
  SessionState,
  Step,
} from './session-state.ts';

/**
 * The session state machine: what happens to a session when `input` comes at `now` (epoch milliseconds). Pure, and
 * total: an input that means nothing in the present state changes nothing.
 */
export function advance(state: SessionState, input: SessionInput, now: number, limits: Limits): Step {
  const machine = new Machine(state, now);
  machine.take(input, limits);
  return machine.finish();
}

/** When the clock has to be looked at next, epoch milliseconds; null: never. */
export function nextDeadline(state: SessionState, limits: Limits): number | null {
  const times: number[] = [];
  for (const message of state.current ? [state.current, ...state.queue] : state.queue) {
    if (message.deadline !== null && !isInterrupting(message)) times.push(message.deadline);
  }
  if (state.status === 'starting') times.push(state.since + limits.startup);
  if (state.status === 'idle') times.push(state.since + limits.idle);
  if (state.container === 'launched' || state.container === 'ready') times.push(state.launched_at + limits.lifetime);
  return times.length === 0 ? null : Math.min(...times);
}

function isInterrupting(message: PendingMessage & { interrupting?: InterruptCause | null }): boolean {
  return message.interrupting !== undefined && message.interrupting !== null;
}

const seconds = (ms: number) => `${Math.round(ms / 1000)} s`;

class Machine {
  readonly #before: SessionState;
  readonly #now: number;
  readonly #effects: SessionEffect[] = [];
  #state: SessionState;

  constructor(state: SessionState, now: number) {
    this.#before = state;
    this.#state = state;
    this.#now = now;
  }

  finish(): Step {
    const changed = this.#before.status !== this.#state.status || this.#before.reason !== this.#state.reason;
    if (changed) this.#effects.push({ do: 'announce' });
    return { state: this.#state, effects: this.#effects };
  }

  take(input: SessionInput, limits: Limits): void {
    const { epoch, container } = this.#state;
    switch (input.on) {
      case 'created':
        return this.#want();
      case 'prompted':
        this.#set({ queue: [...this.#state.queue, input.message] });
        if (container === 'none') return this.#want();
        if (container === 'ending') return this.#enter('queued', null);
        return this.#dispatch();
      case 'waiting':
        if (input.epoch === epoch && container === 'wanted') this.#enter('queued', input.reason);
        return;
      case 'placed':
        if (input.epoch !== epoch || container !== 'wanted') return;
        this.#set({ container: 'launched', launched_at: this.#now });
        return this.#enter('starting', null);
      case 'ready':
        if (container !== 'launched' && container !== 'wanted') return;
        // The pool's word that it was launched may come later than the container's own.
        if (container === 'wanted') this.#set({ launched_at: this.#now });
        this.#set({ container: 'ready', was_ready: true });
        this.#enter('idle', null);
        return this.#dispatch();
      case 'claude_ended':
        return this.#set({ exit: input.reason });
      case 'turn_ended':
        return this.#turnEnded(input.message_ids, input.outcome);
      case 'message_dropped':
        if (this.#state.current?.message_id === input.message_id) {
          this.#finishCurrent({ code: 'interrupted', detail: 'Claude Code dropped the message before it began.' });
        }
        return;
      case 'interrupt':
        return this.#interrupt('interrupted');
      case 'stop':
        return this.#stop(input.reason);
      case 'ended':
        if (input.epoch === epoch && container !== 'none') this.#ended(input.reason);
        return;
      case 'clock':
        return this.#clock(limits);
    }
  }

  #set(change: Partial<SessionState>): void {
    this.#state = { ...this.#state, ...change };
  }

  #enter(status: SessionState['status'], reason: Reason | null): void {
    const moved = status !== this.#state.status;
    this.#set({ status, reason, ...(moved ? { since: this.#now } : {}) });
  }

  /** A new epoch: nothing of the one before is believed from here on. */
  #want(): void {
    this.#set({ epoch: this.#state.epoch + 1, container: 'wanted', was_ready: false, exit: null });
    this.#enter('queued', null);
    this.#effects.push({ do: 'want' });
  }

  #dispatch(): void {
    const { container, current, queue } = this.#state;
    const [next, ...rest] = queue;
    if (container !== 'ready' || current !== null) return;
    if (next === undefined) return this.#enter('idle', null);
    this.#set({ current: { ...next, interrupting: null }, queue: rest });
    this.#enter('running', null);
    this.#effects.push({ do: 'message_processing', message_id: next.message_id });
    this.#effects.push({ do: 'prompt', message_id: next.message_id });
  }

  #turnEnded(messageIds: readonly string[], outcome: Extract<SessionInput, { on: 'turn_ended' }>['outcome']): void {
    const current = this.#state.current;
    // A background task's turn answers no message of ours.
    if (current === null || !messageIds.includes(current.message_id)) return;
    if (outcome.ok) {
      this.#effects.push({ do: 'message_completed', message_id: current.message_id });
      this.#set({ current: null });
      return this.#dispatch();
    }
    this.#finishCurrent(outcome.error, outcome.aborted);
  }

  /** Ends the current message without success, by what was being done to it, and goes on with the next. */
  #finishCurrent(error: MessageError, aborted = true): void {
    const current = this.#state.current;
    if (current === null) return;
    this.#set({ current: null });
    this.#conclude(current.message_id, current.interrupting ?? (aborted ? 'interrupted' : null), error);
    this.#dispatch();
  }

  #conclude(message_id: string, cause: InterruptCause | null, error: MessageError): void {
    if (cause === 'turn_timeout') {
      const late: MessageError = { code: 'turn_timeout', detail: 'The message was not answered within its timeout.' };
      this.#effects.push({ do: 'message_failed', message_id, error: late });
    } else if (cause === 'interrupted') {
      const said: MessageError = error.code === 'interrupted' ? error : { code: 'interrupted', detail: error.detail };
      this.#effects.push({ do: 'message_interrupted', message_id, error: said });
    } else {
      this.#effects.push({ do: 'message_failed', message_id, error });
    }
  }

  #interrupt(cause: InterruptCause): void {
    const current = this.#state.current;
    if (current === null || current.interrupting !== null) return;
    this.#set({ current: { ...current, interrupting: cause } });
    this.#effects.push({ do: 'interrupt', message_id: current.message_id });
  }

  /** Parks the session on purpose: what runs and what waits is given up, each message told why. */
  #stop(reason: Reason): void {
    const { container, current, queue, status } = this.#state;
    if ((status === 'stopped' || status === 'failed') && queue.length === 0) return;
    const error: MessageError = { code: reason.code, detail: reason.detail };
    for (const message of current ? [current, ...queue] : queue) {
      this.#effects.push({ do: 'message_interrupted', message_id: message.message_id, error });
    }
    this.#set({ current: null, queue: [] });
    if (container !== 'none' && container !== 'ending') {
      this.#set({ container: 'ending' });
      this.#effects.push({ do: 'release' });
    }
    this.#enter('stopped', reason);
  }

  #ended(told: Reason): void {
    const { container, was_ready, exit, current, queue, status } = this.#state;
    this.#set({ container: 'none' });
    if (container === 'ending') {
      // Asked for: the status and its reason stand, unless messages have come since.
      if (queue.length > 0) this.#want();
      return;
    }
    const reason = told.code === 'container_exited' && exit !== null ? exit : told;
    const error: MessageError = { code: reason.code, detail: reason.detail };
    if (current !== null) {
      this.#set({ current: null });
      this.#conclude(current.message_id, current.interrupting === 'turn_timeout' ? 'turn_timeout' : null, error);
    }
    const parked = reason.code === 'runner_draining';
    if (!was_ready && !parked) {
      for (const message of queue) this.#effects.push({ do: 'message_failed', message_id: message.message_id, error });
      this.#set({ queue: [] });
    }
    if (this.#state.queue.length > 0) return this.#want();
    if (status !== 'stopped') this.#enter(parked ? 'stopped' : 'failed', reason);
  }

  #clock(limits: Limits): void {
    const { status, since, container, launched_at, current, queue } = this.#state;
    const now = this.#now;
    if ((container === 'launched' || container === 'ready') && now >= launched_at + limits.lifetime) {
      const detail = `The container reached its longest life of ${seconds(limits.lifetime)} (config.timeout_seconds). The next message starts another.`;
      return this.#stop({ code: 'session_timeout', detail });
    }
    if (status === 'starting' && now >= since + limits.startup) return this.#giveUpStarting(limits);
    if (status === 'idle' && now >= since + limits.idle) {
      const detail = `Idle for ${seconds(limits.idle)} (CONTAINER_IDLE_TIMEOUT). The next message wakes it.`;
      return this.#stop({ code: 'idle_timeout', detail });
    }
    if (current?.deadline !== undefined && current.deadline !== null && now >= current.deadline) {
      this.#interrupt('turn_timeout');
    }
    const late = queue.filter(({ deadline }) => deadline !== null && now >= deadline);
    if (late.length === 0) return;
    this.#set({ queue: queue.filter((message) => !late.includes(message)) });
    for (const { message_id } of late) {
      const error: MessageError = { code: 'turn_timeout', detail: 'The message timed out before its turn began.' };
      this.#effects.push({ do: 'message_failed', message_id, error });
    }
  }

  #giveUpStarting(limits: Limits): void {
    const detail = `Claude Code was not ready within ${seconds(limits.startup)}; the runner's log says how far it came.`;
    const reason: Reason = { code: 'startup_timeout', detail };
    const error: MessageError = { code: reason.code, detail };
    for (const { message_id } of this.#state.queue) this.#effects.push({ do: 'message_failed', message_id, error });
    this.#set({ queue: [], container: 'ending' });
    this.#effects.push({ do: 'release' });
    this.#enter('failed', reason);
  }
}
