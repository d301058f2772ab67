import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Person } from '../../support/discord/person.ts';
import { DiscordStandIn } from '../../support/discord/stand-in.ts';
import type { Shown } from '../../support/discord/world.ts';
import { script, type Client } from '../../support/e2e/client.ts';
import { Service } from '../../support/e2e/service.ts';
import { until } from '../../support/until.ts';

const ASK = 'mcp__cc-docker__ask_user';
const NOTIFY = 'mcp__cc-docker__notify_user';
const said = { text: 'It said: {{last_tool_result}}' };
const bash = (command: string) => ({ tool: 'Bash', input: { command } });
const NOBODY = { users: [], roles: [], everyone: false };
const COLOURS = [
  { label: 'teal', description: 'like the sea' },
  { label: 'rust', description: 'like a ship' },
];
const SIZES = ['small', 'medium', 'large'].map((label) => ({ label, description: `${label}, as it says` }));

let discord: DiscordStandIn;
let channel: string;
let service: Service;
/** On Discord, and as a program. */
let ada: Person;
let alice: Client;

beforeAll(async () => {
  discord = await DiscordStandIn.start();
  channel = discord.world.addChannel('agents');
  service = await Service.start({ backend: 'process', vars: discord.settings(channel) });
  alice = await service.client('alice');
  ada = person('ada');
  await link(ada, alice);
});
afterEach(async () => await alice?.deleteSessions());
afterAll(async () => {
  await service?.stop();
  await discord?.stop();
});

const person = (name: string) => discord.person(`${service.url}/api/v1/discord/interactions`, name);

/** Makes somebody's account that of whose token it is. */
async function link(who: Person, client: Client): Promise<void> {
  const { status, body } = await client.call('POST', '/discord/link');
  expect(status).toBe(201);
  const reply = await who.command(channel, 'link', { code: body.code });
  expect(reply).toMatchObject({ fault: null });
  expect(reply.message()).toMatchObject({ seenBy: who.id });
}

/** The newest message there that fits, once there is one. */
const message = (place: string, fits: (shown: Shown) => boolean): Promise<Shown> =>
  until(() => {
    const found = discord.messages(place).findLast(fits);
    if (found === undefined)
      throw new Error(`no such message; there are: ${JSON.stringify(discord.messages(place), null, 1)}`);
    return found;
  });
const saying = (text: string) => (shown: Shown) => shown.content.includes(text);
const asking = (text: string) => (shown: Shown) => saying(text)(shown) && shown.rows.length > 0;

const ended = (id: string, sent: string) =>
  until(async () => {
    const view = await alice.message(id, sent);
    expect(view.finished_at).not.toBeNull();
    return view;
  });

/** `/claude start`: the session, and its thread. */
async function start(prompt: string): Promise<{ id: string; thread: string }> {
  const before = new Set(discord.world.threads().map(({ id }) => id));
  const reply = await ada.command(channel, 'start', { prompt });
  expect(reply.fault).toBeNull();
  const thread = await until(() => {
    const found = discord.world.threads().find((one) => !before.has(one.id));
    if (found === undefined) throw new Error(`no thread: ${JSON.stringify(reply.message())}`);
    return found;
  });
  const id = await until(() => {
    const [found] = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(reply.message()?.content ?? '') ?? [];
    if (found === undefined) throw new Error(`no session: ${JSON.stringify(reply.message())}`);
    return found;
  });
  expect(thread.parent).toBe(channel);
  return { id, thread: thread.id };
}

