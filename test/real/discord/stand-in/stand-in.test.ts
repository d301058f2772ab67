import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { botHeaders, botOf, button, rows, type BotCall } from '../../../support/discord/bot.ts';
import { DiscordStandIn } from '../../../support/discord/stand-in.ts';

let now: number;
let discord: DiscordStandIn;
let channel: string;
let call: BotCall;

beforeEach(async () => {
  now = Date.parse('2026-11-22T12:00:00Z');
  discord = await DiscordStandIn.start({ now: () => now });
  channel = discord.world.addChannel('agents');
  call = botOf(discord);
});
afterEach(async () => await discord.stop());

const post = async (body: unknown) => await call('POST', `/channels/${channel}/messages`, body);
/** `/claude` with such options. */
const register = async (options: object[], rest: object = {}) =>
  await call('PUT', `/applications/${discord.applicationId}/commands`, [
    { name: 'claude', description: 'a', options, ...rest },
  ]);
const parameter = (rest: object = {}) => ({ type: 3, name: 'text', description: 'a', ...rest });
const subcommand = (options: object[], rest: object = {}) => ({
  type: 1,
  name: 'sub',
  description: 'a',
  options,
  ...rest,
});

describe('a message', () => {
  it('is shown as people see it', async () => {
    const { status, json } = await post({
      content: ' Hello ',
      components: rows([button('Yes'), { ...button('No'), disabled: true }]),
    });
    expect(status).toBe(200);
    expect(discord.messages(channel)).toMatchObject([
      { id: json.id, author: 'claude', content: 'Hello', rows: [['Yes', '[No]']], thread: null, edited: false },
    ]);
  });

  it.each([
    ['2,001 characters', { content: 'a'.repeat(2001) }],
    ['six rows', { components: rows(...Array.from({ length: 6 }, (_, at) => [button(`${at}`)])) }],
    ['six buttons in a row', { components: rows(Array.from({ length: 6 }, (_, at) => button(`${at}`))) }],
    [
      'a button and a menu in a row',
      { components: rows([button('a'), { type: 3, custom_id: 'b', options: [{ label: 'a', value: 'a' }] }]) },
    ],
    ['a custom_id of 101 characters', { components: rows([button('a', 'x'.repeat(101))]) }],
    ['a custom_id twice', { components: rows([button('a', 'x')], [button('b', 'x')]) }],
    ['a label of 81 characters', { components: rows([button('a'.repeat(81))]) }],
    ['a label of nothing', { components: rows([button(' ', 'x')]) }],
    [
      '26 options',
      {
        components: rows([
          {
            type: 3,
            custom_id: 'a',
            options: Array.from({ length: 26 }, (_, at) => ({ label: `${at}`, value: `${at}` })),
          },
        ]),
      },
    ],
    [
      'an option’s description of 101 characters',
      {
        components: rows([
          { type: 3, custom_id: 'a', options: [{ label: 'a', value: 'a', description: 'a'.repeat(101) }] },
        ]),
      },
    ],
    ['a nonce of 26 characters', { content: 'a', nonce: 'a'.repeat(26) }],
    ['users to be called by list and by text', { content: 'a', allowed_mentions: { parse: ['users'], users: ['1'] } }],
    ['a user to be called twice', { content: 'a', allowed_mentions: { users: ['1', '1'] } }],
    ['a flag that only answers have', { content: 'a', flags: 64 }],
    [
      'a menu of which more has to be chosen than may be',
      { components: rows([{ type: 3, custom_id: 'a', min_values: 2, options: [{ label: 'a', value: 'a' }] }]) },
    ],
    ['a file that was not sent with it', { content: 'a', attachments: [{ id: 0, filename: 'a.txt' }] }],
  ])('with %s is refused', async (_what, body) => {
    const { status, json } = await post(body);
    expect({ status, code: json.code }).toEqual({ status: 400, code: 50035 });
    expect(discord.messages(channel)).toEqual([]);
  });

  it('names what is wrong with it as Discord does', async () => {
    const { json } = await post({ content: 'a'.repeat(2001) });
    expect(json.errors).toEqual({
      content: { _errors: [{ code: 'BASE_TYPE_MAX_LENGTH', message: 'Must be 2000 or fewer in length.' }] },
    });
  });

  it('is measured in code points', async () => {
    expect((await post({ content: '🎈'.repeat(2000) })).status).toBe(200);
  });

  it.each([{}, { content: '' }, { content: ' \n' }])('of nothing is refused: %j', async (body) => {
    expect((await post(body)).json.code).toBe(50006);
  });

  it('calls those whom its text and its allowed_mentions name, and without them all', async () => {
    const content = '@everyone <@1> <@2> <@&3>';
    await post({ content, allowed_mentions: { parse: [] } });
    await post({ content, allowed_mentions: { parse: [], users: ['1', '9'] } });
    await post({ content });
    expect(discord.messages(channel).map(({ called }) => called)).toEqual([
      { users: [], roles: [], everyone: false },
      { users: ['1'], roles: [], everyone: false },
      { users: ['1', '2'], roles: ['3'], everyone: true },
    ]);
  });

  it('with the nonce of another is that other one', async () => {
    const one = await post({ content: 'a', nonce: 'n', enforce_nonce: true });
    const two = await post({ content: 'a', nonce: 'n', enforce_nonce: true });
    expect(two.json.id).toBe(one.json.id);
    expect(discord.messages(channel)).toHaveLength(1);
  });

  it('is edited, and removed', async () => {
    const { json } = await post({ content: 'a', components: rows([button('a')]) });
    expect(
      (await call('PATCH', `/channels/${channel}/messages/${json.id}`, { content: 'b', components: [] })).status,
    ).toBe(200);
    expect(discord.messages(channel)).toMatchObject([{ content: 'b', rows: [], edited: true }]);
    expect((await call('DELETE', `/channels/${channel}/messages/${json.id}`)).status).toBe(204);
    const gone = await call('PATCH', `/channels/${channel}/messages/${json.id}`, { content: 'c' });
    expect({ status: gone.status, code: gone.json.code }).toEqual({ status: 404, code: 10008 });
  });

  it('to a deleted channel is refused', async () => {
    discord.world.deleteChannel(channel);
    const { status, json } = await post({ content: 'a' });
    expect({ status, code: json.code }).toEqual({ status: 404, code: 10003 });
  });

  it('takes the bot’s token', async () => {
    const { status } = await call(
      'POST',
      `/channels/${channel}/messages`,
      { content: 'a' },
      { authorization: 'Bot other' },
    );
    expect(status).toBe(401);
  });

  it('has files, which an edit leaves there unless it names others', async () => {
    const form = new FormData();
    form.set('payload_json', JSON.stringify({ content: 'see' }));
    form.set('files[0]', new Blob(['all of it']), 'result.md');
    const headers = botHeaders(discord);
    const path = `/channels/${channel}/messages`;
    const posted = await fetch(discord.baseUrl + path, { method: 'POST', headers, body: form });
    const { id } = (await posted.json()) as { id: string };
    const files = [{ name: 'result.md', text: 'all of it' }];
    expect(discord.messages(channel)).toMatchObject([{ content: 'see', files }]);
    await call('PATCH', `${path}/${id}`, { content: 'still' });
    expect(discord.messages(channel)).toMatchObject([{ content: 'still', files }]);
    form.set('payload_json', JSON.stringify({ attachments: [{ id: 0, filename: 'other.md' }] }));
    form.set('files[0]', new Blob(['another']), 'other.md');
    await fetch(`${discord.baseUrl}${path}/${id}`, { method: 'PATCH', headers, body: form });
    expect(discord.messages(channel)).toMatchObject([{ content: 'still', files: [{ name: 'other.md' }] }]);
  });

  it('that is not JSON is refused', async () => {
    const headers = { ...botHeaders(discord), 'content-type': 'application/json' };
    const path = `/channels/${channel}/messages`;
    const response = await fetch(discord.baseUrl + path, { method: 'POST', headers, body: '{' });
    expect({ status: response.status, body: await response.json() }).toMatchObject({
      status: 400,
      body: { code: 50109 },
    });
  });
});

