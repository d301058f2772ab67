import type { MessageError, Reason } from '../../../../protocol/reason.ts';
import type { SessionState } from '../state.ts';
import { isFree, obstacleOf } from '../state.ts';
import type { Draft } from '../turns/draft.ts';
import type { Terminals } from '../turns/terminals.ts';
import type { Turns } from '../turns/turns.ts';
import { seconds } from './seconds.ts';

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

/** The session's container: when it is requested, released and requested again. What runs in it is `Turns`'. */
export class Container {
  readonly #draft: Draft;
  readonly #turns: Turns;
  readonly #terminals: Terminals;

  constructor(draft: Draft, turns: Turns, terminals: Terminals) {
    this.#draft = draft;
    this.#turns = turns;
    this.#terminals = terminals;
  }

  /** Begins a new epoch. From now on, reports from earlier epochs are ignored. */
  request(): void {
    const epoch = this.#state.epoch + 1;
    this.#draft.set({ epoch, container: 'wanted', was_ready: false, exit: null, crowded: false, draining: false });
    this.#draft.set({ retry_at: null });
    this.#draft.enter('queued', null);
    this.#draft.do({ do: 'want' });
    if (this.#state.permit !== 'free') this.#draft.do({ do: 'watch_spending', on: true });
  }

  /** Messages wait without a container. Requests one, unless no turn may begin: it could do nothing then. */
  wake(): void {
    const obstacle = obstacleOf(this.#state);
    this.#draft.set({ retry_at: null });
    if (obstacle === null) this.request();
    else this.#draft.enter('queued', obstacle);
  }

  /** As long as the container waits for room, neither its start nor its life has begun. */
  startWaits(reason: Reason): void {
    const { status, reason: known, container } = this.#state;
    if (status !== 'starting' || container !== 'launched') return;
    this.#draft.set({ since: this.#draft.now, launched_at: this.#draft.now });
    if (known?.code !== reason.code || known.detail !== reason.detail) this.#draft.enter('starting', reason);
  }

  ready(): void {
    const { container } = this.#state;
    if (container !== 'launched' && container !== 'wanted') return;
    // The pool's report that the container was launched may come later than the container's own first report.
    if (container === 'wanted') this.#draft.set({ launched_at: this.#draft.now });
    this.#draft.set({ container: 'ready', was_ready: true, failed_starts: 0 });
    this.#draft.enter('idle', null);
    this.#turns.dispatch();
  }

  /** Its runner is being drained: the container is ended as soon as nothing runs in it. Messages that wait go on elsewhere. */
  leave(): void {
    const { container, queue } = this.#state;
    if (container === 'none' || container === 'ending' || !isFree(this.#state)) return;
    this.release();
    if (queue.length > 0) this.#draft.enter('queued', MOVES);
    else this.#draft.enter('stopped', DRAINED);
  }

  /** The container is ended. Messages that wait get another, unless this one did not come as far as to take one. */
  flooded({ code, detail }: Reason): void {
    const { container, was_ready } = this.#state;
    if (container === 'none' || container === 'ending') return;
    this.#turns.lost({ code, detail }, null);
    this.release();
    if (!was_ready) this.#failQueue({ code, detail });
    this.#draft.enter(this.#state.queue.length > 0 ? 'queued' : 'failed', { code, detail });
  }

  ended(reported: Reason): void {
    const { container, was_ready, exit, current, queue, status } = this.#state;
    this.#draft.set({ container: 'none' });
    this.#terminals.gone();
    if (container === 'ending') {
      // The session ended this container itself, so its status and reason stay. New messages wake it. If all of them have
      // timed out meanwhile, it is still `queued` but waits for nothing, so it stops.
      if (queue.length > 0) return this.#state.retry_at === null ? this.wake() : undefined;
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
    if (this.#state.queue.length > 0) return this.wake();
    if (status !== 'stopped') this.#draft.enter(parked ? 'stopped' : 'failed', reason);
  }

  /** Parks the session on purpose. The running message and those in the queue are interrupted, with this reason. */
  stop(reason: Reason): void {
    const { container, queue, status } = this.#state;
    if ((status === 'stopped' || status === 'failed') && queue.length === 0) return;
    this.#draft.set({ queue: [], limited: null, retry_at: null, failed_starts: 0 });
    const error: MessageError = { code: reason.code, detail: reason.detail };
    this.#turns.lost(error, 'parked');
    for (const { message_id } of queue) this.#draft.do({ do: 'message_interrupted', message_id, error });
    if (container !== 'none' && container !== 'ending') this.release();
    this.#draft.enter('stopped', reason);
  }

  /** Without a container, a session that waits for nothing is stopped. */
  stopIfNothingWaits(reason: Reason): void {
    const { container, queue, status } = this.#state;
    if (container !== 'none' || queue.length > 0 || status !== 'queued') return;
    this.#draft.set({ retry_at: null, failed_starts: 0 });
    this.#draft.enter('stopped', reason);
  }

  /** The container has lived long enough. Messages that were not handed over get a new one. */
  endLife(detail: string): void {
    // Without this, a life that is shorter than a start would end and begin for ever.
    if (!this.#state.was_ready) return this.giveUpStarting('session_timeout', detail);
    if (this.#state.queue.length === 0) {
      return this.stop({ code: 'session_timeout', detail: `${detail} The next message starts another.` });
    }
    const reason: Reason = { code: 'session_timeout', detail: `${detail} The messages that wait go on in a new one.` };
    this.#turns.lost({ code: reason.code, detail }, 'parked');
    this.release();
    this.#draft.enter('queued', reason);
  }

  giveUpStarting(code: 'startup_timeout' | 'session_timeout', detail: string): void {
    this.release();
    if (this.#retry({ code, detail })) return;
    this.#failQueue({ code, detail });
    this.#draft.enter('failed', { code, detail });
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

  release(): void {
    this.#draft.set({ container: 'ending' });
    this.#terminals.gone();
    this.#draft.do({ do: 'release' });
  }

  get #state(): SessionState {
    return this.#draft.state;
  }
}