test('from /claude start to a button, and on to the result in the thread', async () => {
  const stranger = await person('mallory').command(channel, 'start', { prompt: 'Hello' });
  expect(stranger.message()?.content).toContain('/claude link');
  const ask = { tool: ASK, input: { question: 'Which harbour?', options: ['Rotterdam', 'Antwerp'] } };
  const steps = [{ text: 'I will look. ' }, bash('echo salt > sea.txt && sleep 3'), { text: 'Now I ask. ' }, ask, said];
  const { id, thread } = await start(script(...steps));
  const progress = await message(thread, saying('sleep 3'));
  const asked = await message(thread, asking('Which harbour?'));
  expect(asked).toMatchObject({ rows: [['Rotterdam', 'Antwerp', 'Other…']], called: NOBODY });
  expect(await ada.press(thread, asked.id, 'Rotterdam')).toMatchObject({ fault: null });
  const answered = await message(thread, ({ id }) => id === asked.id);
  expect(answered).toMatchObject({ rows: [], content: expect.stringContaining(`by <@${ada.id}>: **Rotterdam**`) });
  await message(thread, saying('It said: Rotterdam'));
  await message(thread, (shown) => shown.id === progress.id && saying('✅ done')(shown));
  // Before it there was only what it did, in one message.
  expect(
    discord
      .messages(thread)
      .map(({ id }) => id)
      .slice(0, 2),
  ).toEqual([progress.id, asked.id]);
  const edits = discord.requests.filter(({ method, path }) => method === 'PATCH' && path.endsWith(progress.id));
  expect(edits.length).toBeGreaterThan(1);
  expect(await readFile(service.workspace(id, 'sea.txt'), 'utf8')).toBe('salt\n');
  expect(await alice.show(id)).toMatchObject({ total_turns: 1, open_interactions: 0 });
});

test('what a session wants leave for comes into the channel: allowed it runs, denied it does not', async () => {
  const id = await alice.createSession({ permission_mode: 'ask' });
  const first = await alice.tell(id, script(bash('echo one > one.txt'), said));
  const asked = await message(channel, asking('echo one'));
  expect(asked).toMatchObject({ rows: [['Allow', 'Allow for session', 'Deny']] });
  expect(asked.content).toContain(id.slice(-8));
  await ada.press(channel, asked.id, 'Allow');
  expect(await ended(id, first)).toMatchObject({ status: 'completed' });
  expect(await readFile(service.workspace(id, 'one.txt'), 'utf8')).toBe('one\n');
  const second = await alice.tell(id, script(bash('echo two > two.txt'), said));
  const again = await message(channel, asking('echo two'));
  await ada.press(channel, again.id, 'Deny');
  expect(await ended(id, second)).toMatchObject({ status: 'completed' });
  expect(existsSync(service.workspace(id, 'two.txt'))).toBe(false);
  const closed = discord.messages(channel).filter(saying(id.slice(-8)));
  expect(closed.map(({ rows, content }) => ({ rows, by: content.includes(`<@${ada.id}>`) }))).toEqual([
    { rows: [], by: true },
    { rows: [], by: true },
  ]);
});

test('what Claude Code itself asks is answered with a text that was typed', async () => {
  const questions = [
    { question: 'Which colour?', header: 'Colour', multiSelect: false, options: COLOURS },
    { question: 'Which sizes?', header: 'Sizes', multiSelect: true, options: SIZES },
  ];
  const { thread } = await start(script({ tool: 'AskUserQuestion', input: { questions } }, said));
  const asked = await message(thread, asking('Which colour?'));
  const other = await ada.press(thread, asked.id, 'Other for 1…');
  await ada.submit(other, 'mauve');
  await ada.choose(thread, asked.id, ['small', 'large'], 1);
  await ada.press(thread, asked.id, 'Send answers');
  const result = await message(thread, saying('It said:'));
  for (const answer of ['mauve', 'small', 'large']) expect(result.content).toContain(answer);
  expect(await message(thread, ({ id }) => id === asked.id)).toMatchObject({ rows: [] });
});

test('more than five options are a menu, and none at all is a text to type', async () => {
  const options = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
  const day = { tool: ASK, input: { question: 'Which day?', options } };
  const why = { tool: ASK, input: { question: 'Why {{result_0}}?' } };
  const { thread } = await start(script(day, why, said));
  const menu = await message(thread, asking('Which day?'));
  expect(menu.rows[0]).toEqual([options]);
  await ada.choose(thread, menu.id, ['Fri']);
  const asked = await message(thread, asking('Why Fri?'));
  const modal = await ada.press(thread, asked.id, 'Answer…');
  await ada.submit(modal, 'The week is over.');
  await message(thread, saying('It said: The week is over.'));
});

