import { discordCreated } from '../../../protocol/api/discord.ts';
import { textBody, type MessageBody, type MessageFile } from '../core/wire/message.ts';
import { unarchive, type DiscordRequest } from '../core/wire/requests.ts';
import type { DeskTable } from '../tables/desk-table.ts';
import {
  CHANNEL_LANE,
  laneOf,
  type Job,
  type OutboxTable,
  type Place,
  type QueuedJob,
} from '../tables/outbox-table.ts';
import { channelOf } from './job-request.ts';
import type { DiscordOutcome, DiscordRest, Gone } from './rest.ts';
import { backoff, forbiddenBackoff, MAX_FAULTS } from './retry.ts';

/**
 * Discord takes further answers to an interaction once it has the first one, which may reach it later than our work is done. So a
 * missing interaction is tried again after this time, milliseconds, doubled so often.
 */
const NOT_YET_MS = 300;
const NOT_YET_TIMES = 6;

/** Discord's own codes; discord.com/developers/docs/topics/opcodes-and-status-codes. */
const MISSING_ACCESS = 50_001;
const ARCHIVED = 50_083;
const NO_HISTORY = 160_002;
const HAS_THREAD = 160_004;
const LOCKED = 160_005;

const NOT_TAKEN = '⚠️ Discord did not take what was to be said here. The edge’s log says why.';

/** Takes new jobs. */
interface JobQueue {
  add(lane: string, job: Job): void;
  say(to: Place, body: MessageBody, file?: MessageFile | null): void;
}

interface Dependencies {
  readonly rest: Pick<DiscordRest, 'send'>;
  readonly table: OutboxTable;
  readonly desk: DeskTable;
  /** `DISCORD_CHANNEL_ID`. */
  readonly channel: string;
  readonly outbox: JobQueue;
  readonly now: () => number;
}

/** What follows from Discord's answer to a job: it is done, tried again later, dropped, or replaced by another one. */
export class JobOutcomes {
  readonly #deps: Dependencies;
  /** By lane, when progress was shown last. */
  readonly #progressShownAt = new Map<string, number>();
  /** Discord bans an address that goes on with a token it refuses (401). Nothing is sent with the token before this time. */
  #closedUntil = 0;
  #refusals = 0;

  constructor(deps: Dependencies) {
    this.#deps = deps;
  }

  /** Nothing is sent with the bot's token before this time, epoch milliseconds. */
  get closedUntil(): number {
    return this.#closedUntil;
  }

  /** When a lane's progress was shown last, epoch milliseconds; null: not since this object began. */
  progressShownAt(lane: string): number | null {
    return this.#progressShownAt.get(lane) ?? null;
  }

