import { ComponentType } from 'discord-api-types/v10';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Draft } from '../../../durable/discord/core/components.ts';
import { decodeCustomId } from '../../../durable/discord/core/custom-id.ts';
import {
  type Asked,
  closedMessage,
  openMessage,
  reminderMessage,
} from '../../../durable/discord/core/interaction-message.ts';
import { createMessage } from '../../../durable/discord/core/wire/requests.ts';
import { DiscordRest } from '../../../durable/discord/outbox/rest.ts';
import type { InteractionView, Question } from '../../../protocol/api/session/interaction.ts';
import type { Shown } from '../../support/discord/world.ts';
import { DiscordStandIn } from '../../support/discord/stand-in.ts';
import { asking, INTERACTION, named, permission, question, view } from '../../unit/durable/discord/core/view.ts';

let discord: DiscordStandIn;
let rest: DiscordRest;
beforeAll(async () => {
  discord = await DiscordStandIn.start();
  rest = new DiscordRest({ fetch, baseUrl: discord.baseUrl, botToken: discord.botToken });
});
afterAll(async () => await discord.stop());

/** As people see it, by Discord's rules. */
async function posted(
  body: Parameters<typeof createMessage>[1],
  file: ReturnType<typeof openMessage>['file'] = null,
): Promise<Shown> {
  const channel = discord.world.addChannel('agents');
  expect(await rest.send(createMessage(channel, body, { file }))).toMatchObject({ is: 'ok' });
  const [shown] = discord.messages(channel);
  if (shown === undefined) throw new Error('nothing was posted');
  return shown;
}
const asked = async (interaction: InteractionView, how: Asked = {}) => {
  const { body, file } = openMessage(interaction, how);
  return await posted(body, file);
};
const closed = async (interaction: InteractionView, by: Parameters<typeof closedMessage>[2] = null) =>
  await posted(closedMessage(interaction, {}, by));

const componentsIn = ({ components = [] }: Parameters<typeof createMessage>[1]) =>
  components.flatMap((row) => (row.type === ComponentType.ActionRow ? row.components : []));

describe('a question', () => {
  it('of few options has a button for each, and one for another answer', async () => {
    const { content, rows } = await asked(asking(question()));
    expect(rows).toEqual([['Red', 'Blue', 'Other…']]);
    expect(content).toBe(
      '❓ **A question**\nWhich colour?\n-# Until <t:1795350600:R>, then the agent goes on without.',
    );
  });

  it('of a program says nothing of an agent', async () => {
    const { content } = await asked(view({ session_id: INTERACTION }));
    expect(content).toBe('❓ **A question**\nWhich colour?\n-# Until <t:1795350600:R>, then nobody is asked any more.');
  });

  it('of five options has the other answer in a row of its own', async () => {
    expect((await asked(asking(question(named(5))))).rows).toEqual([named(5), ['Other…']]);
  });

  it.each([6, 25])('of %d options has a menu', async (count) => {
    expect((await asked(asking(question(named(count))))).rows).toEqual([[named(count)], ['Other…']]);
  });

  it('of which several may be chosen has a menu', async () => {
    const several = question(named(3), { multi_select: true, free_text: false });
    expect((await asked(asking(several))).rows).toEqual([[named(3)]]);
  });

  it('without options has a button to type into', async () => {
    expect((await asked(asking(question([])))).rows).toEqual([['Answer…']]);
  });

  it('whose options have descriptions, or are long, has them in its text', async () => {
    const options = [{ label: 'Red', description: 'as *blood*\nis' }, { label: `Blue${'e'.repeat(150)}` }];
    const { content, rows } = await asked(asking({ ...question(), options }));
    expect(content).toContain(`- **Red** — as *blood* is\n- **Blue${'e'.repeat(150)}**`);
    expect(rows).toEqual([['Red', `Blue${'e'.repeat(75)}…`, 'Other…']]);
  });

  it('whose labels are blank can be asked all the same', async () => {
    expect((await asked(asking(question([' ', '\n'], { free_text: false })))).rows).toEqual([['Option 1', 'Option 2']]);
  });

  it('that is long is cut, and whole in a file', async () => {
    const long = `Look:\n\`\`\`js\n${'call();\n'.repeat(900)}\`\`\``;
    const { content, files } = await asked(asking(question(['Yes'], { question: long })));
    expect(content).toMatch(/call\(\);\n```\n-# Cut here\. The whole of it is in the file\.\n-# Until/);
    expect(files).toEqual([{ name: 'question.md', text: long }]);
  });

  it('of the largest that there may be fits', async () => {
    const options = Array.from({ length: 25 }, (_, at) => ({
      label: `${at}${'🎈'.repeat(99)}`,
      description: '`*'.repeat(1000),
      preview: '`*'.repeat(4000),
    }));
    const most: Question = {
      question: '*'.repeat(8000),
      header: '🎈'.repeat(32),
      options,
      multi_select: true,
      free_text: true,
    };
    const shown = await asked(asking(...Array.from({ length: 8 }, () => most)));
    expect(shown.files[0]?.text.length).toBeGreaterThan(8 * 8000);
    await asked(asking(most));
    await asked(
      view({
        subject: { kind: 'question', questions: [most] },
        default: { kind: 'answers', answers: ['*'.repeat(32_768)] },
      }),
    );
  });

  it('calls nobody, whatever it says', async () => {
    const { called } = await asked(asking(question(['@everyone'], { question: '@everyone <@1> <@&2>' })), {
      mentions: ['1'],
    });
    expect(called).toEqual({ users: [], roles: [], everyone: false });
  });

  it('that is urgent calls whom it is to call, and nobody else', async () => {
    const urgent = view({
      priority: 'urgent',
      subject: { kind: 'question', questions: [question([], { question: '@here <@9>' })] },
    });
    const { content, called } = await asked(urgent, {
      mentions: ['1', '2'],
      about: 'fix *the* bug',
    });
    expect(content).toMatch(/^<@1> <@2> 🚨 ❓ \*\*A question\*\* · fix \\\*the\\\* bug\n/);
    expect(called).toEqual({ users: ['1', '2'], roles: [], everyone: false });
  });
});

