import { discordCreated, discordMessages, type DiscordMessage } from '../../../protocol/api/discord.ts';
import type { MessageBody } from '../core/interaction-message.ts';
import { messagesSince, openAgain, type DiscordRequest } from '../core/wire/requests.ts';
import { isSameMessage } from '../core/wire/same-message.ts';
import { madeAt } from '../core/wire/snowflake.ts';
import { ANSWER_MS, type DiscordOutcome, type DiscordRest, type Gone } from './rest.ts';
import type { DeskTable } from '../desk-table.ts';
import { channelOf, quiet, requestOf } from './errand-request.ts';
import type { Errand, Head, OutboxTable, Place, Queued } from './outbox-table.ts';

/** Until a failed errand is tried again, milliseconds: doubled with each failure, up to the longest. */
const RETRY_MS = 1000;
const LONGEST_RETRY_MS = 60_000;
/** The same for what Discord does not let us do: an operator has to see to that. */
const HELD_MS = 60_000;
const LONGEST_HELD_MS = 600_000;
/** An interaction can be answered further once Discord has its first answer, which may take longer than the work: tried again after so long, doubled so often. */
const NOT_YET_MS = 300;
const NOT_YET_TIMES = 6;
/** For so long Discord surely knows a nonce ("some minutes"): later it is looked up whether a message is there, milliseconds. */
const NONCE_MS = 60_000;
/** By then Discord has taken what was sent to it first, if it ever did, milliseconds. */
const TAKEN_MS = 2 * NONCE_MS;
/** By how much our clock may be ahead of Discord's, milliseconds. */
const CLOCK_MS = 5000;
/** At least so long between two looks of a session's progress, milliseconds: five edits in five seconds is what Discord allows. */
const PROGRESS_MS = 2000;
/** Requests under way at once. */
const MAX_SENDING = 6;
/** After that long without news of a request it was cut off with the object that made it, milliseconds. */
const LOST_MS = ANSWER_MS + 5000;
/** An errand on which we fail ourselves is dropped then: nothing behind it is to wait for ever. */
const MAX_FAULTS = 5;
/** What has waited for that long is of no use to anybody any more, milliseconds. */
const STALE_MS = 7 * 86_400_000;

/** Discord's own codes; discord.com/developers/docs/topics/opcodes-and-status-codes. */
const MISSING_ACCESS = 50_001;
const ARCHIVED = 50_083;
const NO_HISTORY = 160_002;
const HAS_THREAD = 160_004;
const LOCKED = 160_005;

const NOT_TAKEN = '⚠️ Discord did not take what was to be said here. The edge’s log says why.';

export interface OutboxParts {
  readonly ctx: Pick<DurableObjectState, 'waitUntil'>;
  readonly rest: Pick<DiscordRest, 'send'>;
  readonly table: OutboxTable;
  readonly desk: DeskTable;
  /** `DISCORD_CHANNEL_ID`. */
  readonly channel: string;
  /** `DISCORD_APPLICATION_ID`; null: Discord never asks anything of us. */
  readonly application: string | null;
  /** Asked to have `tell` called at `nextTry`. */
  readonly retry: () => void;
  readonly now: () => number;
}

const CHANNEL_LANE = 'channel';
export const laneOf = (to: Place) => (to === 'channel' ? CHANNEL_LANE : `thread ${to.thread_of}`);

/** Sends what is to be sent to Discord: stored before, in order in each place, each once, however long Discord is away. */
export class Outbox {
  readonly #parts: OutboxParts;
  /** The lanes of which an errand is under way. */
  readonly #sending = new Set<string>();
  /** By lane, when progress was shown there last. */
  readonly #shownAt = new Map<string, number>();
  /** Discord does not know our token (401), and bans an address that goes on: until then nothing is sent with it. */
  #closedUntil = 0;
  #refusals = 0;

  constructor(parts: OutboxParts) {
    this.#parts = parts;
  }

  add(lane: string, errand: Errand): void {
    this.#parts.table.add(lane, errand, this.#parts.now());
  }

  say(to: Place, body: MessageBody, file: Extract<Errand, { do: 'say' }>['file'] = null): void {
    this.add(laneOf(to), { do: 'say', to, body, file });
  }

