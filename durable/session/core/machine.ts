import type { Delivery } from '../../../protocol/api/session/message.ts';
import type { MessageError, Reason } from '../../../protocol/reason.ts';
import type { Limits, PendingMessage, SessionInput, SessionState, Step } from './state.ts';
import { isFree, isRunning, obstacleOf, wakesForVisitor } from './state.ts';
import { type Deadline, earliest } from './turns/deadlines.ts';
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

/** Ends of a container that starts that another try may not meet. */
const RETRIED: ReadonlySet<Reason['code']> = new Set([
  'container_exited',
  'out_of_memory',
  'runner_lost',
  'startup_timeout',
  'session_timeout',
]);

const DRAINED: Reason = {
  code: 'runner_draining',
  detail:
    'Its runner is being drained (for an upgrade, for example). The next message wakes it, on any runner that can have its files.',
};
const MOVES: Reason = {
  code: 'runner_draining',
  detail:
    'Its runner is being drained. What waits goes on when the container there has ended, on another runner or on that one when it is back.',
};

const seconds = (ms: number) => `${Math.round(ms / 1000)} s`;

/** The session's container: when it is requested, released and requested again. What runs in it is `Turns`'. */
class Machine {
  readonly #draft: Draft;
  readonly #turns: Turns;
  readonly #terminals: Terminals;

  constructor(draft: Draft) {
    this.#draft = draft;
    this.#turns = new Turns(draft);
    this.#terminals = new Terminals(draft);
  }

