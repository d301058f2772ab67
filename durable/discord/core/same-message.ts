import type { DiscordMessage } from '../../../protocol/api/discord.ts';
import { decodeCustomId } from './custom-id.ts';
import type { DiscordRequest } from './wire/requests.ts';

/**
 * Whether this message was made by that request. Discord returns no nonce, so the text is compared, without white space
 * because Discord trims it. A question is compared by its buttons, because its text may have changed since.
 *
 * @param asks the interaction that the request asks about; null: none
 */
export function isSameMessage(
  { content, author, attachments, components = [] }: DiscordMessage,
  { body, file }: DiscordRequest,
  asks: string | null,
): boolean {
  if (author.bot !== true) return false;
  const ids = components.flatMap((row) => row.components ?? []).flatMap(({ custom_id }) => custom_id ?? []);
  if (asks !== null && ids.some((id) => decodeCustomId(id)?.interaction_id === asks)) return true;
  const text = body !== null && 'content' in body && typeof body.content === 'string' ? body.content : '';
  return (
    ids.length === 0 && withoutSpace(content) === withoutSpace(text) && attachments.length === (file === null ? 0 : 1)
  );
}

const withoutSpace = (text: string) => text.replace(/\s/g, '');
