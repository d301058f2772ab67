import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sessionChoices } from '../../../durable/discord/core/choices.ts';
import { DISCORD_COMMANDS, focusedOption, readCommand } from '../../../durable/discord/core/commands.ts';
import { putCommands } from '../../../durable/discord/core/wire/requests.ts';
import { DiscordRest } from '../../../durable/discord/outbox/rest.ts';
import { discordInteraction } from '../../../protocol/api/discord.ts';
import { commandsBody } from '../../support/discord/rules.ts';
import { DiscordStandIn } from '../../support/discord/stand-in.ts';
import type { Reply } from '../../support/discord/person.ts';
import { SESSION } from '../../unit/durable/discord/core/view.ts';

let discord: DiscordStandIn;
let channel: string;
beforeAll(async () => {
  discord = await DiscordStandIn.start();
  channel = discord.world.addChannel('agents');
});
afterAll(async () => await discord.stop());

/** What Discord would post, as we read it; nobody is there to take it. */
function posted({ sent }: Reply) {
  return discordInteraction.parse(JSON.parse(new TextDecoder().decode(sent.body)));
}
const person = () => discord.person('http://127.0.0.1:9/', 'alice', ['77']);

describe('the commands', () => {
  it('are taken by Discord, each with its options', async () => {
    const rest = new DiscordRest({ fetch, baseUrl: discord.baseUrl, botToken: discord.botToken });
    expect(await rest.send(putCommands(discord.applicationId, null, DISCORD_COMMANDS))).toMatchObject({ is: 'ok' });
    const [claude] = discord.commands.get('global') ?? [];
    expect(claude?.options?.map(({ name }) => name)).toEqual([
      'start',
      'say',
      'status',
      'list',
      'set',
      'interrupt',
      'stop',
      'tree',
      'link',
    ]);
  });

  it('complete the session wherever one is named', () => {
    const [claude] = commandsBody.parse(DISCORD_COMMANDS);
    const options = (claude?.options ?? []).flatMap((subcommand) => subcommand.options ?? []);
    const sessions = options.filter(({ name }) => name === 'session');
    expect(sessions).toHaveLength(6);
    expect(sessions.every((option) => option.autocomplete === true)).toBe(true);
  });
});

describe('a command that somebody gives', () => {
  it.each([
    ['start', { prompt: 'fix it', model: 'opus-4' }],
    ['start', { prompt: 'fix it', workspace: 'site', on_rate_limit: 'wait' }],
    ['set', { model: 'haiku-4', mode: 'ask', title: 'Harbour' }],
    ['set', { mode: 'plan', session: SESSION }],
    ['set', {}],
    ['say', { prompt: 'and test it', session: SESSION }],
    ['say', { prompt: 'and test it' }],
    ['status', {}],
    ['list', {}],
    ['interrupt', { session: SESSION }],
    ['stop', {}],
    ['tree', {}],
    ['link', { code: 'ABCD-1234' }],
  ])('is read: /claude %s %j', async (name, options) => {
    const interaction = posted(await person().command(channel, name, options));
    if (interaction.type !== 2) throw new Error('not a command');
    expect(readCommand(interaction)).toEqual({ name, options });
    expect(interaction.member?.user.username).toBe('alice');
    expect(interaction.member?.roles).toEqual(['77']);
  });

  it.each([
    ['destroy', {}],
    ['start', {}],
    ['start', { prompt: '' }],
    ['link', {}],
  ])('is none of ours: /claude %s %j', async (name, options) => {
    const interaction = posted(await person().command(channel, name, options));
    if (interaction.type !== 2) throw new Error('not a command');
    expect(readCommand(interaction)).toBeNull();
  });

  it('in a thread says of which channel that is', async () => {
    const thread = discord.world.addChannel('work', channel);
    expect(posted(await person().command(thread, 'status'))).toMatchObject({
      channel_id: thread,
      channel: { parent_id: channel },
    });
  });
});

describe('autocomplete', () => {
  it('says what is being typed', async () => {
    const interaction = posted(await person().type(channel, 'say', 'session', 'fi', { prompt: 'hello' }));
    if (interaction.type !== 4) throw new Error('not autocomplete');
    expect(focusedOption(interaction)).toEqual({ option: 'session', typed: 'fi' });
  });

  const sessions = Array.from({ length: 40 }, (_, at) => ({
    session_id: `019ac1de-0000-7000-8000-0000000000${String(at + 10)}`,
    status: 'idle',
    title: at === 7 ? `Fix\nthe ${'bug '.repeat(60)}` : `Work ${at}`,
  }));

  it('offers at most 25', () => {
    expect(sessionChoices(sessions, '')).toHaveLength(25);
  });

  it('offers what fits, in one line of at most 100 characters', () => {
    const [only, ...others] = sessionChoices(sessions, ' fix ');
    expect(others).toEqual([]);
    expect(only?.value).toBe(sessions[7]?.session_id);
    expect(only?.name).toMatch(/^idle · Fix the bug .*…$/);
    expect(only?.name.length).toBeLessThanOrEqual(100);
  });

  it('offers whole Unicode, though a title is cut within a character', () => {
    const [choice] = sessionChoices([{ session_id: SESSION, status: 'idle', title: 'Half \ud83d' }], '');
    expect(choice?.name.isWellFormed()).toBe(true);
  });

  it('knows a session by how its id begins', () => {
    expect(sessionChoices(sessions, '019ac1de-0000-7000-8000-000000000012').map(({ name }) => name)).toEqual([
      'idle · Work 2',
    ]);
  });
});
