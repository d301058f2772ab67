import type { DiscordMessage } from '../../../../protocol/api/discord.ts';
import { decodeCustomId } from '../custom-id.ts';
import type { DiscordRequest } from './requests.ts';

/**
 * Whether the message is what that request made, or makes. Discord keeps no nonce with it: it is known by its text, which Discord trims, and a
 * question by its buttons, for it may have looked otherwise then.
 *
 * @param asks the id of what the request asks; null: nothing
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
  return ids.length === 0 && solid(content) === solid(text) && attachments.length === (file === null ? 0 : 1);
}

const solid = (text: string) => text.replace(/\s/g, '');