describe('a thread', () => {
  it('hangs on its message, by its id, and once', async () => {
    const { json } = await post({ content: 'a' });
    const path = `/channels/${channel}/messages/${json.id}/threads`;
    const thread = await call('POST', path, { name: 'work' });
    expect(thread.json).toMatchObject({ id: json.id, parent_id: channel, name: 'work' });
    expect(discord.messages(channel)).toMatchObject([{ thread: json.id }]);
    expect((await call('POST', path, { name: 'work' })).json.code).toBe(160004);
    await call('POST', `/channels/${json.id}/messages`, { content: 'inside' });
    expect(discord.messages(json.id)).toMatchObject([{ content: 'inside' }]);
  });

  it('stands alone, and in an archived one nothing is edited until something is said', async () => {
    const { json } = await call('POST', `/channels/${channel}/threads`, { name: 'work', type: 11 });
    const said = await call('POST', `/channels/${json.id}/messages`, { content: 'a' });
    discord.world.archive(json.id);
    const path = `/channels/${json.id}/messages/${said.json.id}`;
    expect((await call('PATCH', path, { content: 'b' })).json.code).toBe(50083);
    await call('POST', `/channels/${json.id}/messages`, { content: 'c' });
    expect((await call('PATCH', path, { content: 'b' })).status).toBe(200);
  });
});

