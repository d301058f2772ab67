import type { APIAllowedMentions } from 'discord-api-types/v10';

/** Somebody whom a message is to call: a person, or all who have a role. */
export type Mention = { readonly user: string } | { readonly role: string };

/**
 * Nobody is called, whatever a text says: not by `@everyone`, not by the reply. Without this field Discord calls all that it
 * finds in the text, so every message and every edit has it.
 */
export const PING_NOBODY: APIAllowedMentions = { parse: [], users: [], roles: [], replied_user: false };

/** Only these are called, and only where the text mentions them; see `mentionText`. */
export function pingOnly(mentions: readonly Mention[]): APIAllowedMentions {
  const users = mentions.flatMap((one) => ('user' in one ? [one.user] : []));
  const roles = mentions.flatMap((one) => ('role' in one ? [one.role] : []));
  return { ...PING_NOBODY, users: [...new Set(users)], roles: [...new Set(roles)] };
}

/** What is put before a text to call them; '' for nobody. Discord calls nobody whom the text does not mention. */
export function mentionText(mentions: readonly Mention[]): string {
  return mentions.map((one) => ('user' in one ? `<@${one.user}>` : `<@&${one.role}>`)).join(' ');
}

/** So many mentions leave room for what they are called for. */
const MAX_CALLED = 20;

/** Whom a message of that priority calls. */
export function calledFor(
  priority: 'low' | 'normal' | 'high' | 'urgent',
  mentions: readonly Mention[],
): readonly Mention[] {
  return priority === 'urgent' ? mentions.slice(0, MAX_CALLED) : [];
}