test('urgent news call who began the session, and nobody is called by what a model writes', async () => {
  const tell = (priority: string) => ({
    tool: NOTIFY,
    input: { message: `@everyone <@${ada.id}> the ${priority} deploy`, priority },
  });
  const { thread } = await start(script(tell('high'), tell('urgent'), { text: '@here I am done, <@&1>.' }));
  const urgent = await message(thread, saying('the urgent deploy'));
  expect(urgent.called).toEqual({ ...NOBODY, users: [ada.id, ada.id] });
  await message(thread, saying('@here I am done'));
  const others = discord.messages(thread).filter(({ id }) => id !== urgent.id);
  expect(others.length).toBeGreaterThan(2);
  expect(others.map(({ called }) => called)).toEqual(others.map(() => NOBODY));
});

test('a result that is longer than a message comes in full, its code blocks whole', async () => {
  const section = `## A section\nSome words.\n\`\`\`js\n${'const harbour = "Rotterdam";\n'.repeat(25)}\`\`\`\n`;
  const long = await start(script({ text: section, repeat: 11 }));
  await message(long.thread, saying('✅ done'));
  const parts = discord.messages(long.thread).filter(saying('const harbour'));
  expect(parts.length).toBeGreaterThan(2);
  for (const { content } of parts) expect((content.match(/```/g) ?? []).length % 2).toBe(0);
  const shown = parts.map(({ content }) => content).join('\n');
  expect(shown.match(/Rotterdam/g)).toHaveLength(25 * 11);

  const longer = await ada.command(long.thread, 'say', { prompt: script({ text: section, repeat: 14 }) });
  expect(longer.fault).toBeNull();
  const head = await message(long.thread, ({ files }) => files.length > 0);
  expect(head.files).toEqual([{ name: 'result.md', text: section.repeat(14) }]);
  expect(head.content.length).toBeGreaterThan(1000);
  expect((head.content.match(/```/g) ?? []).length % 2).toBe(0);
});

test('a program tells and asks in the channel, and reads what was answered', async () => {
  const told = await alice.call('POST', '/discord/notify', {
    message: 'The build is red',
    priority: 'urgent',
    summary: 'CI',
  });
  expect(told).toMatchObject({ status: 202, body: { status: 'queued' } });
  expect(await message(channel, saying('The build is red'))).toMatchObject({ called: { ...NOBODY, users: [ada.id] } });

  const question = { question: 'Deploy the blue one?', options: ['yes', 'no'], timeout_seconds: 600 };
  const { status, body } = await alice.call('POST', '/discord/ask', question);
  expect({ status, body }).toMatchObject({ status: 202, body: { state: 'open', resolution: null } });
  const read = async () => (await alice.call('GET', `/discord/asks/${body.interaction_id}`)).body;
  expect(await read()).toMatchObject({ state: 'open' });
  const asked = await message(channel, asking('Deploy the blue one?'));
  const bob = person('bob');
  await link(bob, await service.client('bob'));
  const foreign = await bob.press(channel, asked.id, 'yes');
  expect(foreign.message()).toMatchObject({ seenBy: bob.id });
  expect(await read()).toMatchObject({ state: 'open' });
  await ada.press(channel, asked.id, 'no');
  expect(await read()).toMatchObject({ state: 'resolved', resolution: { answers: ['no'] }, resolved_by: 'alice' });
  const closed = await message(channel, ({ id }) => id === asked.id);
  expect(closed).toMatchObject({ rows: [], content: expect.stringContaining(`<@${ada.id}>: **no**`) });
  expect((await (await service.client('bob')).call('GET', `/discord/asks/${body.interaction_id}`)).status).toBe(404);
});

