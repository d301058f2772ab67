import { discordCreated } from '../../protocol/discord.ts';
import {
  closedMessage,
  openMessage,
  reminderMessage,
  type AnsweredBy,
  type MessageBody,
} from '../core/discord/interaction-message.ts';
import { PING_NOBODY, type Mention } from '../core/discord/mentions.ts';
import {
  createMessage,
  editMessage,
  editOriginal,
  startThread,
  type DiscordRequest,
} from '../core/discord/requests.ts';
import { FLAG } from '../core/discord/wire.ts';
import type { DiscordOutcome, DiscordRest } from '../discord-rest.ts';
import type { DeskTable } from './desk-table.ts';
import type { Errand, OutboxTable, Place, Queued } from './outbox-table.ts';

/** Until a failed errand is tried again, milliseconds: doubled with each failure, up to the longest. */
const RETRY_MS = 1000;
const LONGEST_RETRY_MS = 60_000;
/** At least so long between two looks of a session's progress, milliseconds: five edits in five seconds is what Discord allows. */
const PROGRESS_MS = 2000;

export interface OutboxParts {
  readonly ctx: Pick<DurableObjectState, 'waitUntil'>;
  readonly rest: DiscordRest;
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
  /** By lane, the errand that is under way. */
  readonly #sending = new Map<string, number>();

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
    const { table, now } = this.#parts;
    table.replaceProgress(lane, { do: 'progress', session_id, text }, now(), this.#sending.get(lane) ?? null);
  }

  /** When there is something to do, epoch milliseconds; null: nothing. */
  nextTry(): number | null {
    const waiting = this.#parts.table.heads().filter(({ lane }) => !this.#sending.has(lane));
    const times = waiting.map(({ next_at }) => next_at);
    return times.length === 0 ? null : Math.min(...times);
  }

  /** Sends what is due, the lanes beside each other. */
  tell(): void {
    const now = this.#parts.now();
    for (const queued of this.#parts.table.heads()) {
      if (queued.next_at > now || this.#sending.has(queued.lane)) continue;
      this.#sending.set(queued.lane, queued.n);
      this.#parts.ctx.waitUntil(this.#send(queued));
    }
  }

  async #send(queued: Queued): Promise<void> {
    const { rest, table, now, retry } = this.#parts;
    try {
      const request = this.#requestOf(queued);
      if (request === null) return table.remove(queued.n);
      this.#settle(queued, await rest.send(request));
    } catch (error) {
      console.error(`discord: an errand could not be done, trying again: ${String(error)}`);
      table.putOff(queued.n, now() + LONGEST_RETRY_MS, true);
    } finally {
      this.#sending.delete(queued.lane);
      this.tell();
      retry();
    }
  }

