import { openMessage, reminderMessage } from '../core/interaction-message.ts';
import { plain } from '../core/text/text.ts';
import { FLAG } from '../core/wire/constants.ts';
import { textBody } from '../core/wire/message.ts';
import {
  createMessage,
  editMessage,
  editOriginal,
  followUp,
  startThread,
  type DiscordRequest,
} from '../core/wire/requests.ts';
import { isOldMessage } from '../core/wire/snowflake.ts';
import type { DeskTable } from '../tables/desk-table.ts';
import type { Place, QueuedJob } from '../tables/outbox-table.ts';
import { aboutOf, closedBody, mentionsOf } from './ask-message.ts';

/** The least time between a question and its first reminder, and between two reminders, milliseconds. */
const REMIND_MS = 60_000;

export interface JobContext {
  readonly desk: DeskTable;
  /** `DISCORD_CHANNEL_ID`. */
  readonly channel: string;
  /** `DISCORD_APPLICATION_ID`; null: Discord sends no interactions. */
  readonly application: string | null;
  readonly now: number;
}

/** The request of a job, as things are now; null: there is nothing left to send. */
export function requestOf({ n, at, job }: QueuedJob, context: JobContext): DiscordRequest | null {
  const { desk, channel, application, now } = context;
  // With the same nonce Discord makes no second message, should it have taken an attempt whose answer was lost.
  const once = { nonce: `${n}.${at.toString(36)}` };
  switch (job.do) {
    case 'open_thread': {
      const thread = desk.thread(job.session_id);
      if (thread === null || thread.thread_id !== null) return null;
      // A message has one thread at most. Two threads that stand alone could not be told apart.
      if (thread.anchor_id !== null) return startThread(channel, thread.anchor_id, thread.name);
      return createMessage(channel, textBody(`🧵 **${plain(thread.name)}** · <@${thread.user}>`), once);
    }
    case 'say':
      return createMessage(channelOf(job.to, context), job.body, { ...once, file: job.file });
    case 'ask': {
      const ask = desk.asks.get(job.interaction_id);
      if (ask === null || ask.message_id !== null) return null;
      const to = channelOf(job.to, context);
      if (ask.view.state !== 'open') return createMessage(to, closedBody(desk, ask), once);
      const { view, draft, page } = ask;
      const { body, file } = openMessage(view, { ...aboutOf(desk, ask), mentions: mentionsOf(desk, ask), draft, page });
      return createMessage(to, body, { ...once, file });
    }
    case 'show_ask': {
      const ask = desk.asks.get(job.interaction_id);
      if (ask === null || ask.channel_id === null || ask.message_id === null) return null;
      const { view, draft, page } = ask;
      const open = () => openMessage(view, { ...aboutOf(desk, ask), draft, page }).body;
      const body = view.state === 'open' ? open() : closedBody(desk, ask);
      return editMessage(ask.channel_id, ask.message_id, body);
    }
    case 'remind': {
      const ask = desk.asks.get(job.interaction_id);
      if (ask === null || ask.view.state !== 'open' || ask.channel_id === null || ask.message_id === null) return null;
      if (ask.told_at !== null && now < ask.told_at + REMIND_MS) return null;
      const { attempt, of } = job;
      const body = reminderMessage(ask.view, { id: ask.message_id, attempt, of }, mentionsOf(desk, ask));
      return createMessage(ask.channel_id, body, once);
    }
    case 'progress': {
      const thread = desk.thread(job.session_id);
      if (thread === null || thread.thread_id === null) return null;
      const { thread_id, progress_id } = thread;
      const body = textBody(job.text);
      // Discord limits how often old messages are edited (30046).
      if (progress_id !== null && !isOldMessage(progress_id, now)) return editMessage(thread_id, progress_id, body);
      return createMessage(thread_id, body, once);
    }
    case 'end_progress':
      desk.setProgress(job.session_id, null);
      return null;
    case 'forget':
      desk.forget(job.session_id);
      return null;
    case 'whisper': {
      if (application === null || now >= job.expires) return null;
      const body = textBody(job.text);
      return followUp(application, job.token, { ...body, flags: FLAG.suppress_embeds | FLAG.ephemeral });
    }
    case 'answer':
      break;
  }
  const { token, expires, body, file } = job;
  if (application !== null && now < expires) return editOriginal(application, token, body, file);
  return job.to === null ? null : createMessage(channelOf(job.to, context), body, { ...once, file });
}

/** The channel or thread of a place. A session without a thread has the channel for all. */
export function channelOf(to: Place, { desk, channel }: Pick<JobContext, 'desk' | 'channel'>): string {
  const thread = to === 'channel' ? null : desk.thread(to.thread_of);
  return thread?.thread_id ?? channel;
}
