import type { MessageError, Reason } from '../../../protocol/reason.ts';
import type { InterruptCause, Limits, SessionEffect, SessionInput, SessionState, Step } from './state.ts';

/**
 * The session state machine: the state after `input` at `now` (epoch milliseconds), and the effects to carry out. Pure
 * and total: an input that does not fit the present state changes nothing.
 */
export function advance(state: SessionState, input: SessionInput, now: number, limits: Limits): Step {
  const machine = new Machine(state, now, limits);
  machine.take(input);
  return machine.finish();
}

/** When the next `clock` input is due, epoch milliseconds; null: no deadline is set. */
export function nextDeadline(state: SessionState, limits: Limits): number | null {
  return earliest(state, limits)?.at ?? null;
}

interface Deadline {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly kind: 'waiting' | 'startup' | 'idle' | 'suspended' | 'turn' | 'interrupt' | 'lifetime';
}

/** The earliest deadline. Of two at the same time, the one that is pushed first here wins: it concerns less. */
function earliest(state: SessionState, limits: Limits) {
  const { status, container, since, launched_at, current, queue, suspended, crowded, shared } = state;
  const all: Deadline[] = [];
  for (const { deadline } of queue) if (deadline !== null) all.push({ at: deadline, kind: 'waiting' });
  if (status === 'starting') all.push({ at: since + limits.startup, kind: 'startup' });
  if (status === 'idle' && queue.length === 0 && !shared) {
    all.push({ at: since + (crowded ? Math.min(limits.crowded, limits.idle) : limits.idle), kind: 'idle' });
  }
  if (suspended !== null && container === 'ready' && (current !== null || queue.length > 0)) {
    all.push({ at: Math.max(suspended.since, since) + limits.idle, kind: 'suspended' });
  }
  if (current !== null) {
    const { interrupting, deadline, paused } = current;
    if (interrupting === null) {
      if (paused === null) all.push({ at: deadline, kind: 'turn' });
    } else all.push({ at: interrupting.since + limits.interrupt, kind: 'interrupt' });
  }
  if (container === 'launched' || container === 'ready') {
    all.push({ at: launched_at + limits.lifetime, kind: 'lifetime' });
  }
  return all.toSorted((a, b) => a.at - b.at)[0] ?? null;
}

const seconds = (ms: number) => `${Math.round(ms / 1000)} s`;

/** All in one file and class: it is one table of transitions over one state, and its rules depend on each other. */
class Machine {
  readonly #before: SessionState;
  readonly #now: number;
  readonly #limits: Limits;
  readonly #effects: SessionEffect[] = [];
  #state: SessionState;

  constructor(state: SessionState, now: number, limits: Limits) {
    this.#before = state;
    this.#state = state;
    this.#now = now;
    this.#limits = limits;
  }

  finish(): Step {
    const changed = this.#before.status !== this.#state.status || this.#before.reason !== this.#state.reason;
    if (changed) this.#effects.push({ do: 'announce' });
    return { state: this.#state, effects: this.#effects };
  }

  take(input: SessionInput): void {
    const { epoch, container } = this.#state;
    switch (input.on) {
      case 'created':
        return this.#requestContainer();
      case 'prompted':
        this.#set({ queue: [...this.#state.queue, input.message] });
        if (container === 'none') return this.#wake();
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
        // The pool's report that the container was launched may come later than the container's own first report.
        if (container === 'wanted') this.#set({ launched_at: this.#now });
        this.#set({ container: 'ready', was_ready: true });
        this.#enter('idle', null);
        return this.#dispatch();
      case 'cloned':
        if (this.#state.status === 'starting') this.#set({ since: this.#now });
        return;
      case 'claude_ended':
        return this.#set({ exit: input.reason });
      case 'turn_ended':
        return this.#turnEnded(input.message_ids, input.outcome);
      case 'message_dropped':
        if (this.#state.current?.message_id === input.message_id) {
          this.#finishCurrent({ code: 'interrupted', detail: 'Claude Code dropped the message before it began.' });
        }
        return;
      case 'prompt_refused':
        if (this.#state.current?.message_id === input.message_id) this.#finishCurrent(input.error, false);
        return;
      case 'asking':
        return this.#asking(input.asking);
      case 'crowded':
        if (input.epoch === epoch) this.#set({ crowded: input.crowded });
        return;
      case 'shared':
        return this.#shared(input.shared);
      case 'permit':
        return this.#setPermit(input);
      case 'interrupt':
        return this.#interrupt('interrupted');
      case 'stop':
        return this.#stop(input.reason);
      case 'ended':
        if (input.epoch === epoch && container !== 'none') this.#ended(input.reason);
        return;
      case 'clock':
        return this.#clock();
    }
  }

  #set(change: Partial<SessionState>): void {
    this.#state = { ...this.#state, ...change };
  }

  #enter(status: SessionState['status'], reason: Reason | null): void {
    const moved = status !== this.#state.status;
    this.#set({ status, reason, ...(moved ? { since: this.#now } : {}) });
  }

  /** Begins a new epoch. From now on, reports from earlier epochs are ignored. */
  #requestContainer(): void {
    this.#set({ epoch: this.#state.epoch + 1, container: 'wanted', was_ready: false, exit: null, crowded: false });
    this.#enter('queued', null);
    this.#effects.push({ do: 'want' });
    if (this.#state.permit !== 'free') this.#effects.push({ do: 'watch_spending', on: true });
  }

  /** Messages wait without a container. Requests one, unless the session is suspended: it could do nothing then. */
  #wake(): void {
    const { suspended } = this.#state;
    if (suspended === null) this.#requestContainer();
    else this.#enter('queued', suspended.reason);
  }

