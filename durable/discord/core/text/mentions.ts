import type { APIAllowedMentions } from 'discord-api-types/v10';

/**
 * Pings nobody, whatever the text says: neither by `@everyone` nor as a reply. Without this field Discord pings
 * everybody that it finds in the text, so every message and every edit has it.
 */
export const PING_NOBODY: APIAllowedMentions = { parse: [], users: [], roles: [], replied_user: false };

/** Pings only these people, and only if the text mentions them; see `mentionText`. */
export function pingOnly(users: readonly string[]): APIAllowedMentions {
  return { ...PING_NOBODY, users: [...users] };
}

/**
 * The mentions that go before a text to ping these people; '' for nobody. Discord pings nobody whom the text does not
 * mention.
 */
export function mentionText(users: readonly string[]): string {
  return users.map((user) => `<@${user}>`).join(' ');
}

/** More mentions would leave too little room for the text. */
const MAX_CALLED = 20;

/** The people whom a message of that priority pings. */
export function pingedFor(priority: 'low' | 'normal' | 'high' | 'urgent', users: readonly string[]): readonly string[] {
  return priority === 'urgent' ? users.slice(0, MAX_CALLED) : [];
}