describe('several questions', () => {
  const four = [
    question(['Red', 'Blue'], { header: 'Colour' }),
    question(named(3), { header: 'Size', multi_select: true }),
    question([], { question: 'Any wish?' }),
    question(['Yes', 'No'], { question: 'Sure?', free_text: false }),
  ];

  it('are a form of menus, with a button to send all', async () => {
    const { rows, content } = await asked(asking(...four));
    expect(rows).toEqual([
      [['Red', 'Blue']],
      [named(3)],
      [['Yes', 'No']],
      ['Other for 1…', 'Other for 2…', 'Answer 3…', '[Send answers]'],
    ]);
    expect(content).toContain('**4 questions**');
    expect(content).toContain('**3.** Any wish?');
  });

  it('show what has been chosen and typed, and can be sent when all are answered', async () => {
    const draft: Draft = ['Blue', ['Option 1', 'Option 3'], 'a *kitten*', 'Yes'];
    const { body } = openMessage(asking(...four), { draft });
    const chosen = componentsIn(body).flatMap((one) =>
      one.type === ComponentType.StringSelect
        ? one.options.filter((option) => option.default).map(({ label }) => label)
        : [],
    );
    expect(chosen).toEqual(['Blue', 'Option 1', 'Option 3', 'Yes']);
    const { rows, content } = await posted(body);
    expect(rows.at(-1)).toContain('Send answers');
    expect(content).toContain('✏️ **3.** a \\*kitten\\*');
  });

  it('of more than four are on pages of three', async () => {
    const eight = Array.from({ length: 8 }, (_, at) => question(['Red'], { question: `Question ${at + 1}?` }));
    const pages = await Promise.all([0, 1, 2].map(async (page) => await asked(asking(...eight), { page })));
    expect(pages.map(({ rows }) => rows.at(-1))).toEqual([
      ['Other for 1…', 'Other for 2…', 'Other for 3…', 'Next ›'],
      ['‹ Back', 'Other for 4…', 'Other for 5…', 'Other for 6…', 'Next ›'],
      ['‹ Back', 'Other for 7…', 'Other for 8…', '[Send answers]'],
    ]);
    expect(pages[1]?.content).toContain('Question 4?');
    expect(pages[1]?.content).toContain('-# Page 2 of 3');
    expect(pages[1]?.content).not.toContain('Question 7?');
  });
});

