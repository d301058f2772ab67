import type { RESTPostAPIChannelMessageJSONBody } from 'discord-api-types/v10';
import { MAX_CONTENT } from '../text/limits.ts';
import { PING_NOBODY } from '../text/mentions.ts';
import { cut } from '../text/text.ts';
import { FLAG } from './constants.ts';

/** The body of a new message, or of an edit. */
export type MessageBody = Required<
  Pick<RESTPostAPIChannelMessageJSONBody, 'content' | 'components' | 'allowed_mentions' | 'flags'>
>;

/** A file that is attached to a message, because its text is longer than a message shows. */
export interface MessageFile {
  readonly name: string;
  readonly text: string;
}

export interface OutgoingMessage {
  readonly body: MessageBody;
  /** Sent with the first version of the message. An edit that names no attachments leaves it there. */
  readonly file: MessageFile | null;
}

/** A text that pings nobody. A long one is cut. */
export function textBody(content: string): MessageBody {
  const flags = FLAG.suppress_embeds;
  return { content: cut(content, MAX_CONTENT), components: [], allowed_mentions: PING_NOBODY, flags };
}
