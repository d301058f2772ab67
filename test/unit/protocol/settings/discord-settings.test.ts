import { describe, expect, it } from 'vitest';
import {
  discordNotConfigured,
  discordSettings,
  isDiscordReady,
  missingDiscordSettings,
} from '../../../../protocol/settings/discord-settings.ts';

const KEY = 'ab'.repeat(32);
const ALL = { DISCORD_APPLICATION_ID: '1', DISCORD_PUBLIC_KEY: KEY, DISCORD_BOT_TOKEN: 't', DISCORD_CHANNEL_ID: '2' };

describe('the settings of Discord', () => {
  it('are all optional, and what is left empty is not set', () => {
    const empty = Object.fromEntries(Object.keys(discordSettings.shape).map((name) => [name, '']));
    for (const env of [{}, empty]) {
      expect(JSON.parse(JSON.stringify(discordSettings.parse(env)))).toEqual({
        DISCORD_API_BASE_URL: 'https://discord.com/api/v10',
        DISCORD_QUESTION_TIMEOUT: 1800,
        DISCORD_MAX_RETRIES: 3,
        DISCORD_ALLOWED_USERS: [],
        DISCORD_ALLOWED_ROLES: [],
      });
    }
  });

  it('are read as they are meant', () => {
    const env = {
      ...ALL,
      DISCORD_PUBLIC_KEY: KEY.toUpperCase(),
      DISCORD_API_BASE_URL: 'http://127.0.0.1:9/api/v10/',
      DISCORD_QUESTION_TIMEOUT: '60',
      DISCORD_MAX_RETRIES: '0',
      DISCORD_ALLOWED_USERS: ' 1, 2 ,',
    };
    expect(discordSettings.parse(env)).toEqual({
      ...ALL,
      DISCORD_API_BASE_URL: 'http://127.0.0.1:9/api/v10',
      DISCORD_QUESTION_TIMEOUT: 60,
      DISCORD_MAX_RETRIES: 0,
      DISCORD_ALLOWED_USERS: ['1', '2'],
      DISCORD_ALLOWED_ROLES: [],
    });
  });

  it.each([
    ['DISCORD_APPLICATION_ID', 'claude'],
    ['DISCORD_PUBLIC_KEY', 'ab'],
    ['DISCORD_BOT_TOKEN', 'Bot abc'],
    ['DISCORD_CHANNEL_ID', '#general'],
    ['DISCORD_API_BASE_URL', 'discord.com'],
    ['DISCORD_API_BASE_URL', 'ftp://discord.com'],
    ['DISCORD_API_BASE_URL', 'http://discord.com/api'],
    ['DISCORD_API_BASE_URL', 'http://127.0.0.1.example.com/'],
    ['DISCORD_QUESTION_TIMEOUT', '0'],
    ['DISCORD_MAX_RETRIES', '-1'],
    ['DISCORD_ALLOWED_USERS', '1,alice'],
  ])('%s is not %j', (name, value) => {
    expect(discordSettings.safeParse({ [name]: value }).success).toBe(false);
  });

  it('say what is missing for what', () => {
    const seed = discordSettings.parse({ DISCORD_BOT_TOKEN: 't', DISCORD_CHANNEL_ID: '2' });
    expect(isDiscordReady(seed, 'notify')).toBe(true);
    expect(missingDiscordSettings(seed, 'interactions')).toEqual(['DISCORD_APPLICATION_ID', 'DISCORD_PUBLIC_KEY']);
    expect(discordNotConfigured(seed, 'interactions')).toMatch(/^Discord is not configured: .* are not set\./);
    expect(discordNotConfigured(discordSettings.parse(ALL), 'interactions')).toBeNull();
  });
});
