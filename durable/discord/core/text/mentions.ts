import type { APIAllowedMentions } from 'discord-api-types/v10';

/**
 * Nobody is called, whatever a text says: not by `@everyone`, not by the reply. Without this field Discord calls all that it
 * finds in the text, so every message and every edit has it.
 */
export const PING_NOBODY: APIAllowedMentions = { parse: [], users: [], roles: [], replied_user: false };

/** Only these people are called, and only where the text mentions them; see `mentionText`. */
export function pingOnly(users: readonly string[]): APIAllowedMentions {
  return { ...PING_NOBODY, users: [...users] };
}

/** What is put before a text to call them; '' for nobody. Discord calls nobody whom the text does not mention. */
export function mentionText(users: readonly string[]): string {
  return users.map((user) => `<@${user}>`).join(' ');
}

/** So many mentions leave room for what they are called for. */
const MAX_CALLED = 20;

/** Whom a message of that priority calls. */
export function pingedFor(priority: 'low' | 'normal' | 'high' | 'urgent', users: readonly string[]): readonly string[] {
  return priority === 'urgent' ? users.slice(0, MAX_CALLED) : [];
}
