import type { MessageBody, MessageFile } from '../core/wire/message.ts';
import type { Outgoing } from '../../shared/retrying-call.ts';
import type { DeskTable } from '../tables/desk-table.ts';
import { laneOf, type Head, type Job, type OutboxTable, type Place, type QueuedJob } from '../tables/outbox-table.ts';
import { DiscordDelivery } from './delivery.ts';
import { requestOf } from './job-request.ts';
import { JobOutcomes } from './outcomes.ts';
import { ANSWER_MS, type DiscordRest } from './rest.ts';
import { backoff, MAX_FAULTS } from './retry.ts';

/** The least time between two updates of a session's progress, milliseconds: Discord allows five edits in five seconds. */
const PROGRESS_MS = 2000;
/** Requests that are sent at the same time. */
const MAX_SENDING = 6;
/** A request without an outcome after this time was cut off, together with the object that made it, milliseconds. */
const LOST_MS = ANSWER_MS + 5000;
/** A job that has waited for this long is of no use to anybody, milliseconds. */
const STALE_MS = 7 * 86_400_000;

export interface OutboxDependencies {
  readonly ctx: Pick<DurableObjectState, 'waitUntil'>;
  readonly rest: Pick<DiscordRest, 'send'>;
  readonly table: OutboxTable;
  readonly desk: DeskTable;
  /** `DISCORD_CHANNEL_ID`. */
  readonly channel: string;
  /** `DISCORD_APPLICATION_ID`; null: Discord sends no interactions. */
  readonly application: string | null;
  /** Asked to have `send` called at `nextTry`. */
  readonly retry: () => void;
  readonly now: () => number;
}

/** Jobs for Discord: each is stored before it is sent, in order within its lane, once, however long Discord is down. */
export class Outbox implements Outgoing {
  readonly #deps: OutboxDependencies;
  readonly #delivery: DiscordDelivery;
  readonly #outcomes: JobOutcomes;
  /** The lanes whose first job is being sent. */
  readonly #sending = new Set<string>();

  constructor(deps: OutboxDependencies) {
    this.#deps = deps;
    this.#delivery = new DiscordDelivery(deps);
    this.#outcomes = new JobOutcomes({ ...deps, outbox: this });
  }

  add(lane: string, job: Job): void {
    this.#deps.table.add(lane, job, this.#deps.now());
  }

  say(to: Place, body: MessageBody, file: MessageFile | null = null): void {
    this.add(laneOf(to), { do: 'say', to, body, file });
  }

  /** Shows what a session does now, in place of older progress that is not shown yet. */
  progress(session_id: string, text: string): void {
    const lane = laneOf({ thread_of: session_id });
    const now = this.#deps.now();
    const last = this.#sending.has(lane) ? now : this.#outcomes.progressShownAt(lane);
    const next_at = last === null ? now : Math.max(now, last + PROGRESS_MS);
    this.#deps.table.replaceProgress(lane, { do: 'progress', session_id, text }, { now, next_at });
  }

  /** The session is deleted. All jobs for it are queued already, and after them it is forgotten. */
  forget(to: Place, session_id: string): void {
    this.add(laneOf(to), { do: 'forget', session_id });
  }

  isForgetting(to: Place, session_id: string): boolean {
    const job = this.#deps.table.last(laneOf(to))?.job;
    return job?.do === 'forget' && job.session_id === session_id;
  }

  nextTry(): number | null {
    const now = this.#deps.now();
    const waiting = this.#deps.table.heads().filter(({ lane }) => !this.#sending.has(lane));
    const times = this.#sending.size < MAX_SENDING ? waiting.map(({ next_at }) => next_at) : [];
    // If this object is stopped while requests are under way, an alarm has to send their jobs again.
    if (this.#sending.size > 0) times.push(now + LOST_MS);
    return times.length === 0 ? null : Math.min(...times);
  }

  /** Sends the jobs that are due, several lanes at the same time. */
  send(): void {
    const now = this.#deps.now();
    for (const head of this.#deps.table.heads()) {
      if (this.#sending.size >= MAX_SENDING) return;
      if (head.next_at > now || this.#sending.has(head.lane)) continue;
      this.#sending.add(head.lane);
      this.#deps.ctx.waitUntil(this.#send(head));
    }
  }

  /** Drops stale jobs. */
  prune(): void {
    const { dropped, forgotten } = this.#deps.table.dropBefore(this.#deps.now() - STALE_MS);
    for (const session_id of forgotten) this.#deps.desk.forget(session_id);
    if (dropped > 0) console.error(`discord: jobs that had waited for a week were dropped: ${dropped}`);
  }

  async #send({ n, lane }: Head): Promise<void> {
    const { table, now, retry } = this.#deps;
    let queued: QueuedJob | null = null;
    try {
      queued = table.get(n);
      if (queued === null) return;
      const request = requestOf(queued, { ...this.#deps, now: now() });
      if (request === null) table.remove(queued.n);
      else if (request.by === 'bot' && now() < this.#outcomes.closedUntil) {
        table.postpone(queued.n, this.#outcomes.closedUntil, false);
      } else await this.#outcomes.apply(queued, request, await this.#delivery.send(queued, request));
    } catch (error) {
      console.error(`discord: ${queued?.job.do ?? n} could not be done: ${String(error)}`);
      if (queued !== null && queued.attempts < MAX_FAULTS) table.postpone(n, now() + backoff(queued), true);
      else table.remove(n);
    } finally {
      this.#sending.delete(lane);
      this.send();
      retry();
    }
  }
}