  /** Null: there is nothing to be done any more. */
  #requestOf({ n, errand }: Queued): DiscordRequest | null {
    const { desk, channel, application, now } = this.#parts;
    // The same message is not made twice, should Discord have taken it without our hearing of it.
    const nonce = `cc${n}`;
    switch (errand.do) {
      case 'open_thread': {
        const thread = desk.thread(errand.session_id);
        return thread === null || thread.thread_id !== null ? null : startThread(channel, null, thread.name);
      }
      case 'say':
        return createMessage(this.#channelOf(errand.to), errand.body, { nonce, file: errand.file });
      case 'ask': {
        const ask = desk.ask(errand.interaction_id);
        if (ask === null || ask.message_id !== null) return null;
        const about = errand.to === 'channel' ? { about: `session ${ask.session_id.slice(-8)}` } : {};
        const asked = { ...about, mentions: this.#mentionsOf(ask.session_id), draft: ask.draft, page: ask.page };
        const { body, file } =
          ask.view.state === 'open'
            ? openMessage(ask.view, asked)
            : { body: closedMessage(ask.view, about), file: null };
        return createMessage(this.#channelOf(errand.to), body, { nonce, file });
      }
      case 'show_ask': {
        const ask = desk.ask(errand.interaction_id);
        if (ask === null || ask.channel_id === null || ask.message_id === null) return null;
        const { view, draft, page } = ask;
        const body =
          view.state === 'open'
            ? openMessage(view, { draft, page }).body
            : closedMessage(view, {}, this.#answererOf(view.resolved_by));
        return editMessage(ask.channel_id, ask.message_id, body);
      }
      case 'remind': {
        const ask = desk.ask(errand.interaction_id);
        if (ask === null || ask.view.state !== 'open' || ask.channel_id === null || ask.message_id === null)
          return null;
        const { attempt, of } = errand;
        const body = reminderMessage(ask.view, { id: ask.message_id, attempt, of }, this.#mentionsOf(ask.session_id));
        return createMessage(ask.channel_id, body, { nonce });
      }
      case 'progress': {
        const thread = desk.thread(errand.session_id);
        if (thread === null || thread.thread_id === null) return null;
        const body = quiet(errand.text);
        if (thread.progress_id === null) return createMessage(thread.thread_id, body, { nonce });
        return editMessage(thread.thread_id, thread.progress_id, body);
      }
      case 'end_progress':
        desk.setProgress(errand.session_id, null);
        return null;
      case 'answer':
        break;
    }
    const { token, expires, body, file } = errand;
    if (application !== null && now() < expires) return editOriginal(application, token, body, file);
    return errand.to === null ? null : createMessage(this.#channelOf(errand.to), body, { nonce, file });
  }

  #settle(queued: Queued, outcome: DiscordOutcome): void {
    const { table, now } = this.#parts;
    switch (outcome.is) {
      case 'ok':
        this.#done(queued.errand, outcome.body);
        table.remove(queued.n);
        if (queued.errand.do === 'progress') this.#slowDown(queued.lane);
        return;
      case 'rate_limited':
        return table.putOff(queued.n, outcome.until, false);
      case 'failed': {
        console.warn(`discord: trying again: ${outcome.detail}`);
        const wait = Math.min(RETRY_MS * 2 ** Math.min(queued.attempts, 10), LONGEST_RETRY_MS);
        return table.putOff(queued.n, now() + wait, true);
      }
      case 'gone':
        return this.#gone(queued, outcome.what, outcome.detail);
      case 'refused':
        console.error(`discord: ${queued.errand.do} was refused (${outcome.status}): ${outcome.detail}`);
        return table.remove(queued.n);
    }
  }

  #done(errand: Errand, body: unknown): void {
    const { desk } = this.#parts;
    const created = discordCreated.safeParse(body);
    if (!created.success) return;
    const { id } = created.data;
    if (errand.do === 'open_thread') desk.setThread(errand.session_id, id);
    else if (errand.do === 'ask') desk.setAskMessage(errand.interaction_id, this.#channelOf(errand.to), id);
    else if (errand.do === 'progress') desk.setProgress(errand.session_id, id);
  }

  /** What comes next in that place waits a little, if it is just progress again: it is shown as it is by then. */
  #slowDown(lane: string): void {
    const { table, now } = this.#parts;
    const next = table.heads().find((one) => one.lane === lane);
    if (next !== undefined && next.errand.do === 'progress') table.putOff(next.n, now() + PROGRESS_MS, false);
  }

  /** A deleted message is not edited; of a deleted thread the channel has what was to be said there. */
  #gone(queued: Queued, what: string, detail: string): void {
    const { table, desk } = this.#parts;
    const { errand, lane } = queued;
    if (what === 'channel' && 'to' in errand && errand.to !== null && errand.to !== 'channel') {
      desk.removeThread(errand.to.thread_of);
      return table.moveLane(lane, CHANNEL_LANE);
    }
    if (errand.do === 'progress' && what === 'message') desk.setProgress(errand.session_id, null);
    if (errand.do === 'progress' && what === 'channel') desk.removeThread(errand.session_id);
    // The interaction's token is no good, or its answer was dismissed: who is to hear it all the same hears it elsewhere.
    if (errand.do === 'answer' && errand.to !== null) this.say(errand.to, errand.body, errand.file);
    console.warn(`discord: ${errand.do}: what it was for is gone (${what}): ${detail}`);
    table.remove(queued.n);
  }

  #channelOf(to: Place): string {
    const thread = to === 'channel' ? null : this.#parts.desk.thread(to.thread_of);
    return thread?.thread_id ?? this.#parts.channel;
  }

  #mentionsOf(sessionId: string): Mention[] {
    const { desk } = this.#parts;
    const thread = desk.thread(sessionId);
    return thread === null ? [] : [{ user: thread.user }];
  }

  /** On Discord a person is called by their account, where we know it. */
  #answererOf(name: string | null): AnsweredBy | null {
    if (name === null) return null;
    const [user] = this.#parts.desk.usersOf(name);
    return user === undefined ? { name } : { discord_user_id: user };
  }
}

/** A text that calls nobody. */
export function quiet(content: string): MessageBody {
  return { content, components: [], allowed_mentions: PING_NOBODY, flags: FLAG.suppress_embeds };
}