  /** Shows what a session does now, in place of what was to be shown before. */
  progress(session_id: string, text: string): void {
    const lane = laneOf({ thread_of: session_id });
    const now = this.#parts.now();
    const last = this.#sending.has(lane) ? now : this.#shownAt.get(lane);
    const next_at = last === undefined ? now : Math.max(now, last + PROGRESS_MS);
    this.#parts.table.replaceProgress(lane, { do: 'progress', session_id, text }, { now, next_at });
  }

  /** The session was deleted, and all that there was to say of it is queued: its place is forgotten after that. */
  forget(to: Place, session_id: string): void {
    this.add(laneOf(to), { do: 'forget', session_id });
  }

  isForgetting(to: Place, session_id: string): boolean {
    const errand = this.#parts.table.last(laneOf(to))?.errand;
    return errand?.do === 'forget' && errand.session_id === session_id;
  }

  /** When there is something to do, epoch milliseconds; null: nothing. */
  nextTry(): number | null {
    const now = this.#parts.now();
    const waiting = this.#parts.table.heads().filter(({ lane }) => !this.#sending.has(lane));
    const times = this.#sending.size < MAX_SENDING ? waiting.map(({ next_at }) => next_at) : [];
    // What is under way would be forgotten, should this object go before it is done.
    if (this.#sending.size > 0) times.push(now + LOST_MS);
    return times.length === 0 ? null : Math.min(...times);
  }

  /** Sends what is due, the lanes beside each other. */
  tell(): void {
    const now = this.#parts.now();
    for (const head of this.#parts.table.heads()) {
      if (this.#sending.size >= MAX_SENDING) return;
      if (head.next_at > now || this.#sending.has(head.lane)) continue;
      this.#sending.add(head.lane);
      this.#parts.ctx.waitUntil(this.#send(head));
    }
  }

  /** Drops what is of no use any more. */
  prune(): void {
    const { dropped, forgotten } = this.#parts.table.dropBefore(this.#parts.now() - STALE_MS);
    for (const session_id of forgotten) this.#parts.desk.forget(session_id);
    if (dropped > 0) console.error(`discord: what has waited for a week is dropped: ${dropped}`);
  }

  async #send({ n, lane }: Head): Promise<void> {
    const { table, now, retry } = this.#parts;
    let queued: Queued | null = null;
    try {
      queued = table.get(n);
      if (queued === null) return;
      const request = requestOf(queued, { ...this.#parts, now: now() });
      if (request === null) table.remove(queued.n);
      else if (request.by === 'bot' && now() < this.#closedUntil) table.putOff(queued.n, this.#closedUntil, false);
      else await this.#settle(queued, request, await this.#attempt(queued, request));
    } catch (error) {
      console.error(`discord: ${queued?.errand.do ?? n} could not be done: ${String(error)}`);
      if (queued !== null && queued.attempts < MAX_FAULTS) table.putOff(n, now() + backoff(queued, RETRY_MS), true);
      else table.remove(n);
    } finally {
      this.#sending.delete(lane);
      this.tell();
      retry();
    }
  }

  /** Sends it, unless it is there already: Discord may have taken it without our hearing of it. */
  async #attempt({ n, errand, sent_at }: Queued, request: DiscordRequest): Promise<DiscordOutcome> {
    const { rest, table, now } = this.#parts;
    const isKnown = sent_at === null || now() <= sent_at + NONCE_MS;
    const list = isKnown ? null : messagesSince(request, sent_at - CLOCK_MS);
    if (sent_at !== null && list !== null) {
      const listed = await rest.send(list);
      if (listed.is === 'failed' || listed.is === 'rate_limited') return listed;
      const messages = listed.is === 'ok' ? (discordMessages.safeParse(listed.body).data ?? []) : [];
      const there = messages.find(
        (message) => madeAt(message.id) < sent_at + TAKEN_MS && this.#isOf(errand, request, message),
      );
      if (there !== undefined) return { is: 'ok', body: there };
    }
    const unheard = list === null ? sent_at : null;
    table.setSent(n, unheard ?? now());
    const outcome = await rest.send(request);
    if (outcome.is !== 'failed') table.setSent(n, outcome.is === 'ok' ? null : unheard);
    return outcome;
  }

  #isOf(errand: Errand, request: DiscordRequest, message: DiscordMessage): boolean {
    if (!isSameMessage(message, request, errand.do === 'ask' ? errand.interaction_id : null)) return false;
    // Of two sessions with one name, each has a message of its own.
    return errand.do !== 'open_thread' || !this.#parts.desk.isAnchor(message.id);
  }

  async #settle(queued: Queued, request: DiscordRequest, outcome: DiscordOutcome): Promise<void> {
    const { table, now } = this.#parts;
    if (outcome.is === 'ok' && request.by === 'bot') this.#refusals = 0;
    switch (outcome.is) {
      case 'ok':
        if (this.#done(queued, outcome.body)) table.remove(queued.n);
        else table.putOff(queued.n, now(), false);
        return;
      case 'rate_limited':
        return table.putOff(queued.n, outcome.until, false);
      case 'failed':
        console.warn(`discord: trying again: ${outcome.detail}`);
        return table.putOff(queued.n, now() + backoff(queued, RETRY_MS), true);
      case 'gone':
        return this.#gone(queued, outcome.what, outcome.detail);
      case 'refused':
        return this.#refused(queued, request, outcome);
    }
  }

  /** False: it has a further step. */
  #done({ lane, errand }: Queued, body: unknown): boolean {
    const { desk, now } = this.#parts;
    const created = discordCreated.safeParse(body);
    if (!created.success) return true;
    const { id, channel_id } = created.data;
    if (errand.do === 'open_thread') {
      if (desk.thread(errand.session_id)?.anchor_id === null) {
        desk.setAnchor(errand.session_id, id);
        return false;
      }
      desk.setThread(errand.session_id, id);
    } else if (errand.do === 'ask') {
      desk.asks.shown(errand.interaction_id, channel_id ?? channelOf(errand.to, this.#parts), id, now());
    } else if (errand.do === 'remind') {
      desk.asks.reminded(errand.interaction_id, now());
    } else if (errand.do === 'progress') {
      desk.setProgress(errand.session_id, id);
      this.#shownAt.set(lane, now());
    }
    return true;
  }

  async #refused(
    queued: Queued,
    request: DiscordRequest,
    { status, code, detail }: Extract<DiscordOutcome, { is: 'refused' }>,
  ): Promise<void> {
    const { table, desk, rest, now } = this.#parts;
    const { n, errand, attempts } = queued;
    if (status === 401) {
      console.error(`discord: the bot’s token was refused: ${detail}`);
      this.#closedUntil = now() + Math.min(HELD_MS * 2 ** this.#refusals, LONGEST_HELD_MS);
      this.#refusals = Math.min(this.#refusals + 1, 10);
      return table.putOff(n, this.#closedUntil, false);
    }
    const anchor = errand.do === 'open_thread' ? (desk.thread(errand.session_id)?.anchor_id ?? null) : null;
    if (code === HAS_THREAD && errand.do === 'open_thread') {
      // A thread has the id of the message that it is on.
      if (anchor !== null) desk.setThread(errand.session_id, anchor);
      return table.remove(n);
    }
    // In an archived thread nothing is edited. Another message opens it.
    if (code === ARCHIVED && errand.do === 'progress' && attempts < MAX_FAULTS) {
      desk.setProgress(errand.session_id, null);
      return table.putOff(n, now(), true);
    }
    const shown = errand.do === 'show_ask' ? (desk.asks.get(errand.interaction_id)?.channel_id ?? null) : null;
    if (code === ARCHIVED && shown !== null) {
      const opened = await rest.send(openAgain(shown));
      if (opened.is === 'rate_limited') return table.putOff(n, opened.until, true);
      if (opened.is === 'ok' && attempts < MAX_FAULTS) return table.putOff(n, now(), true);
    }
    const isClosed = code === MISSING_ACCESS || code === LOCKED || code === ARCHIVED;
    // Without leave to begin threads its words go into the channel, and without leave to read what was said nobody is reminded.
    const isDone = (anchor !== null && code !== null) || code === NO_HISTORY || request.by === 'token';
    if (isClosed || (status === 403 && !isDone)) {
      console.error(`discord: no leave for ${errand.do}, trying again: ${detail}`);
      return this.#hold(queued);
    }
    console.error(`discord: ${errand.do} was refused (${status}): ${detail}`);
    if (errand.do === 'remind' && code !== NO_HISTORY) this.#askAgain(errand.interaction_id);
    this.#sayNotTaken(queued);
    table.remove(n);
  }

  /** Where something was to be said, unless it is this that Discord did not take. */
  #sayNotTaken({ lane, errand }: Queued): void {
    if (errand.do === 'ask') return this.say(errand.to, quiet(NOT_TAKEN));
    if ((errand.do !== 'say' && errand.do !== 'answer') || errand.body.content === NOT_TAKEN) return;
    this.add(lane, { ...errand, body: quiet(NOT_TAKEN), file: null });
  }

  /** A deleted message is not edited; of a deleted thread the channel has what was to be said there. */
  #gone(queued: Queued, what: Gone, detail: string): void {
    const { table, desk, now } = this.#parts;
    const { n, errand, attempts } = queued;
    const isByToken = errand.do === 'answer' || errand.do === 'whisper';
    if (isByToken && what === 'webhook' && attempts < NOT_YET_TIMES) {
      return table.putOff(n, now() + NOT_YET_MS * 2 ** attempts, true);
    }
    console.warn(`discord: ${errand.do}: what it was for is gone (${what}): ${detail}`);
    if (what === 'channel' && this.#threadGone(queued)) return;
    // The channel of the settings, or Discord is not where they say: an operator has to see to that.
    const isOfSettings = what === 'channel' || (what === 'other' && errand.do !== 'answer');
    if (isOfSettings && ['open_thread', 'say', 'ask', 'answer'].includes(errand.do)) return this.#hold(queued);
    if (what === 'message' && (errand.do === 'progress' || errand.do === 'open_thread')) {
      if (errand.do === 'progress') desk.setProgress(errand.session_id, null);
      else desk.setAnchor(errand.session_id, null);
      // By its nonce Discord may give us the one that is gone.
      return table.putOff(n, now() + (errand.do === 'progress' ? 0 : backoff(queued, RETRY_MS)), true);
    }
    if (what === 'channel' && errand.do === 'remind') this.#askAgain(errand.interaction_id);
    // The interaction's token is no good, or its answer was dismissed: who is to hear it all the same hears it elsewhere.
    if (errand.do === 'answer' && errand.to !== null) this.say(errand.to, errand.body, errand.file);
    table.remove(n);
  }

  /** Whether the errand was for a session's thread: that one is gone then, and what was asked there is asked anew. */
  #threadGone({ n, errand }: Queued): boolean {
    const { table, desk, now } = this.#parts;
    const session_id = sessionOf(errand, desk);
    const thread = session_id === null ? null : desk.thread(session_id);
    if (thread === null || thread.thread_id === null) return false;
    desk.removeThread(thread.session_id);
    table.moveLane(laneOf({ thread_of: thread.session_id }), CHANNEL_LANE);
    table.putOff(n, now(), false);
    for (const { interaction_id, channel_id } of desk.asks.openOf(thread.session_id)) {
      if (channel_id === thread.thread_id) this.#askAgain(interaction_id);
    }
    return true;
  }

  /** Of an open one whose message is no longer there. */
  #askAgain(interaction_id: string): void {
    const { desk } = this.#parts;
    const ask = desk.asks.get(interaction_id);
    if (ask === null) return;
    desk.asks.lost(interaction_id);
    const to = desk.placeOf(ask.session_id);
    this.add(laneOf(to), { do: 'ask', to, interaction_id });
  }

  #hold(queued: Queued): void {
    const { table, now } = this.#parts;
    table.putOff(queued.n, now() + Math.min(HELD_MS * 2 ** Math.min(queued.attempts, 10), LONGEST_HELD_MS), true);
  }
}

const backoff = ({ attempts }: Queued, ms: number) => Math.min(ms * 2 ** Math.min(attempts, 10), LONGEST_RETRY_MS);

/** The session whose thread an errand is for. */
function sessionOf(errand: Errand, desk: DeskTable): string | null {
  if ('session_id' in errand) return errand.session_id;
  if ('interaction_id' in errand && !('to' in errand)) {
    const ask = desk.asks.get(errand.interaction_id);
    return ask !== null && desk.thread(ask.session_id)?.thread_id === ask.channel_id ? ask.session_id : null;
  }
  return 'to' in errand && errand.to !== null && errand.to !== 'channel' ? errand.to.thread_of : null;
}
