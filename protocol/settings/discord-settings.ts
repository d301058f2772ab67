import * as z from 'zod';

/** An id of Discord: 64 bits in decimal, as a string. */
export const snowflake = z.string().regex(/^\d{1,20}$/, 'must be an id of Discord’s: a number of up to 20 digits');

/** An empty setting counts as not set. */
const unlessEmpty = <T extends z.ZodType>(of: T) => z.preprocess((value) => (value === '' ? undefined : value), of);
const optional = <T extends z.ZodType>(of: T) => unlessEmpty(of.optional());

const count = (fallback: number, min: number, max: number) => {
  const error = `must be a whole number from ${min} to ${max}`;
  return unlessEmpty(
    z.coerce.number({ error }).int({ error }).min(min, { error }).max(max, { error }).default(fallback),
  );
};

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** The bot's token is sent to it, so it must be HTTPS or this machine. */
const apiBaseUrl = z
  .url({ protocol: /^https?$/, error: 'must be a URL such as https://discord.com/api/v10', abort: true })
  .refine((url) => url.startsWith('https:') || LOOPBACK.test(new URL(url).hostname), {
    error: 'must be https, or on this machine: the bot’s token is sent to it',
  })
  .transform((url) => url.replace(/\/+$/, ''));

/** Ids, separated by commas. */
const ids = z
  .string()
  .default('')
  .transform((text, context) => {
    const found: string[] = [];
    for (const written of text.split(',').map((part) => part.trim())) {
      if (written === '') continue;
      if (snowflake.safeParse(written).success) found.push(written);
      else context.addIssue(`takes ids of Discord’s with commas between, not "${written}"`);
    }
    return found;
  });

/** Discord's part of the edge's environment. Names and defaults are the seed's where it has them. */
export const discordSettings = z.object({
  DISCORD_APPLICATION_ID: optional(snowflake),
  /** The key that checks Discord's signatures: Ed25519, hexadecimal. */
  DISCORD_PUBLIC_KEY: optional(
    z
      .string()
      .regex(/^[0-9a-f]{64}$/i, 'must be the application’s public key: 64 hexadecimal digits')
      .transform((key) => key.toLowerCase()),
  ),
  DISCORD_BOT_TOKEN: optional(z.string().regex(/^[\x21-\x7e]+$/, 'must be the bot’s token alone, without "Bot "')),
  /** The channel for the threads of sessions, and for messages without a session. */
  DISCORD_CHANNEL_ID: optional(snowflake),
  DISCORD_API_BASE_URL: unlessEmpty(apiBaseUrl.default('https://discord.com/api/v10')),
  /** Seconds that a question over Discord stays open. */
  DISCORD_QUESTION_TIMEOUT: count(1800, 1, 604_800),
  /** Reminders of a question that nobody has answered. */
  DISCORD_MAX_RETRIES: count(3, 0, 100),
  /**
   * Who may use commands and answer: these users, and users with one of these roles. Both empty: no list admits
   * anybody.
   */
  DISCORD_ALLOWED_USERS: ids,
  DISCORD_ALLOWED_ROLES: ids,
});
export type DiscordSettings = z.infer<typeof discordSettings>;

/** The settings that each use of Discord needs. */
const DISCORD_NEEDS = {
  /** To send messages to the channel. */
  notify: ['DISCORD_BOT_TOKEN', 'DISCORD_CHANNEL_ID'],
  /** To receive commands and buttons as well. */
  interactions: ['DISCORD_APPLICATION_ID', 'DISCORD_PUBLIC_KEY', 'DISCORD_BOT_TOKEN', 'DISCORD_CHANNEL_ID'],
  /** To register the commands. */
  register: ['DISCORD_APPLICATION_ID', 'DISCORD_BOT_TOKEN'],
} as const satisfies Record<string, readonly (keyof DiscordSettings)[]>;

export type DiscordUse = keyof typeof DISCORD_NEEDS;
export type DiscordNeed<Use extends DiscordUse> = (typeof DISCORD_NEEDS)[Use][number];
/** Settings that are sufficient for that use. */
export type DiscordReady<Use extends DiscordUse> = DiscordSettings & Record<DiscordNeed<Use>, string>;

/** The settings that this use of Discord lacks; none: it is configured. */
export function missingDiscordSettings(settings: DiscordSettings, use: DiscordUse): DiscordNeed<DiscordUse>[] {
  return DISCORD_NEEDS[use].filter((name) => settings[name] === undefined);
}

/** Whether this use of Discord is configured. */
export function isDiscordReady<Use extends DiscordUse>(
  settings: DiscordSettings,
  use: Use,
): settings is DiscordReady<Use> {
  return missingDiscordSettings(settings, use).length === 0;
}

/** The sentence for a refusal because of missing settings; null: none is missing. */
export function discordNotConfigured(settings: DiscordSettings, use: DiscordUse): string | null {
  const missing = missingDiscordSettings(settings, use);
  if (missing.length === 0) return null;
  return `Discord is not configured: ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} not set. docs/discord.md shows how.`;
}
