import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { InteractionType } from 'discord-api-types/v10';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { botOf, button, rows, type BotCall } from '../../../support/discord/bot.ts';
import type { Person, Reply } from '../../../support/discord/person.ts';
import { DiscordStandIn } from '../../../support/discord/stand-in.ts';
import { atMost } from '../../../support/patience.ts';

let now: number;
let discord: DiscordStandIn;
let channel: string;
let call: BotCall;
let service: Server;
/** What the service answers with; null: it never does. */
let answer: ((interaction: { type: number; data?: { custom_id?: string } }) => object | null) | null;
let person: Person;

beforeEach(async () => {
  now = Date.parse('2026-11-22T12:00:00Z');
  discord = await DiscordStandIn.start({ now: () => now, answerMs: atMost(1) });
  channel = discord.world.addChannel('agents');
  call = botOf(discord);
  service = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = answer?.(JSON.parse(Buffer.concat(chunks).toString()));
      if (body) response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  const { port } = service.address() as AddressInfo;
  person = discord.person(`http://127.0.0.1:${port}/`, 'alice', ['77']);
});
afterEach(async () => {
  service.closeAllConnections();
  service.close();
  await discord.stop();
});

const post = async (body: unknown) => await call('POST', `/channels/${channel}/messages`, body);
const said = (content: string, flags?: number) => ({
  type: 4,
  data: { content, ...(flags === undefined ? {} : { flags }) },
});
const faultOf = ({ fault }: Reply) => fault;
/** A command that no service has been told of. */
const begun = () => {
  const user = { id: '1', username: 'a', discriminator: '0', global_name: null, avatar: null };
  return discord.interactions.begin(InteractionType.ApplicationCommand, user, channel, null);
};
const webhook = (token: string, rest = '') => `/webhooks/${discord.applicationId}/${token}${rest}`;

