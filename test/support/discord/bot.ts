import type { DiscordStandIn } from './stand-in.ts';

/** What the bot's requests carry. */
export const botHeaders = (discord: DiscordStandIn) => ({
  authorization: `Bot ${discord.botToken}`,
  'user-agent': 'DiscordBot (https://example.com, 1)',
});

/** Calls the stand-in as the bot does, with JSON. */
export const botOf =
  (discord: DiscordStandIn) =>
  async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(discord.baseUrl + path, {
      method,
      headers: {
        ...botHeaders(discord),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    // oxlint-disable-next-line typescript/no-explicit-any -- tests read whatever came, and fail when it is not there
    const json: any = text === '' ? null : JSON.parse(text);
    return { status: response.status, headers: response.headers, json };
  };

export type BotCall = ReturnType<typeof botOf>;

export const button = (label: string, custom_id = label) => ({ type: 2, style: 1, label, custom_id });
export const rows = (...all: object[][]) => all.map((components) => ({ type: 1, components }));