describe('a channel', () => {
  it('that is deleted takes its threads along', async () => {
    const { json } = await call('POST', `/channels/${channel}/threads`, { name: 'work', type: 11 });
    discord.world.deleteChannel(channel);
    expect((await call('POST', `/channels/${json.id}/messages`, { content: 'a' })).json.code).toBe(10003);
  });

  it('is not the bot’s to change: it may open a thread again, and that is all', async () => {
    const { json } = await call('POST', `/channels/${channel}/threads`, { name: 'work', type: 11 });
    discord.world.archive(json.id);
    expect((await call('PATCH', `/channels/${json.id}`, { archived: false })).status).toBe(200);
    expect((await call('PATCH', `/channels/${channel}`, { archived: false })).json.code).toBe(50013);
  });
});

describe('commands', () => {
  it('are registered', async () => {
    expect(
      (await register([subcommand([parameter({ required: true, max_length: 6000 })])], { contexts: [0] })).status,
    ).toBe(200);
  });

  it.each<[string, object[], object?]>([
    ['a name in capitals', [], { name: 'Claude' }],
    ['a description of 101 characters', [], { description: 'a'.repeat(101) }],
    ['26 options', Array.from({ length: 26 }, (_, at) => parameter({ name: `${at}` }))],
    ['an option twice', [parameter(), parameter()]],
    [
      'one that is required behind one that is not',
      [subcommand([parameter(), parameter({ name: 'b', required: true })])],
    ],
    ['a subcommand beside a parameter', [subcommand([]), parameter()]],
    ['a subcommand in a subcommand', [subcommand([subcommand([])])]],
    ['a parameter in a parameter', [parameter({ options: [parameter()] })]],
    ['a subcommand that is required', [subcommand([], { required: true })]],
    ['a length of 6,001', [parameter({ max_length: 6001 })]],
    ['a length of a number', [parameter({ type: 4, max_length: 10 })]],
    ['choices for a yes or no', [parameter({ type: 5, choices: [{ name: 'a', value: 'a' }] })]],
    ['choices and autocomplete', [parameter({ choices: [{ name: 'a', value: 'a' }], autocomplete: true })]],
    ['a context that there is not', [], { contexts: [3] }],
    [
      'more than 8,000 characters',
      Array.from({ length: 4 }, (_, at) =>
        parameter({
          name: `${at}`,
          choices: Array.from({ length: 25 }, (_, n) => ({ name: `${n}`, value: `${n}`.padEnd(90) })),
        }),
      ),
    ],
  ])('with %s are refused', async (_what, options, rest) => {
    const { status, json } = await register(options, rest);
    expect({ status, code: json.code }).toEqual({ status: 400, code: 50035 });
  });

  it('of another application are not the bot’s', async () => {
    const { status, json } = await call('PUT', '/applications/123/commands', []);
    expect({ status, code: json.code }).toEqual({ status: 403, code: 20012 });
  });
});

describe('limits', () => {
  const ROUTE = 'POST /channels/:id/messages';

  it('are said with each answer, kept for each channel, and over when their window is', async () => {
    discord.buckets.allow(ROUTE, { limit: 2, windowMs: 5000 });
    const first = await post({ content: '1' });
    expect(first.headers.get('x-ratelimit-remaining')).toBe('1');
    expect(first.headers.get('x-ratelimit-reset-after')).toBe('5');
    await post({ content: '2' });
    now += 1500;
    const third = await post({ content: '3' });
    expect(third.status).toBe(429);
    expect(third.json).toEqual({ message: 'You are being rate limited.', retry_after: 3.5, global: false });
    expect(third.headers.get('retry-after')).toBe('4');
    expect(third.headers.get('x-ratelimit-scope')).toBe('user');
    const other = discord.world.addChannel('other');
    expect((await call('POST', `/channels/${other}/messages`, { content: '1' })).status).toBe(200);
    now += 3500;
    expect((await post({ content: '3' })).status).toBe(200);
  });

  it('of the whole bot are said to be so', async () => {
    discord.buckets.allow('global', { limit: 1, windowMs: 1000 });
    await post({ content: '1' });
    const { status, headers, json } = await post({ content: '2' });
    expect({ status, scope: headers.get('x-ratelimit-scope'), global: json.global }).toEqual({
      status: 429,
      scope: 'global',
      global: true,
    });
  });

  it('of a resource are shared', async () => {
    discord.buckets.refuseShared(ROUTE, 60_000);
    const { headers, json } = await post({ content: '1' });
    expect({ scope: headers.get('x-ratelimit-scope'), after: json.retry_after }).toEqual({
      scope: 'shared',
      after: 60,
    });
  });
});

describe('out of order', () => {
  it.each([
    ['unavailable', 503],
    ['banned', 429],
  ] as const)('it is %s: %d', async (fault, status) => {
    discord.fault = fault;
    const response = await fetch(`${discord.baseUrl}/channels/${channel}`);
    expect(response.status).toBe(status);
  });

  it('it does what it is asked, but its answer is lost', async () => {
    discord.fault = 'lost';
    await expect(post({ content: 'a' })).rejects.toThrow('fetch failed');
    expect(discord.messages(channel)).toMatchObject([{ content: 'a' }]);
  });
});
