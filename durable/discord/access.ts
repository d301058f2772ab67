import type { DiscordReady } from '../../protocol/settings/discord-settings.ts';

type Lists = Pick<DiscordReady<'notify'>, 'DISCORD_ALLOWED_USERS' | 'DISCORD_ALLOWED_ROLES'> | null;

/** Whether somebody may use the bot. Without the operator's lists everybody may: what matters needs a linked account. */
export function isAllowed(lists: Lists, user: string, roles: readonly string[]): boolean {
  const { DISCORD_ALLOWED_USERS: users = [], DISCORD_ALLOWED_ROLES: allowed = [] } = lists ?? {};
  return (users.length === 0 && allowed.length === 0) || isListed(lists, user, roles);
}

/** Whether the operator's lists name this person. */
export function isListed(lists: Lists, user: string, roles: readonly string[]): boolean {
  const { DISCORD_ALLOWED_USERS: users = [], DISCORD_ALLOWED_ROLES: allowed = [] } = lists ?? {};
  return users.includes(user) || roles.some((role) => allowed.includes(role));
}
