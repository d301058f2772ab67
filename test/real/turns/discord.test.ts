import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Person } from '../../support/discord/person.ts';
import { DiscordStandIn } from '../../support/discord/stand-in.ts';
import { atMost } from '../../support/patience.ts';
import { agent, after, bash, byWord, says, turnsScene, type TurnsScene } from '../../support/turns.ts';
import { until } from '../../support/until.ts';

/** What people on Discord read of turns that the agent begins itself, through the whole service. */

let discord: DiscordStandIn;
let channel: string;
let scene: TurnsScene;
let ada: Person;
beforeAll(async () => {
  discord = await DiscordStandIn.start();
  channel = discord.world.addChannel('agents');
  const script = byWord({
    'answer is 42': () => says('The report is: the answer is 42'),
    'go agent': () => agent('what is it?'),
    'go short shell': () => bash('sleep 1', { run_in_background: true }),
    'what is it?': () => [{ words: after(1500, 'the answer is 42') }],
    'task-notification': () => says('the shell is done'),
    tool_result: () => says('started'),
  });
  scene = await turnsScene(script, { vars: discord.settings(channel) });
  ada = discord.person(`${scene.service.url}/api/v1/discord/interactions`, 'ada');
  const { body } = await scene.alice.call('POST', '/discord/link');
  await ada.command(channel, 'link', { code: body.code });
}, atMost(60));
afterAll(async () => {
  await scene?.[Symbol.asyncDispose]();
  await discord?.stop();
});

/** Starts a session on Discord. @returns its id and its thread */
async function start(prompt: string): Promise<{ id: string; thread: string }> {
  await ada.command(channel, 'start', { prompt });
  const thread = await until(() => {
    const found = discord.world.threads().find(({ name }) => name === prompt);
    if (found === undefined) throw new Error('it has no thread yet');
    return found.id;
  });
  const [newest] = (await scene.alice.call('GET', '/sessions')).body.data;
  return { id: newest.session_id, thread };
}

/** How often this is said there. What only shows what the agent does is a line in small print. */
const count = (thread: string, text: string) =>
  discord.messages(thread).filter(({ content }) => content === text).length;
const ended = async (id: string, turns: number) =>
  await until(async () => {
    const { status, total_turns, background_tasks } = await scene.alice.show(id);
    expect({ status, total_turns, background_tasks }).toEqual({
      status: 'idle',
      total_turns: turns,
      background_tasks: [],
    });
  });

test('what the agent says when a task in the background has ended reaches the thread once', async () => {
  const { id, thread } = await start('go short shell');
  await ended(id, 2);
  await until(() => expect(count(thread, 'the shell is done')).toBe(1));
  expect(count(thread, 'started')).toBe(1);
  // What is said later comes after it: nothing more of it is on the way.
  await ada.command(thread, 'say', { prompt: 'anything else?' });
  await until(() => expect(count(thread, 'nothing to say')).toBe(1));
  expect(count(thread, 'the shell is done')).toBe(1);
  expect(count(thread, 'started')).toBe(1);
});

test('what a subagent found reaches it once, as the answer', async () => {
  const { id, thread } = await start('go agent');
  await ended(id, 2);
  await until(() => expect(count(thread, 'The report is: the answer is 42')).toBe(1));
  await ada.command(thread, 'say', { prompt: 'anything else?' });
  await until(() => expect(count(thread, 'nothing to say')).toBe(1));
  expect(count(thread, 'The report is: the answer is 42')).toBe(1);
});
