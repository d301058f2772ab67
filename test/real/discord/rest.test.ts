import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InteractionType } from 'discord-api-types/v10';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createMessage,
  type DiscordRequest,
  editMessage,
  editOriginal,
  followUp,
  messagesSince,
  unarchive,
  startThread,
} from '../../../durable/discord/core/wire/requests.ts';
import { DiscordRest, type DiscordFetch } from '../../../durable/discord/outbox/rest.ts';
import { isSameMessage } from '../../../durable/discord/core/same-message.ts';
import { discordCreated, discordMessages } from '../../../protocol/api/discord.ts';
import { DiscordStandIn } from '../../support/discord/stand-in.ts';
import { atMost } from '../../support/patience.ts';

let now: number;
let discord: DiscordStandIn;
let channel: string;
let rest: DiscordRest;
beforeEach(async () => {
  now = Date.parse('2026-11-22T12:00:00Z');
  discord = await DiscordStandIn.start({ now: () => now });
  channel = discord.world.addChannel('agents');
  rest = client();
});
afterEach(async () => await discord.stop());

const client = (changes: Partial<ConstructorParameters<typeof DiscordRest>[0]> = {}) =>
  new DiscordRest({
    fetch,
    baseUrl: discord.baseUrl,
    botToken: discord.botToken,
    now: () => now,
    timeoutMs: atMost(10),
    ...changes,
  });

/** It answers after 300 ms. */
const slow: DiscordFetch = async (_url, { signal }) => {
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  setTimeout(() => resolve(Response.json({ id: '1' })), 300);
  signal?.addEventListener('abort', () => reject(new Error('too long')));
  return promise;
};

/** The id of what a request made. */
async function made(request: DiscordRequest): Promise<string> {
  const outcome = await rest.send(request);
  if (outcome.is !== 'ok') throw new Error(JSON.stringify(outcome));
  return discordCreated.parse(outcome.body).id;
}
const personal = () => {
  const user = { id: '42', username: 'alice', discriminator: '0', global_name: null, avatar: null };
  return discord.interactions.begin(InteractionType.ApplicationCommand, user, channel, null);
};

describe('what is done', () => {
  it('a message with its file, an edit that leaves the file, and a thread on it', async () => {
    const id = await made(createMessage(channel, { content: 'Working…' }, { file: { name: 'log.txt', text: 'ö' } }));
    await made(editMessage(channel, id, { content: 'Done' }));
    expect(await made(startThread(channel, id, 'the work'.repeat(20)))).toBe(id);
    expect(discord.messages(channel)).toMatchObject([
      { content: 'Done', edited: true, files: [{ name: 'log.txt', text: 'ö' }], thread: id },
    ]);
    expect(discord.world.threads()[0]?.name).toHaveLength(100);
  });

  it('what Discord has no more to say of', async () => {
    const silent = client({ fetch: async () => new Response(null, { status: 204 }) });
    expect(await silent.send(unarchive(channel))).toEqual({ is: 'ok', body: null });
  });

  it('the answer to an interaction, with a file', async () => {
    const interaction = personal();
    discord.interactions.answer(interaction, { type: 5 });
    const { applicationId } = discord;
    const file = { name: 'all.md', text: 'all of it' };
    await made(editOriginal(applicationId, interaction.token, { content: 'There' }, file));
    await made(followUp(applicationId, interaction.token, { content: 'More' }));
    expect(discord.messages(channel)).toMatchObject([{ content: 'There', files: [file] }, { content: 'More' }]);
  });

  it('is done once by its nonce, though the answer to it was lost', async () => {
    const request = createMessage(channel, { content: 'Once' }, { nonce: 'n1' });
    discord.fault = 'lost';
    expect(await rest.send(request)).toMatchObject({ is: 'failed' });
    discord.fault = 'none';
    await made(request);
    expect(discord.messages(channel)).toHaveLength(1);
  });

  it('the bot’s token goes with the bot’s requests, and with no other', async () => {
    const seen: (string | null)[] = [];
    const spy: DiscordFetch = async (_url, init) => {
      seen.push(new Headers(init.headers).get('authorization'));
      return Response.json({});
    };
    const watched = client({ fetch: spy });
    await watched.send(unarchive(channel));
    await watched.send(followUp('1', 'token', { content: 'a' }));
    expect(seen).toEqual([`Bot ${discord.botToken}`, null]);
  });

  it('a message that was made is found by when it was made, and by its text', async () => {
    const request = createMessage(channel, { content: ' Said\n' }, { nonce: 'n1' });
    await made(createMessage(channel, { content: 'Said' }));
    now += 60_000;
    const id = await made(request);
    await made(createMessage(channel, { content: 'After' }));
    const list = messagesSince(request, now - 5000);
    const listed = list === null ? null : await rest.send(list);
    const messages = discordMessages.parse(listed?.is === 'ok' ? listed.body : null);
    expect(messages.filter((message) => isSameMessage(message, request, null)).map((message) => message.id)).toEqual([
      id,
    ]);
  });

  it('an id is not a way to another path', async () => {
    expect(createMessage('1/../../users', { content: 'a' }).path).toBe('/channels/1%2F..%2F..%2Fusers/messages');
    expect(await rest.send(createMessage('1/../../users', { content: 'a' }))).toMatchObject({ is: 'gone' });
  });
});