  async apply(queued: QueuedJob, request: DiscordRequest, outcome: DiscordOutcome): Promise<void> {
    const { table, now } = this.#deps;
    if (outcome.is === 'ok' && request.by === 'bot') this.#refusals = 0;
    switch (outcome.is) {
      case 'ok':
        if (this.#done(queued, outcome.body)) table.remove(queued.n);
        else table.postpone(queued.n, now(), false);
        return;
      case 'rate_limited':
        return table.postpone(queued.n, outcome.until, false);
      case 'failed':
        console.warn(`discord: trying again: ${outcome.detail}`);
        return table.postpone(queued.n, now() + backoff(queued), true);
      case 'gone':
        return this.#gone(queued, outcome.what, outcome.detail);
      case 'refused':
        return this.#refused(queued, request, outcome);
    }
  }

  /** False: the job has another step. */
  #done({ lane, job }: QueuedJob, body: unknown): boolean {
    const { desk, now } = this.#deps;
    const created = discordCreated.safeParse(body);
    if (!created.success) return true;
    const { id, channel_id } = created.data;
    if (job.do === 'open_thread') {
      if (desk.thread(job.session_id)?.anchor_id === null) {
        desk.setAnchor(job.session_id, id);
        return false;
      }
      desk.setThread(job.session_id, id);
    } else if (job.do === 'ask') {
      desk.asks.posted(job.interaction_id, channel_id ?? channelOf(job.to, this.#deps), id, now());
    } else if (job.do === 'remind') {
      desk.asks.reminded(job.interaction_id, now());
    } else if (job.do === 'progress') {
      desk.setProgress(job.session_id, id);
      this.#progressShownAt.set(lane, now());
    }
    return true;
  }

  async #refused(
    queued: QueuedJob,
    request: DiscordRequest,
    { status, code, detail }: Extract<DiscordOutcome, { is: 'refused' }>,
  ): Promise<void> {
    const { table, desk, rest, now } = this.#deps;
    const { n, job, attempts } = queued;
    if (status === 401) {
      console.error(`discord: the bot’s token was refused: ${detail}`);
      this.#closedUntil = now() + forbiddenBackoff(this.#refusals);
      this.#refusals = Math.min(this.#refusals + 1, 10);
      return table.postpone(n, this.#closedUntil, false);
    }
    const anchor = job.do === 'open_thread' ? (desk.thread(job.session_id)?.anchor_id ?? null) : null;
    if (code === HAS_THREAD && job.do === 'open_thread') {
      // A thread has the id of the message that it is on.
      if (anchor !== null) desk.setThread(job.session_id, anchor);
      return table.remove(n);
    }
    // Nothing can be edited in an archived thread. A new message opens it again.
    if (code === ARCHIVED && job.do === 'progress' && attempts < MAX_FAULTS) {
      desk.setProgress(job.session_id, null);
      return table.postpone(n, now(), true);
    }
    const edited = job.do === 'show_ask' ? (desk.asks.get(job.interaction_id)?.channel_id ?? null) : null;
    if (code === ARCHIVED && edited !== null) {
      const opened = await rest.send(unarchive(edited));
      if (opened.is === 'rate_limited') return table.postpone(n, opened.until, true);
      if (opened.is === 'ok' && attempts < MAX_FAULTS) return table.postpone(n, now(), true);
    }
    const isClosed = code === MISSING_ACCESS || code === LOCKED || code === ARCHIVED;
    // Without the permission to create threads, the session's messages go into the channel. Without the permission to read the
    // history, nobody is reminded. An answer by token needs no permission of the bot.
    const isFinal = (anchor !== null && code !== null) || code === NO_HISTORY || request.by === 'token';
    if (isClosed || (status === 403 && !isFinal)) {
      console.error(`discord: no permission for ${job.do}, trying again: ${detail}`);
      return this.#waitForPermission(queued);
    }
    console.error(`discord: ${job.do} was refused (${status}): ${detail}`);
    if (job.do === 'remind' && code !== NO_HISTORY) this.#askAgain(job.interaction_id);
    this.#sayNotTaken(queued);
    table.remove(n);
  }

  /** Says in the job's place that Discord did not take the message, unless this message itself is the one that was refused. */
  #sayNotTaken({ lane, job }: QueuedJob): void {
    const { outbox } = this.#deps;
    if (job.do === 'ask') return outbox.say(job.to, textBody(NOT_TAKEN));
    if ((job.do !== 'say' && job.do !== 'answer') || job.body.content === NOT_TAKEN) return;
    outbox.add(lane, { ...job, body: textBody(NOT_TAKEN), file: null });
  }

  /** The job's channel, thread, message or interaction does not exist any more. */
  #gone(queued: QueuedJob, what: Gone, detail: string): void {
    const { table, desk, outbox, now } = this.#deps;
    const { n, job, attempts } = queued;
    const isByToken = job.do === 'answer' || job.do === 'whisper';
    if (isByToken && what === 'webhook' && attempts < NOT_YET_TIMES) {
      return table.postpone(n, now() + NOT_YET_MS * 2 ** attempts, true);
    }
    console.warn(`discord: ${job.do}: its target is gone (${what}): ${detail}`);
    if (what === 'channel' && this.#threadGone(queued)) return;
    // The configured channel is gone, or Discord is not at the configured address: an operator has to act first.
    const isOfSettings = what === 'channel' || (what === 'other' && job.do !== 'answer');
    if (isOfSettings && ['open_thread', 'say', 'ask', 'answer'].includes(job.do))
      return this.#waitForPermission(queued);
    if (what === 'message' && (job.do === 'progress' || job.do === 'open_thread')) {
      if (job.do === 'progress') desk.setProgress(job.session_id, null);
      else desk.setAnchor(job.session_id, null);
      // Thread messages keep their nonce, and by it Discord may return the deleted message. So that one is tried later.
      return table.postpone(n, now() + (job.do === 'progress' ? 0 : backoff(queued)), true);
    }
    if (what === 'channel' && job.do === 'remind') this.#askAgain(job.interaction_id);
    // The token has expired, or the person dismissed the answer. If others may see the answer, it is posted elsewhere.
    if (job.do === 'answer' && job.to !== null) outbox.say(job.to, job.body, job.file);
    table.remove(n);
  }

  /** If the job was for a session's thread, that thread is gone: its jobs move to the channel, and its questions are asked again there. */
  #threadGone({ n, job }: QueuedJob): boolean {
    const { table, desk, now } = this.#deps;
    const session_id = sessionOf(job, desk);
    const thread = session_id === null ? null : desk.thread(session_id);
    if (thread === null || thread.thread_id === null) return false;
    desk.removeThread(thread.session_id);
    table.moveLane(laneOf({ thread_of: thread.session_id }), CHANNEL_LANE);
    table.postpone(n, now(), false);
    for (const { interaction_id, channel_id } of desk.asks.openOf(thread.session_id)) {
      if (channel_id === thread.thread_id) this.#askAgain(interaction_id);
    }
    return true;
  }

  /** Posts an open question again, because its message is gone. */
  #askAgain(interaction_id: string): void {
    const { desk, outbox } = this.#deps;
    const ask = desk.asks.get(interaction_id);
    if (ask === null) return;
    desk.asks.lost(interaction_id);
    const to = desk.placeOf(ask.session_id);
    outbox.add(laneOf(to), { do: 'ask', to, interaction_id });
  }

  #waitForPermission({ n, attempts }: QueuedJob): void {
    const { table, now } = this.#deps;
    table.postpone(n, now() + forbiddenBackoff(attempts), true);
  }
}

/** The session whose thread a job is for. */
function sessionOf(job: Job, desk: DeskTable): string | null {
  if ('session_id' in job) return job.session_id;
  if ('interaction_id' in job && !('to' in job)) {
    const ask = desk.asks.get(job.interaction_id);
    return ask !== null && desk.thread(ask.session_id)?.thread_id === ask.channel_id ? ask.session_id : null;
  }
  return 'to' in job && job.to !== null && job.to !== 'channel' ? job.to.thread_of : null;
}