  take(input: SessionInput): void {
    this.#take(input);
    if (this.#state.draining === true) this.#leave();
  }

  #take(input: SessionInput): void {
    const { epoch, container } = this.#state;
    switch (input.on) {
      case 'created':
        return this.#requestContainer();
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
        return this.#ready();
      case 'cloned':
        if (this.#state.status === 'starting') this.#draft.set({ since: this.#draft.now });
        return;
      case 'start_waits':
        return this.#startWaits(input.reason);
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
        return this.#stop(input.reason);
      case 'flooded':
        return this.#flooded(input.reason);
      case 'ended':
        if (input.epoch === epoch && container !== 'none') this.#ended(input.reason);
        return;
      case 'clock':
        return this.#clock();
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
    if (container === 'none') return retry_at === null ? this.#wake() : undefined;
    if (container === 'ending') return this.#draft.enter('queued', null);
    this.#turns.dispatch();
  }

  #withdraw(message_id: string): void {
    const { queue } = this.#state;
    if (!queue.some((message) => message.message_id === message_id)) return;
    this.#draft.set({ queue: queue.filter((message) => message.message_id !== message_id) });
    const error: MessageError = { code: 'withdrawn', detail: 'Its sender withdrew it before its turn began.' };
    this.#draft.do({ do: 'message_interrupted', message_id, error });
    this.#stopIfNothingWaits({
      code: 'stopped_by_user',
      detail: 'The messages that it was to wake for were withdrawn.',
    });
  }

  /** As long as the container waits for room, neither its start nor its life has begun. */
  #startWaits(reason: Reason): void {
    const { status, reason: known, container } = this.#state;
    if (status !== 'starting' || container !== 'launched') return;
    this.#draft.set({ since: this.#draft.now, launched_at: this.#draft.now });
    if (known?.code !== reason.code || known.detail !== reason.detail) this.#draft.enter('starting', reason);
  }

  #ready(): void {
    const { container } = this.#state;
    if (container !== 'launched' && container !== 'wanted') return;
    // The pool's report that the container was launched may come later than the container's own first report.
    if (container === 'wanted') this.#draft.set({ launched_at: this.#draft.now });
    this.#draft.set({ container: 'ready', was_ready: true, failed_starts: 0 });
    this.#draft.enter('idle', null);
    this.#turns.dispatch();
  }

  /** Begins a new epoch. From now on, reports from earlier epochs are ignored. */
  #requestContainer(): void {
    const epoch = this.#state.epoch + 1;
    this.#draft.set({ epoch, container: 'wanted', was_ready: false, exit: null, crowded: false, draining: false });
    this.#draft.set({ retry_at: null });
    this.#draft.enter('queued', null);
    this.#draft.do({ do: 'want' });
    if (this.#state.permit !== 'free') this.#draft.do({ do: 'watch_spending', on: true });
  }

  /** Messages wait without a container. Requests one, unless no turn may begin: it could do nothing then. */
  #wake(): void {
    const obstacle = obstacleOf(this.#state);
    this.#draft.set({ retry_at: null });
    if (obstacle === null) this.#requestContainer();
    else this.#draft.enter('queued', obstacle);
  }

  /** Without a container, a session that waits for nothing is stopped. */
  #stopIfNothingWaits(reason: Reason): void {
    const { container, queue, status } = this.#state;
    if (container !== 'none' || queue.length > 0 || status !== 'queued') return;
    this.#draft.set({ retry_at: null, failed_starts: 0 });
    this.#draft.enter('stopped', reason);
  }

  /** Idle time does not count while other sessions work in its files. It starts again when the last one stops. */
  #shared(shared: boolean): void {
    if (shared === this.#state.shared) return;
    this.#draft.set({ shared, ...(this.#state.status === 'idle' ? { since: this.#draft.now } : {}) });
  }

  /** Somebody looks. What its owner has stopped stays so, and a start that failed is not repeated at once. */
  #attended(): void {
    if (this.#state.status === 'idle') return this.#draft.set({ since: this.#draft.now });
    if (wakesForVisitor(this.#state, this.#draft.now)) this.#requestContainer();
  }

  /** What waits already has a container requested, or waits for what a terminal would have to wait for too. */
  #called(): void {
    const { container, queue } = this.#state;
    if (container !== 'none' || queue.length > 0 || obstacleOf(this.#state) !== null) return;
    this.#draft.set({ failed_starts: 0 });
    this.#requestContainer();
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
    if (obstacle === null) return retry_at === null ? this.#requestContainer() : undefined;
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
    this.#stopIfNothingWaits({ code: 'stopped_by_user', detail: 'What it was to wake for was interrupted.' });
  }

  /** Parks the session on purpose. The running message and those in the queue are interrupted, with this reason. */
  #stop(reason: Reason): void {
    const { container, queue, status } = this.#state;
    if ((status === 'stopped' || status === 'failed') && queue.length === 0) return;
    this.#draft.set({ queue: [], limited: null, retry_at: null, failed_starts: 0 });
    const error: MessageError = { code: reason.code, detail: reason.detail };
    this.#turns.lost(error, 'parked');
    for (const { message_id } of queue) this.#draft.do({ do: 'message_interrupted', message_id, error });
    if (container !== 'none' && container !== 'ending') this.#release();
    this.#draft.enter('stopped', reason);
  }

  /** The container is ended. Messages that wait get another, unless this one did not come as far as to take one. */
  #flooded({ code, detail }: Reason): void {
    const { container, was_ready } = this.#state;
    if (container === 'none' || container === 'ending') return;
    this.#turns.lost({ code, detail }, null);
    this.#release();
    if (!was_ready) this.#failQueue({ code, detail });
    this.#draft.enter(this.#state.queue.length > 0 ? 'queued' : 'failed', { code, detail });
  }

  /** Its runner is being drained: the container is ended as soon as nothing runs in it. Messages that wait go on elsewhere. */
  #leave(): void {
    const { container, queue } = this.#state;
    if (container === 'none' || container === 'ending' || !isFree(this.#state)) return;
    this.#release();
    if (queue.length > 0) this.#draft.enter('queued', MOVES);
    else this.#draft.enter('stopped', DRAINED);
  }

  #ended(reported: Reason): void {
    const { container, was_ready, exit, current, queue, status } = this.#state;
    this.#draft.set({ container: 'none' });
    this.#terminals.gone();
    if (container === 'ending') {
      // The session ended this container itself, so its status and reason stay. New messages wake it. If all of them have
      // timed out meanwhile, it is still `queued` but waits for nothing, so it stops.
      if (queue.length > 0) return this.#state.retry_at === null ? this.#wake() : undefined;
      if (status !== 'queued') return;
      this.#draft.set({ retry_at: null, failed_starts: 0 });
      return this.#draft.enter('stopped', this.#state.reason ?? reported);
    }
    const reason = reported.code === 'container_exited' && exit !== null ? exit : reported;
    const error: MessageError = { code: reason.code, detail: reason.detail };
    this.#turns.lost(error, current?.interrupting?.cause === 'turn_timeout' ? 'turn_timeout' : null);
    // A child whose `claude` was never ready beside its parent is not sent there again by itself: it fails.
    const parked = reason.code === 'runner_draining' || (reason.code === 'parent_unavailable' && was_ready);
    if (!was_ready && !parked && this.#retry(reason)) return;
    if (!was_ready && !parked) this.#failQueue(error);
    if (this.#state.queue.length > 0) return this.#wake();
    if (status !== 'stopped') this.#draft.enter(parked ? 'stopped' : 'failed', reason);
  }

  /** Keeps the messages of a container that ended too early for another try. False: no other try is made. */
  #retry(reason: Reason): boolean {
    const { queue, failed_starts } = this.#state;
    const obstacle = obstacleOf(this.#state);
    const { retries } = this.#draft.limits;
    const wait = retries[failed_starts];
    if (queue.length === 0 || !RETRIED.has(reason.code) || wait === undefined) return false;
    this.#draft.set({ failed_starts: failed_starts + 1 });
    if (obstacle !== null) {
      this.#draft.enter('queued', obstacle);
      return true;
    }
    this.#draft.set({ retry_at: this.#draft.now + wait });
    const attempt = `Trying again in ${seconds(wait)} (${failed_starts + 1} of ${retries.length}).`;
    this.#draft.enter('queued', { code: reason.code, detail: `${reason.detail} ${attempt}` });
    return true;
  }

  #failQueue(error: MessageError): void {
    for (const { message_id } of this.#state.queue) this.#draft.do({ do: 'message_failed', message_id, error });
    this.#draft.set({ queue: [], failed_starts: 0 });
  }

  /** Handles all deadlines that have passed, in time order, because an alarm may be late by hours. */
  #clock(): void {
    for (;;) {
      const due = earliest(this.#state, this.#draft.limits);
      if (due === null || due.at > this.#draft.now) return;
      this.#handleDeadline(due);
    }
  }

  #handleDeadline({ kind }: Deadline): void {
    const { idle, background, lifetime } = this.#draft.limits;
    const { limited, queue } = this.#state;
    const isIdle = kind === 'idle' || kind === 'background';
    if (isIdle && limited !== null && queue.length > 0) return this.#parkLimited(limited.reason);
    switch (kind) {
      case 'waiting':
        return this.#failExpired();
      case 'limit':
        return this.#limitReset();
      case 'retry':
        return this.#wake();
      case 'startup': {
        const within = seconds(this.#draft.limits.startup);
        const detail = `Claude Code was not ready within ${within}; the runner's log says how far it came.`;
        return this.#giveUpStarting('startup_timeout', detail);
      }
      case 'idle': {
        if (typeof this.#state.attached === 'number') {
          const within = seconds(this.#draft.limits.attended);
          const detail = `Idle, and nobody typed in its terminal for ${within} (TERMINAL_IDLE_TIMEOUT). The next message wakes it.`;
          return this.#stop({ code: 'idle_timeout', detail });
        }
        if (this.#state.crowded) {
          const detail = 'Idle while others waited for a place, so its container made room. The next message wakes it.';
          return this.#stop({ code: 'made_room', detail });
        }
        const detail = `Idle for ${seconds(idle)} (config.idle_timeout_seconds, CONTAINER_IDLE_TIMEOUT). The next message wakes it.`;
        return this.#stop({ code: 'idle_timeout', detail });
      }
      case 'background': {
        const open = this.#state.tasks.map(({ description }) => `"${description}"`).join(', ');
        const detail = `Only background work ran for ${seconds(background)} (config.background_timeout_seconds, BACKGROUND_TIMEOUT): ${open}. It was ended. The next message wakes the session.`;
        return this.#stop({ code: 'background_timeout', detail: detail.slice(0, 8192) });
      }
      case 'suspended':
        return this.#giveUpSuspended();
      case 'turn':
        return this.#turns.interrupt('turn_timeout', false);
      case 'interrupt':
        return this.#giveUpInterrupting();
      case 'lifetime':
        return this.#endLife(
          `The container reached its longest life of ${seconds(lifetime)} (config.timeout_seconds).`,
        );
    }
  }

  /** The usage limit is reset: what waited for it begins. */
  #limitReset(): void {
    this.#draft.set({ limited: null });
    const { container, queue, retry_at } = this.#state;
    if (container === 'none' && queue.length > 0 && retry_at === null) return this.#wake();
    this.#turns.dispatch();
  }

  /** Nothing can be done before a usage limit is reset: the container is ended, and the messages wait without one. */
  #parkLimited(reason: Reason): void {
    this.#turns.lost({ code: reason.code, detail: reason.detail }, 'parked');
    this.#release();
    this.#draft.enter('queued', reason);
  }

  /** The container has lived long enough. Messages that were not handed over get a new one. */
  #endLife(detail: string): void {
    // Without this, a life that is shorter than a start would end and begin for ever.
    if (!this.#state.was_ready) return this.#giveUpStarting('session_timeout', detail);
    if (this.#state.queue.length === 0) {
      return this.#stop({ code: 'session_timeout', detail: `${detail} The next message starts another.` });
    }
    const reason: Reason = { code: 'session_timeout', detail: `${detail} The messages that wait go on in a new one.` };
    this.#turns.lost({ code: reason.code, detail }, 'parked');
    this.#release();
    this.#draft.enter('queued', reason);
  }

  #failExpired(): void {
    const { queue } = this.#state;
    const late = queue.filter(({ deadline }) => deadline !== null && this.#draft.now >= deadline);
    this.#draft.set({ queue: queue.filter((message) => !late.includes(message)) });
    for (const { message_id } of late) {
      const error: MessageError = { code: 'turn_timeout', detail: 'The message timed out before its turn began.' };
      this.#draft.do({ do: 'message_failed', message_id, error });
    }
    const { suspended, reason } = this.#state;
    // The queue only waited for a higher budget, or for another try to start. It is empty now.
    const why = suspended?.reason ?? reason;
    if (why !== null) this.#stopIfNothingWaits(why);
  }

  #giveUpStarting(code: 'startup_timeout' | 'session_timeout', detail: string): void {
    this.#release();
    if (this.#retry({ code, detail })) return;
    this.#failQueue({ code, detail });
    this.#draft.enter('failed', { code, detail });
  }

  /** The interrupted turn does not end in time: its container is ended. Messages in the queue get a new container. */
  #giveUpInterrupting(): void {
    const { current, agent_turn, queue } = this.#state;
    const within = seconds(this.#draft.limits.interrupt);
    const error: MessageError = {
      code: 'interrupted',
      detail: `The turn was interrupted. It had not ended ${within} later, so its container was ended.`,
    };
    this.#turns.lost(error, current?.interrupting?.cause ?? agent_turn?.interrupting?.cause ?? 'interrupted');
    this.#release();
    const detail = `Claude Code did not end an interrupted turn within ${within} (INTERRUPT_TIMEOUT), so its container was ended.`;
    const next = queue.length > 0 ? 'The messages that wait go on in a new one.' : 'The next message starts another.';
    const reason: Reason = { code: 'claude_unresponsive', detail: `${detail} ${next}` };
    this.#draft.enter(queue.length > 0 ? 'queued' : 'stopped', reason);
  }

  /** Nobody has raised the budget in time: the container is ended. Messages in the queue wait until somebody does. */
  #giveUpSuspended(): void {
    const { current, queue, suspended } = this.#state;
    if (suspended === null) return;
    const { code, detail } = suspended.reason;
    const ended = `${detail} The turn was ended, for nobody raised it within ${seconds(this.#draft.limits.idle)}.`;
    this.#turns.lost({ code, detail: ended }, current?.interrupting?.cause ?? 'interrupted');
    this.#release();
    this.#draft.enter(queue.length > 0 ? 'queued' : 'stopped', suspended.reason);
  }

  #release(): void {
    this.#draft.set({ container: 'ending' });
    this.#terminals.gone();
    this.#draft.do({ do: 'release' });
  }
}