describe('limits', () => {
  const ROUTE = 'POST /channels/:id/messages';

  it('are kept without a single 429: the request does not go before its time', async () => {
    discord.buckets.allow(ROUTE, { limit: 2, windowMs: 5000 });
    const request = createMessage(channel, { content: 'a' });
    await made(request);
    await made(request);
    expect(await rest.send(request)).toEqual({ is: 'rate_limited', until: now + 5000, scope: 'known' });
    expect(discord.requests).toHaveLength(2);
    now = rest.mayGoAt(request);
    await made(request);
    expect(discord.requests.map(({ status }) => status)).toEqual([200, 200, 200]);
  });

  it('that are not known beforehand send it back', async () => {
    discord.buckets.refuseShared(ROUTE, 30_000);
    expect(await rest.send(createMessage(channel, { content: 'a' }))).toEqual({
      is: 'rate_limited',
      until: now + 30_000,
      scope: 'shared',
    });
  });

  it('of an address that is banned hold back everything', async () => {
    discord.fault = 'banned';
    expect(await rest.send(unarchive(channel))).toEqual({ is: 'rate_limited', until: now + 120_000, scope: 'edge' });
    expect(await rest.send(createMessage(channel, { content: 'a' }))).toMatchObject({
      is: 'rate_limited',
      scope: 'known',
    });
  });
});

describe('what is gone', () => {
  it('is a deleted channel', async () => {
    discord.world.deleteChannel(channel);
    expect(await rest.send(createMessage(channel, { content: 'a' }))).toMatchObject({ is: 'gone', what: 'channel' });
  });

  it('is a deleted message', async () => {
    const id = await made(createMessage(channel, { content: 'a' }));
    discord.world.remove(channel, id);
    expect(await rest.send(editMessage(channel, id, { content: 'b' }))).toMatchObject({ is: 'gone', what: 'message' });
  });

  it('is an interaction’s token after 15 minutes', async () => {
    const interaction = personal();
    discord.interactions.answer(interaction, { type: 5 });
    now += 15 * 60_000;
    const outcome = await rest.send(editOriginal(discord.applicationId, interaction.token, { content: 'late' }));
    expect(outcome).toMatchObject({ is: 'gone', what: 'token' });
  });
});

describe('what is refused', () => {
  it('is what Discord does not take, and says where', async () => {
    const outcome = await rest.send(createMessage(channel, { content: 'a'.repeat(2001) }));
    expect(outcome).toMatchObject({ is: 'refused', status: 400, code: 50035 });
    expect(outcome).toHaveProperty('detail', expect.stringContaining('Must be 2000 or fewer in length.'));
  });

  it('is a token that is not the bot’s, without saying it', async () => {
    const outcome = await client({ botToken: 'secret-token' }).send(unarchive(channel));
    expect(outcome).toMatchObject({ is: 'refused', status: 401 });
    expect(JSON.stringify(outcome)).not.toContain('secret-token');
  });
});

describe('what failed', () => {
  it.each(['unavailable', 'cut_off', 'hangs'] as const)(
    'is anything that Discord being %s makes of it',
    async (fault) => {
      discord.fault = fault;
      const hasty = client({ timeoutMs: 500 });
      expect(await hasty.send(unarchive(channel))).toMatchObject({ is: 'failed' });
    },
  );

  it('is a redirect, which is not followed: the token goes nowhere else', async () => {
    const paths: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      paths.push(request.url);
      response.writeHead(302, { location: '/elsewhere' }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const outcome = await client({ baseUrl: `http://127.0.0.1:${port}` }).send(unarchive('1'));
    server.closeAllConnections();
    server.close();
    expect({ outcome, paths }).toEqual({
      outcome: { is: 'failed', detail: 'Discord answered 302.' },
      paths: ['/channels/1'],
    });
  });

  it('is a page of somebody in between who says that all is well', async () => {
    const page = client({ fetch: async () => new Response('<html>Welcome to the hotel</html>') });
    expect(await page.send(createMessage(channel, { content: 'a' }))).toMatchObject({ is: 'failed' });
  });

  it('is what takes too long, but a file takes longer', async () => {
    const patient = client({ fetch: slow, timeoutMs: 100 });
    const file = { name: 'a', text: 'b' };
    expect(await patient.send(createMessage(channel, { content: 'a' }))).toMatchObject({ is: 'failed' });
    expect(await patient.send(createMessage(channel, { content: 'a' }, { file }))).toMatchObject({ is: 'ok' });
  });

  it('is a page of somebody in between', async () => {
    const page = client({ fetch: async () => new Response('<html>', { status: 502 }) });
    expect(await page.send(unarchive(channel))).toEqual({ is: 'failed', detail: 'Discord answered 502.' });
  });

  it('says why, but no token', async () => {
    const failing = client({
      botToken: 'secret-token',
      fetch: async (url) => await Promise.reject(new TypeError(`no route to ${url} for secret-token`)),
    });
    const outcome = await failing.send(followUp('1', 'interaction-token', { content: 'a' }));
    expect(outcome).toHaveProperty('detail', expect.stringContaining('no route to'));
    expect(JSON.stringify(outcome)).not.toMatch(/secret-token|interaction-token/);
  });
});
