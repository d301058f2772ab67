import { MAX_CONTENT } from '../core/text/limits.ts';
import { openMessage, reminderMessage, type MessageBody } from '../core/interaction-message.ts';
import { PING_NOBODY } from '../core/text/mentions.ts';
import {
  createMessage,
  editMessage,
  editOriginal,
  followUp,
  startThread,
  type DiscordRequest,
} from '../core/wire/requests.ts';
import { isOldMessage } from '../core/wire/snowflake.ts';
import { cut, plain } from '../core/text/text.ts';
import { FLAG } from '../core/wire/wire.ts';
import { aboutOf, closedLook, mentionsOf } from '../ask-looks.ts';
import type { DeskTable } from '../desk-table.ts';
import type { Place, Queued } from './outbox-table.ts';

/** Between two reminders of the same, and between asking and the first, at least, milliseconds. */
const REMIND_MS = 60_000;

export interface ErrandContext {
  readonly desk: DeskTable;
  /** `DISCORD_CHANNEL_ID`. */
  readonly channel: string;
  /** `DISCORD_APPLICATION_ID`; null: Discord never asks anything of us. */
  readonly application: string | null;
  readonly now: number;
}

/** The request that an errand comes to just now; null: there is nothing to be sent for it any more. */
export function requestOf({ n, at, errand }: Queued, context: ErrandContext): DiscordRequest | null {
  const { desk, channel, application, now } = context;
  // The same message is not made twice, should Discord have taken it without our hearing of it.
  const once = { nonce: `${n}.${at.toString(36)}` };
  switch (errand.do) {
    case 'open_thread': {
      const thread = desk.thread(errand.session_id);
      if (thread === null || thread.thread_id !== null) return null;
      // On a message there is one thread at most; those that stand alone have nothing to know a second one by.
      if (thread.anchor_id !== null) return startThread(channel, thread.anchor_id, thread.name);
      return createMessage(channel, quiet(`🧵 **${plain(thread.name)}** · <@${thread.user}>`), once);
    }
    case 'say':
      return createMessage(channelOf(errand.to, context), errand.body, { ...once, file: errand.file });
    case 'ask': {
      const ask = desk.asks.get(errand.interaction_id);
      if (ask === null || ask.message_id !== null) return null;
      const to = channelOf(errand.to, context);
      if (ask.view.state !== 'open') return createMessage(to, closedLook(desk, ask), once);
      const { view, draft, page } = ask;
      const { body, file } = openMessage(view, { ...aboutOf(desk, ask), mentions: mentionsOf(desk, ask), draft, page });
      return createMessage(to, body, { ...once, file });
    }
    case 'show_ask': {
      const ask = desk.asks.get(errand.interaction_id);
      if (ask === null || ask.channel_id === null || ask.message_id === null) return null;
      const { view, draft, page } = ask;
      const open = () => openMessage(view, { ...aboutOf(desk, ask), draft, page }).body;
      const body = view.state === 'open' ? open() : closedLook(desk, ask);
      return editMessage(ask.channel_id, ask.message_id, body);
    }
    case 'remind': {
      const ask = desk.asks.get(errand.interaction_id);
      if (ask === null || ask.view.state !== 'open' || ask.channel_id === null || ask.message_id === null) return null;
      if (ask.told_at !== null && now < ask.told_at + REMIND_MS) return null;
      const { attempt, of } = errand;
      const body = reminderMessage(ask.view, { id: ask.message_id, attempt, of }, mentionsOf(desk, ask));
      return createMessage(ask.channel_id, body, once);
    }
    case 'progress': {
      const thread = desk.thread(errand.session_id);
      if (thread === null || thread.thread_id === null) return null;
      const { thread_id, progress_id } = thread;
      const body = quiet(errand.text);
      // Old messages have a limit of their own on how often they are edited (30046).
      if (progress_id !== null && !isOldMessage(progress_id, now)) return editMessage(thread_id, progress_id, body);
      return createMessage(thread_id, body, once);
    }
    case 'end_progress':
      desk.setProgress(errand.session_id, null);
      return null;
    case 'forget':
      desk.forget(errand.session_id);
      return null;
    case 'whisper': {
      if (application === null || now >= errand.expires) return null;
      const body = quiet(errand.text);
      return followUp(application, errand.token, { ...body, flags: FLAG.suppress_embeds | FLAG.ephemeral });
    }
    case 'answer':
      break;
  }
  const { token, expires, body, file } = errand;
  if (application !== null && now < expires) return editOriginal(application, token, body, file);
  return errand.to === null ? null : createMessage(channelOf(errand.to, context), body, { ...once, file });
}

/** Where that is; without a thread, the channel for all. */
export function channelOf(to: Place, { desk, channel }: Pick<ErrandContext, 'desk' | 'channel'>): string {
  const thread = to === 'channel' ? null : desk.thread(to.thread_of);
  return thread?.thread_id ?? channel;
}

/** A text that calls nobody. */
export function quiet(content: string): MessageBody {
  const flags = FLAG.suppress_embeds;
  return { content: cut(content, MAX_CONTENT), components: [], allowed_mentions: PING_NOBODY, flags };
}