test('in its thread a session is told more, is stopped, and wakes when spoken to', async () => {
  const { id, thread } = await start('The first words');
  await message(thread, saying('The first words'));
  await until(async () => expect(await alice.show(id)).toMatchObject({ status: 'idle' }));
  const reply = await ada.command(thread, 'say', { prompt: 'And the second' });
  await until(() =>
    expect(reply.message()).toMatchObject({ content: expect.stringContaining('And the second'), seenBy: null }),
  );
  expect((await message(thread, saying('You said: “And the second”'))).content).toContain('The first words');
  await until(async () => expect(await alice.show(id)).toMatchObject({ status: 'idle', total_turns: 2 }));
  const status = await ada.command(thread, 'status');
  await until(() => expect(status.message()?.content).toMatch(/is \*\*idle\*\*[\s\S]*2 turns/));
  const list = await ada.command(channel, 'list');
  await until(() => expect(list.message()?.content).toContain(`<#${thread}>`));
  const typed = await ada.type(channel, 'say', 'session', 'first', { prompt: 'x' });
  expect(typed.choices).toMatchObject([{ value: id }]);

  const stopped = await ada.command(thread, 'stop');
  await until(() => expect(stopped.message()?.content).toContain('Stopped'));
  await alice.until(id, (session) => session.status === 'stopped');
  await ada.command(thread, 'say', { prompt: 'Are you awake?' });
  await message(thread, saying('You said: “Are you awake?”'));
  await alice.until(id, ({ status, epoch, total_turns }) => status === 'idle' && epoch === 2 && total_turns === 3);
});

test('nobody answers: the question says so, and what held instead', async () => {
  const ask = {
    tool: ASK,
    input: { question: 'Which tide?', timeout_seconds: 2, priority: 'urgent', default: 'high' },
  };
  const { thread } = await start(script(ask, said));
  const asked = await message(thread, asking('Which tide?'));
  expect(asked.called).toEqual({ ...NOBODY, users: [ada.id] });
  await message(thread, saying('your default holds: high'));
  const expired = { rows: [], content: expect.stringMatching(/\*\*Expired\*\*.*high/) };
  await until(() => expect(discord.messages(thread).find(({ id }) => id === asked.id)).toMatchObject(expired));
});

test('asked, the edge killed: the button that was there already still answers', async () => {
  const ask = { tool: ASK, input: { question: 'Which name?', options: ['Ada', 'Grace'] } };
  const { id, thread } = await start(script(ask, said));
  const asked = await message(thread, asking('Which name?'));
  await service.stopEdge();
  await service.startEdge();
  expect(await ada.press(thread, asked.id, 'Grace')).toMatchObject({ fault: null });
  await message(thread, saying('It said: Grace'));
  await message(thread, saying('✅ done'));
  expect(discord.messages(thread).filter(saying('Which name?'))).toMatchObject([{ id: asked.id, rows: [] }]);
  expect(discord.messages(thread).filter(saying('It said: Grace'))).toHaveLength(1);
  expect(await alice.show(id)).toMatchObject({ open_interactions: 0, total_turns: 1 });
});

test('asked, the runner killed and claude with it: the button wakes the session, and it reads the answer', async () => {
  const ask = { tool: ASK, input: { question: 'Which ship?', options: ['Ark', 'Argo'] } };
  const { id, thread } = await start(script(ask, said));
  const asked = await message(thread, asking('Which ship?'));
  await service.stopRunner('SIGKILL');
  await service.startRunner();
  await message(thread, saying('runner\\_lost'));
  expect(await ada.press(thread, asked.id, 'Argo')).toMatchObject({ fault: null });
  expect(await message(thread, ({ id }) => id === asked.id)).toMatchObject({ rows: [] });
  expect((await message(thread, saying('You said:'))).content).toMatch(/Answer to your question.*Which ship.*Argo/);
  await alice.until(id, ({ status, epoch }) => status === 'idle' && epoch === 2);
});