  /** Begins the turn of the next message, if `claude` is free and the permit allows a turn. */
  #dispatch(): void {
    const { container, current, queue, permit, suspended } = this.#state;
    const [next, ...rest] = queue;
    if (container !== 'ready' || current !== null) return;
    if (next === undefined) return this.#enter('idle', null);
    if (permit === 'due' || permit === 'suspended') return this.#enter('idle', suspended?.reason ?? null);
    const { message_id } = next;
    const own_deadline = next.deadline !== null;
    const deadline = next.deadline ?? this.#now + this.#limits.turn;
    const paused = this.#state.asking && !own_deadline ? this.#now : null;
    this.#set({ current: { message_id, deadline, own_deadline, paused, interrupting: null }, queue: rest });
    this.#enter('running', null);
    this.#effects.push({ do: 'message_processing', message_id: next.message_id });
    this.#effects.push({ do: 'prompt', message_id: next.message_id });
  }

  #asking(asking: boolean): void {
    if (asking === this.#state.asking) return;
    this.#set({ asking });
    this.#updatePause();
  }

  /** The time that people take to answer, or to raise the budget, does not count as the turn's time. */
  #updatePause(): void {
    const { current, asking, suspended } = this.#state;
    if (current === null || current.own_deadline) return;
    const isWaiting = asking || suspended !== null;
    if (isWaiting && current.paused === null) return this.#set({ current: { ...current, paused: this.#now } });
    if (isWaiting || current.paused === null) return;
    const waited = this.#now - current.paused;
    this.#set({ current: { ...current, deadline: current.deadline + waited, paused: null } });
  }

  /** Idle time does not count while other sessions work in its files. It starts again when the last one stops. */
  #shared(shared: boolean): void {
    if (shared === this.#state.shared) return;
    this.#set({ shared, ...(this.#state.status === 'idle' ? { since: this.#now } : {}) });
  }

  #setPermit(input: Extract<SessionInput, { on: 'permit' }>): void {
    const before = this.#state;
    const since = before.suspended?.since ?? this.#now;
    const suspended = input.permit === 'suspended' ? { reason: input.reason, since } : null;
    this.#set({ permit: input.permit, suspended });
    if ((suspended === null) !== (before.suspended === null))
      this.#effects.push({ do: 'pause_model', paused: suspended !== null });
    if ((input.permit === 'free') !== (before.permit === 'free')) {
      this.#effects.push({ do: 'watch_spending', on: input.permit !== 'free' });
    }
    this.#updatePause();
    const { container, current, queue, status } = this.#state;
    if (current !== null || queue.length === 0) return;
    if (container === 'ready') return this.#dispatch();
    if (container !== 'none') return;
    if (suspended === null) this.#requestContainer();
    else this.#enter(status, suspended.reason);
  }

  #turnEnded(messageIds: readonly string[], outcome: Extract<SessionInput, { on: 'turn_ended' }>['outcome']): void {
    const current = this.#state.current;
    // A turn that a background task began answers no message.
    if (current === null || !messageIds.includes(current.message_id)) return;
    if (outcome.ok) {
      this.#effects.push({ do: 'message_completed', message_id: current.message_id });
      this.#clearCurrent();
      return this.#dispatch();
    }
    this.#finishCurrent(outcome.error, outcome.aborted);
  }

  /** Ends the current message without success (a pending interrupt decides how), and begins the next one. */
  #finishCurrent(error: MessageError, aborted = true): void {
    const current = this.#state.current;
    if (current === null) return;
    this.#clearCurrent();
    this.#endMessage(current.message_id, current.interrupting?.cause ?? (aborted ? 'interrupted' : null), error);
    this.#dispatch();
  }

  /** The turn is over. A granted permit was for this turn only, so the next turn needs a new one. */
  #clearCurrent(): void {
    this.#set({ current: null, ...(this.#state.permit === 'granted' ? { permit: 'due' as const } : {}) });
  }

  /** Ends a message without success. The interrupt's cause, if any, decides how. */
  #endMessage(message_id: string, cause: InterruptCause | null, error: MessageError): void {
    if (cause === 'turn_timeout') {
      const late: MessageError = { code: 'turn_timeout', detail: 'The message was not answered within its timeout.' };
      this.#effects.push({ do: 'message_failed', message_id, error: late });
    } else if (cause === 'interrupted') {
      const isExact = error.code === 'interrupted' || error.code === 'budget_reached';
      const interrupted: MessageError = isExact ? error : { code: 'interrupted', detail: error.detail };
      this.#effects.push({ do: 'message_interrupted', message_id, error: interrupted });
    } else {
      this.#effects.push({ do: 'message_failed', message_id, error });
    }
  }

  #interrupt(cause: InterruptCause): void {
    const current = this.#state.current;
    if (current === null || current.interrupting !== null) return;
    this.#set({ current: { ...current, interrupting: { cause, since: this.#now } } });
    this.#effects.push({ do: 'interrupt', message_id: current.message_id });
  }

  /** Parks the session on purpose. The running message and those in the queue are interrupted, with this reason. */
  #stop(reason: Reason): void {
    const { container, current, queue, status } = this.#state;
    if ((status === 'stopped' || status === 'failed') && queue.length === 0) return;
    const error: MessageError = { code: reason.code, detail: reason.detail };
    for (const message of current ? [current, ...queue] : queue) {
      this.#effects.push({ do: 'message_interrupted', message_id: message.message_id, error });
    }
    this.#clearCurrent();
    this.#set({ queue: [] });
    if (container !== 'none' && container !== 'ending') this.#release();
    this.#enter('stopped', reason);
  }

  #ended(reported: Reason): void {
    const { container, was_ready, exit, current, queue, status } = this.#state;
    this.#set({ container: 'none' });
    if (container === 'ending') {
      // The session ended this container itself, so its status and reason stay. New messages wake it. If all of them have
      // timed out meanwhile, it is still `queued` but waits for nothing, so it stops.
      if (queue.length > 0) this.#wake();
      else if (status === 'queued') this.#enter('stopped', this.#state.reason ?? reported);
      return;
    }
    const reason = reported.code === 'container_exited' && exit !== null ? exit : reported;
    const error: MessageError = { code: reason.code, detail: reason.detail };
    if (current !== null) {
      this.#clearCurrent();
      const cause = current.interrupting?.cause === 'turn_timeout' ? 'turn_timeout' : null;
      this.#endMessage(current.message_id, cause, error);
    }
    // A child whose `claude` was never ready beside its parent is not sent there again by itself: it fails.
    const parked = reason.code === 'runner_draining' || (reason.code === 'parent_unavailable' && was_ready);
    if (!was_ready && !parked) {
      for (const message of queue) this.#effects.push({ do: 'message_failed', message_id: message.message_id, error });
      this.#set({ queue: [] });
    }
    if (this.#state.queue.length > 0) return this.#wake();
    if (status !== 'stopped') this.#enter(parked ? 'stopped' : 'failed', reason);
  }

  /** Handles all deadlines that have passed, in time order, because an alarm may be late by hours. */
  #clock(): void {
    for (;;) {
      const due = earliest(this.#state, this.#limits);
      if (due === null || due.at > this.#now) return;
      this.#handleDeadline(due);
    }
  }

  #handleDeadline({ kind }: Deadline): void {
    const { idle, lifetime } = this.#limits;
    switch (kind) {
      case 'waiting':
        return this.#failExpired();
      case 'startup':
        return this.#giveUpStarting();
      case 'idle': {
        if (this.#state.crowded) {
          const detail = 'Idle while others waited for a place, so its container made room. The next message wakes it.';
          return this.#stop({ code: 'made_room', detail });
        }
        const detail = `Idle for ${seconds(idle)} (config.idle_timeout_seconds, CONTAINER_IDLE_TIMEOUT). The next message wakes it.`;
        return this.#stop({ code: 'idle_timeout', detail });
      }
      case 'suspended':
        return this.#giveUpSuspended();
      case 'turn':
        return this.#interrupt('turn_timeout');
      case 'interrupt':
        return this.#giveUpInterrupting();
      case 'lifetime': {
        const detail = `The container reached its longest life of ${seconds(lifetime)} (config.timeout_seconds). The next message starts another.`;
        return this.#stop({ code: 'session_timeout', detail });
      }
    }
  }

  #failExpired(): void {
    const { queue } = this.#state;
    const late = queue.filter(({ deadline }) => deadline !== null && this.#now >= deadline);
    this.#set({ queue: queue.filter((message) => !late.includes(message)) });
    for (const { message_id } of late) {
      const error: MessageError = { code: 'turn_timeout', detail: 'The message timed out before its turn began.' };
      this.#effects.push({ do: 'message_failed', message_id, error });
    }
    const { container, suspended } = this.#state;
    // The queue only waited for a higher budget. It is empty now, so the session waits for nothing.
    if (container === 'none' && suspended !== null && this.#state.queue.length === 0)
      this.#enter('stopped', suspended.reason);
  }

  #giveUpStarting(): void {
    const detail = `Claude Code was not ready within ${seconds(this.#limits.startup)}; the runner's log says how far it came.`;
    const reason: Reason = { code: 'startup_timeout', detail };
    const error: MessageError = { code: reason.code, detail };
    for (const { message_id } of this.#state.queue) this.#effects.push({ do: 'message_failed', message_id, error });
    this.#set({ queue: [] });
    this.#release();
    this.#enter('failed', reason);
  }

  /** The interrupted turn does not end in time: its container is ended. Messages in the queue get a new container. */
  #giveUpInterrupting(): void {
    const { current, queue } = this.#state;
    if (current === null) return;
    const within = seconds(this.#limits.interrupt);
    const error: MessageError = {
      code: 'interrupted',
      detail: `The turn was interrupted. It had not ended ${within} later, so its container was ended.`,
    };
    this.#clearCurrent();
    this.#endMessage(current.message_id, current.interrupting?.cause ?? 'interrupted', error);
    this.#release();
    const detail = `Claude Code did not end an interrupted turn within ${within} (INTERRUPT_TIMEOUT), so its container was ended.`;
    const next = queue.length > 0 ? 'The messages that wait go on in a new one.' : 'The next message starts another.';
    const reason: Reason = { code: 'claude_unresponsive', detail: `${detail} ${next}` };
    this.#enter(queue.length > 0 ? 'queued' : 'stopped', reason);
  }

  /** Nobody has raised the budget in time: the container is ended. Messages in the queue wait until somebody does. */
  #giveUpSuspended(): void {
    const { current, queue, suspended } = this.#state;
    if (suspended === null) return;
    const { code, detail } = suspended.reason;
    if (current !== null) {
      this.#clearCurrent();
      const ended = `${detail} The turn was ended, for nobody raised it within ${seconds(this.#limits.idle)}.`;
      this.#endMessage(current.message_id, current.interrupting?.cause ?? 'interrupted', { code, detail: ended });
    }
    this.#release();
    this.#enter(queue.length > 0 ? 'queued' : 'stopped', suspended.reason);
  }

  #release(): void {
    this.#set({ container: 'ending' });
    this.#effects.push({ do: 'release' });
  }
}