describe('an interaction', () => {
  it('is answered with a message', async () => {
    answer = () => said('Hello');
    const reply = await person.command(channel, 'list');
    expect(reply).toMatchObject({ fault: null, status: 200 });
    expect(reply.message()).toMatchObject({ content: 'Hello', seenBy: null });
  });

  it('is answered for the asker alone', async () => {
    answer = () => said('Hello', 64);
    expect((await person.command(channel, 'list')).message()).toMatchObject({ seenBy: person.id });
  });

  it('that nobody answers in time has failed, and its token is worth nothing', async () => {
    answer = null;
    const reply = await person.command(channel, 'list');
    expect(faultOf(reply)).toMatch(/^no answer/);
    const late = await call('POST', webhook(reply.interaction.token), { content: 'late' }, { authorization: '' });
    expect(late.json.code).toBe(10015);
  });

  it('is answered later: it is thinking until then, and has follow-ups for 15 minutes', async () => {
    answer = () => ({ type: 5 });
    const reply = await person.command(channel, 'status');
    const { token } = reply.interaction;
    expect(reply.message()).toMatchObject({ isLoading: true });
    expect(
      (await call('PATCH', webhook(token, '/messages/@original'), { content: 'There' }, { authorization: '' })).status,
    ).toBe(200);
    expect(reply.message()).toMatchObject({ isLoading: false, content: 'There', edited: false });
    expect((await call('GET', webhook(token, '/messages/@original'))).json.content).toBe('There');
    expect((await call('POST', webhook(token), { content: 'And more' })).status).toBe(200);
    expect(discord.messages(channel).map(({ content }) => content)).toEqual(['There', 'And more']);
    now += 15 * 60_000;
    const late = await call('POST', webhook(token), { content: 'late' });
    expect({ status: late.status, code: late.json.code }).toEqual({ status: 401, code: 50027 });
  });

  it('that is answered later says who is to see that, and no more', async () => {
    answer = () => ({ type: 5, data: { flags: 64 } });
    expect(faultOf(await person.command(channel, 'status'))).toBeNull();
    answer = () => ({ type: 5, data: { flags: 4 } });
    expect(faultOf(await person.command(channel, 'status'))).toContain('50035');
  });

  it('has no @original before its answer', async () => {
    const { token } = begun();
    const early = (await call('PATCH', webhook(token, '/messages/@original'), { content: 'x' })).json.code;
    expect(early).toBe(10015);
  });

  it('is answered by its callback, once', async () => {
    const { id, token } = begun();
    const path = `/interactions/${id}/${token}/callback`;
    expect((await call('POST', path, said('Hello'))).status).toBe(204);
    expect((await call('POST', path, said('Hello'))).json.code).toBe(40060);
  });

  it('of a button changes its message', async () => {
    const { json } = await post({
      content: 'Which?',
      components: rows([button('Red', 'red'), button('Blue', 'blue')]),
    });
    answer = ({ data }) => ({ type: 7, data: { content: `You chose ${data?.custom_id}`, components: [] } });
    expect(faultOf(await person.press(channel, json.id, 'Blue'))).toBeNull();
    expect(discord.messages(channel)).toMatchObject([{ content: 'You chose blue', rows: [] }]);
    await expect(person.press(channel, json.id, 'Blue')).rejects.toThrow('no button');
  });

  it('of a menu says what was chosen', async () => {
    const options = ['a', 'b', 'c'].map((value) => ({ label: value.toUpperCase(), value }));
    const { json } = await post({ components: rows([{ type: 3, custom_id: 'menu', options, max_values: 2 }]) });
    let came: unknown;
    answer = (interaction) => {
      came = interaction.data;
      return { type: 6 };
    };
    expect(faultOf(await person.choose(channel, json.id, ['A', 'C']))).toBeNull();
    expect(came).toEqual({ custom_id: 'menu', component_type: 3, values: ['a', 'c'] });
    await expect(person.choose(channel, json.id, ['A', 'B', 'C'])).rejects.toThrow('does not let');
  });

  it('opens a modal, which is filled in', async () => {
    const { json } = await post({ content: 'Why?', components: rows([button('Say')]) });
    const input = { type: 4, custom_id: 'why', style: 2, max_length: 10 };
    const modal = { custom_id: 'modal', title: 'Why?', components: [{ type: 18, label: 'Why', component: input }] };
    answer = ({ type }) => (type === 3 ? { type: 9, data: modal } : { type: 7, data: { content: 'Noted' } });
    const opened = await person.press(channel, json.id, 'Say');
    expect(opened.modal?.title).toBe('Why?');
    await expect(person.submit(opened, 'too long a text')).rejects.toThrow('does not take');
    expect(faultOf(await person.submit(opened, 'because'))).toBeNull();
    expect(discord.messages(channel)).toMatchObject([{ content: 'Noted' }]);
  });

  it('of a modal opens no other', async () => {
    const { json } = await post({ content: 'Why?', components: rows([button('Say')]) });
    const input = { type: 4, custom_id: 'why', style: 2 };
    const data = { custom_id: 'modal', title: 'Why?', components: [{ type: 18, label: 'Why', component: input }] };
    answer = () => ({ type: 9, data });
    const again = await person.submit(await person.press(channel, json.id, 'Say'), 'because');
    expect(faultOf(again)).toContain('50035');
  });

  it('of autocomplete takes choices, at most 25', async () => {
    answer = () => ({ type: 8, data: { choices: [{ name: 'One', value: '1' }] } });
    expect((await person.type(channel, 'say', 'session', 'o')).choices).toEqual([{ name: 'One', value: '1' }]);
    const choices = Array.from({ length: 26 }, (_, at) => ({ name: `${at}`, value: `${at}` }));
    answer = () => ({ type: 8, data: { choices } });
    expect(faultOf(await person.type(channel, 'say', 'session', 'o'))).toContain('50035');
  });

  it('is answered within Discord’s rules', async () => {
    answer = () => said('a'.repeat(2001));
    expect(faultOf(await person.command(channel, 'list'))).toContain('BASE_TYPE_MAX_LENGTH');
    answer = () => ({ type: 7, data: { content: 'no component' } });
    expect(faultOf(await person.command(channel, 'list'))).toContain('Only for components');
  });

  it('of Discord’s own check is a ping', async () => {
    answer = ({ type }) => ({ type });
    expect(await person.ping()).toEqual({ status: 200, body: { type: 1 } });
  });
});