const previews = (...of: (string | undefined)[]) =>
  question([], { options: of.map((preview, at) => ({ label: `Look ${at + 1}`, ...(preview && { preview }) })) });

const headlineFor = async (agent: Extract<InteractionView['subject'], { kind: 'permission' }>['agent']) => {
  const subject = { kind: 'permission', tool_name: 'Bash', input: {}, can_allow_session: true } as const;
  const { content } = await asked(view({ subject: { ...subject, ...(agent !== undefined && { agent }) } }));
  return content.split('\n')[0];
};

describe('what the options of a question look like', () => {
  it('is a box below each that has one', async () => {
    const { content, rows } = await asked(asking(previews('<Button>\n  Save', '```ts\nsave();\n```', undefined)));
    expect(rows).toEqual([['Look 1', 'Look 2', 'Look 3', 'Other…']]);
    expect(content).toContain(
      'Which colour?\n- **Look 1**\n```\n<Button>\n  Save\n```\n- **Look 2**\n```ts\nsave();\n```\n- **Look 3**\n',
    );
  });

  it('cannot leave its box, nor hide anything in it', async () => {
    const { content } = await asked(asking(previews('a ``` b\n```\n@everyone \u202e')));
    expect(content.split('```')).toHaveLength(3);
    expect(content).toContain('\\u202e');
  });

  it('is cut where it is long, and whole in a file; on each page of several questions too', async () => {
    const long = 'line of code\n'.repeat(300);
    const one = await asked(asking(previews(long, 'short')));
    expect(one.content.match(/```/g)).toHaveLength(2);
    expect(one.content).toContain('-# Cut here.');
    expect(one.files).toMatchObject([{ name: 'question.md', text: expect.stringContaining('short') }]);
    const several = await asked(asking(previews(long), previews('brief')));
    expect(several.files[0]?.text).toContain('brief');
  });
});

describe('a permission', () => {
  it('of a subagent says which one asks, and what it is doing', async () => {
    expect(await headlineFor({ id: 'a1', type: 'Explore', description: 'find *it*' })).toBe(
      '🔐 **Permission** to use `Bash` for the subagent `Explore` (find \\*it\\*)',
    );
    expect(await headlineFor({ id: 'a1' })).toBe('🔐 **Permission** to use `Bash` for the subagent `a1`');
    for (const main of [null, undefined]) expect(await headlineFor(main)).toBe('🔐 **Permission** to use `Bash`');
  });

  it('shows the tool and what it is to do, with three buttons', async () => {
    const { content, rows } = await asked(permission({ command: 'rm -rf build\nnpm ci', timeout: 60 }));
    expect(rows).toEqual([['Allow', 'Allow for session', 'Deny']]);
    expect(content).toBe(
      '🔐 **Permission** to use `Bash`\n```\ncommand:\n  rm -rf build\n  npm ci\ntimeout: 60\n```\n-# Until <t:1795350600:R>, then the agent goes on without.',
    );
  });

  it('has no button for the session where that means nothing', async () => {
    const once = view({ subject: { kind: 'permission', tool_name: 'Bash', input: {}, can_allow_session: false } });
    expect((await asked(once)).rows).toEqual([['Allow', 'Deny']]);
  });

  it('says what happens when nobody decides', async () => {
    const { content } = await asked(permission({}, { default: { kind: 'decision', decision: 'deny', message: null } }));
    expect(content).toContain('then: denied.');
  });

  it('whose input is long is cut, and whole in a file', async () => {
    const command = `echo start\n${'echo more\n'.repeat(500)}rm -rf /`;
    const { content, files } = await asked(permission({ command }));
    expect(content).toContain('-# Cut here.');
    expect(files).toMatchObject([{ name: 'input.txt' }]);
    expect(files[0]?.text).toContain('rm -rf /');
  });

  it('of an input that nobody kept says so', async () => {
    expect((await asked(permission(null))).content).toContain('too long to show');
  });

  it('cannot leave its code block, nor pass a line for another field', async () => {
    const { content } = await asked(
      permission({ command: 'ls\n```\n**Harmless**\ndescription: nothing', description: 'x' }),
    );
    expect(content.match(/```/g)).toHaveLength(2);
    expect(content).toContain('\n  description: nothing\ndescription: x\n```');
  });

  it('has nothing unseen in it: what turns the text around is spelled out', async () => {
    const { content } = await asked(permission({ command: 'ls \u202etxt.exe\u200b \u0007' }));
    expect(content).toContain('command: ls \\u202etxt.exe\\u200b \\u0007');
  });
});

describe('once nobody is asked any more, the message has no buttons and says', () => {
  const answer = { kind: 'answers' as const, answers: ['Blue'] };

  it.each<[string, InteractionView, Parameters<typeof closedMessage>[2], string]>([
    [
      'who answered on Discord, and what',
      view({ state: 'resolved', resolution: answer }),
      { discord_user_id: '42' },
      '✅ Answered by <@42>: **Blue**',
    ],
    [
      'who answered elsewhere',
      view({ state: 'resolved', resolution: answer, resolved_by: 'alice_b' }),
      null,
      '✅ Answered by **alice\\_b**: **Blue**',
    ],
    [
      'all answers',
      view({ state: 'resolved', resolution: { kind: 'answers', answers: ['Blue', ['S', 'M']] }, resolved_by: 'a' }),
      null,
      '**1. Blue · 2. S, M**',
    ],
    [
      'that it was allowed',
      permission({}, { state: 'resolved', resolution: { kind: 'decision', decision: 'allow', message: null } }),
      { name: 'bob' },
      '✅ **Allowed** by **bob**',
    ],
    [
      'that it was allowed for the session',
      permission({}, { state: 'resolved', resolution: { kind: 'decision', decision: 'allow_session', message: null } }),
      { name: 'bob' },
      '✅ **Allowed for the session** by **bob**',
    ],
    [
      'that it was denied, and why',
      permission({}, { state: 'resolved', resolution: { kind: 'decision', decision: 'deny', message: 'not *now*' } }),
      { name: 'bob' },
      '⛔ **Denied** by **bob**: not \\*now\\*',
    ],
    ['that it expired', view({ state: 'expired' }), null, '⌛ **Expired**: nobody answered in time.'],
    [
      'that its default was taken',
      view({ state: 'expired', resolution: answer }),
      null,
      'so the default holds: **Blue**',
    ],
    [
      'that it was withdrawn',
      view({ state: 'withdrawn' }),
      null,
      '✖️ **Withdrawn**: the agent no longer waits for it.',
    ],
  ])('%s', async (_what, interaction, by, line) => {
    const { content, rows, called } = await closed(interaction, by);
    expect(rows).toEqual([]);
    expect(content.endsWith(line)).toBe(true);
    expect(called).toEqual({ users: [], roles: [], everyone: false });
  });

  it('what was asked, within the limits, however long all of it is', async () => {
    const long = asking(question(named(5), { question: 'x'.repeat(8000) }));
    const resolution = { kind: 'answers' as const, answers: ['*'.repeat(32_768)] };
    expect((await closed({ ...long, state: 'resolved', resolution }, { name: '_'.repeat(256) })).content).toContain(
      'xxx',
    );
  });
});

it('a reminder stands below the message that asks, and calls whom that called', async () => {
  const channel = discord.world.addChannel('agents');
  const interaction = view({ priority: 'urgent' });
  await rest.send(createMessage(channel, openMessage(interaction).body));
  const [{ id } = { id: '' }] = discord.messages(channel);
  const remind = (below: string) =>
    rest.send(createMessage(channel, reminderMessage(interaction, { id: below, attempt: 2, of: 3 }, ['7'])));
  expect(await remind(id)).toMatchObject({ is: 'ok' });
  expect(discord.messages(channel)[1]).toMatchObject({
    content: expect.stringContaining('<@7> ⏰ This still waits for an answer (reminder 2 of 3), until <t:'),
    called: { users: ['7'] },
  });
  // Of a message that was deleted there is nothing to remind of.
  expect(await remind('123')).toMatchObject({ is: 'refused', status: 400 });
});

it('every component’s id is ours', () => {
  const { body } = openMessage(asking(question(named(5))));
  const ids = componentsIn(body).flatMap((one) => ('custom_id' in one ? [decodeCustomId(one.custom_id)] : []));
  expect(ids).toHaveLength(6);
  expect(ids).not.toContain(null);
});
