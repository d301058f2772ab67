import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Person, Reply } from '../../support/discord/person.ts';
import { DiscordEdge, said, saying } from '../../support/discord/discord-edge.ts';
import { until } from '../../support/until.ts';
import { atMost } from '../../support/patience.ts';

let scene: DiscordEdge;
let ada: Person;
let count = 0;
/** Each test's own, so that none sees another's sessions. */
let alice: string;
beforeAll(async () => {
  scene = await DiscordEdge.start();
});
afterAll(async () => await scene.stop());

async function somebody(): Promise<void> {
  alice = `alice-${(count += 1)}`;
  ada = await scene.linked('ada', alice);
}

const threadNamed = (name: string, of = scene) =>
  until(() => {
    const [found, ...more] = of.discord.world.threads().filter((thread) => thread.name === name);
    expect([found?.parent, more]).toEqual([of.channel, []]);
    return found?.id ?? '';
  });

async function start(prompt: string): Promise<{ id: string; thread: string; reply: Reply }> {
  const reply = await ada.command(scene.channel, 'start', { prompt });
  const answer = await scene.answer(reply);
  const [id = ''] = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(answer) ?? [];
  const thread = await threadNamed(prompt);
  // The thread is there before the service has the answer of Discord's that names it.
  await until(async () => {
    expect(await scene.answer(await ada.command(thread, 'status'))).not.toContain('Which session?');
  });
  return { id, thread, reply };
}

async function prompts(id: string, owner = alice, of = scene): Promise<string[]> {
  const { body } = await of.call(owner, 'GET', `/sessions/${id}/events`);
  const queued = body.data.filter(({ type }: { type: string }) => type === 'message.queued');
  return queued.map(({ data }: { data: { prompt: string } }) => data.prompt);
}

describe('/claude', () => {
  test('start begins one session, in one thread, with what it is to do', async () => {
    await somebody();
    const { id, reply } = await start('Count the ships');
    expect(reply.ms).toBeLessThan(atMost(3));
    expect(await scene.sessions(alice)).toEqual([id]);
    expect(await prompts(id)).toEqual(['Count the ships']);
    const creation = { action: 'session.created', target: id, detail: `discord ${ada.id}` };
    expect(await scene.audited(alice)).toEqual([expect.objectContaining(creation)]);
    expect(reply.message()).toMatchObject({ seenBy: null, called: { users: [], everyone: false } });
    await scene.message(saying('🧵 **Count the ships**'));
  });

  test('start with a workspace that is no good says why, and begins nothing', async () => {
    await somebody();
    const workspace = 'not/../a name';
    const answer = await scene.answer(await ada.command(scene.channel, 'start', { prompt: 'Go', workspace }));
    expect(answer).toContain('⚠️');
    expect(await scene.sessions(alice)).toEqual([]);
  });

  test('say speaks to the session of the thread, or to one that is named', async () => {
    await somebody();
    const { id, thread } = await start('Listen');
    const long = `${'*_~`'.repeat(1000)} end`;
    expect(await scene.answer(await ada.command(thread, 'say', { prompt: 'Faster' }))).toContain('Faster');
    const named = await ada.command(scene.channel, 'say', { prompt: long, session: id });
    expect((await scene.answer(named)).length).toBeLessThanOrEqual(2000);
    expect(await prompts(id)).toEqual(['Listen', 'Faster', long]);
    expect(await scene.answer(await ada.command(scene.channel, 'say', { prompt: 'Whom?' }))).toContain(
      'Which session?',
    );
  });

  test('status, list and tree are for who asks alone', async () => {
    await somebody();
    const { id, thread } = await start('Look @everyone');
    for (const [subcommand, place] of [
      ['status', thread],
      ['list', scene.channel],
      ['tree', thread],
    ] as const) {
      const reply = await ada.command(place, subcommand);
      expect(await scene.answer(reply)).toContain('queued');
      expect(reply.message()).toMatchObject({ seenBy: ada.id, called: { everyone: false } });
    }
    expect(await scene.answer(await ada.command(thread, 'status'))).toContain(id);
  });

  test('start takes what becomes of a message that meets a usage limit', async () => {
    await somebody();
    const reply = await ada.command(scene.channel, 'start', { prompt: 'Patience', on_rate_limit: 'wait' });
    const [id = ''] = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(await scene.answer(reply)) ?? [];
    expect((await scene.call(alice, 'GET', `/sessions/${id}`)).body.config.on_rate_limit).toBe('wait');
  });

  test('set changes model, mode and title of the thread’s session, or of one that is named', async () => {
    await somebody();
    const { id, thread } = await start('Paint');
    const view = async () => (await scene.call(alice, 'GET', `/sessions/${id}`)).body;
    expect(await scene.answer(await ada.command(thread, 'set', { mode: 'plan' }))).toContain('Stop the session');
    await scene.answer(await ada.command(thread, 'stop'));
    const reply = await ada.command(thread, 'set', { model: 'haiku-4', mode: 'plan', title: '*Harbour*' });
    const answer = await scene.answer(reply);
    expect(answer).toContain('haiku-4');
    expect(answer).toContain('plan');
    expect(answer).toContain(String.raw`\*Harbour\*`);
    expect(reply.message()).toMatchObject({ seenBy: ada.id });
    expect(await view()).toMatchObject({ model: 'haiku-4', permission_mode: 'plan', title: '*Harbour*' });
    await scene.answer(await ada.command(scene.channel, 'set', { title: 'Quay', session: id }));
    expect(await view()).toMatchObject({ model: 'haiku-4', permission_mode: 'plan', title: 'Quay' });
    expect(await scene.answer(await ada.command(thread, 'set', {}))).toContain('`model`');
    expect(await scene.answer(await ada.command(thread, 'set', { model: 'no such\nmodel' }))).toContain('⚠️');
    expect(await scene.answer(await ada.command(thread, 'status'))).toContain('haiku-4');
  });

  test('interrupt and stop', async () => {
    await somebody();
    const { id, thread } = await start('Run');
    expect(await scene.answer(await ada.command(thread, 'interrupt'))).not.toContain('⚠️');
    expect(await scene.answer(await ada.command(thread, 'stop'))).toContain('Stopped');
    expect((await scene.call(alice, 'GET', `/sessions/${id}`)).body.status).toBe('stopped');
  });

  test('does nothing with what is somebody else’s, and does not say that it is there', async () => {
    await somebody();
    const { id, thread } = await start('Mine');
    const bob = await scene.linked('bob', 'bob');
    const nowhere = '019ac1de-0000-7000-8000-00000000000a';
    for (const subcommand of ['say', 'set', 'status', 'interrupt', 'stop', 'tree']) {
      const more: Record<string, string> =
        subcommand === 'say' ? { prompt: 'Hi' } : subcommand === 'set' ? { title: 'Theirs' } : {};
      const own = await scene.answer(await bob.command(scene.channel, subcommand, { ...more, session: id }));
      const none = await scene.answer(await bob.command(scene.channel, subcommand, { ...more, session: nowhere }));
      expect(own).toContain('⚠️');
      expect(own.replaceAll(id, nowhere)).toBe(none);
      expect(await scene.answer(await bob.command(thread, subcommand, more))).toBe(own);
    }
    expect(await prompts(id)).toEqual(['Mine']);
    expect((await bob.type(scene.channel, 'status', 'session', '')).choices).toEqual([]);
  });

  test('offers one’s own sessions while one types', async () => {
    await somebody();
    const { id } = await start('Paint the harbour');
    await start('Wash the car');
    // What is not found in time is not offered, and then is at the next letter.
    await until(async () => {
      const reply = await ada.type(scene.channel, 'status', 'session', 'HARB');
      expect(reply).toMatchObject({ fault: null, choices: [{ value: id }] });
      expect(reply.choices?.[0]?.name).toContain('Paint the harbour');
    });
    await until(async () => expect((await ada.type(scene.channel, 'status', 'session', '')).choices).toHaveLength(2));
    expect((await scene.person('nobody').type(scene.channel, 'status', 'session', '')).choices).toEqual([]);
  });
});

test('a session that is deleted says so in its thread, which is nothing’s then', async () => {
  await somebody();
  const { id, thread } = await start('Short');
  expect((await scene.call(alice, 'DELETE', `/sessions/${id}`)).status).toBe(204);
  const told = await scene.message(saying('deleted'), thread);
  expect(told.called.users).toEqual([]);
  await until(async () => {
    expect(await scene.answer(await ada.command(thread, 'status'))).toContain('Which session?');
  });
  expect(scene.discord.messages(thread).filter(saying('deleted'))).toHaveLength(1);
});

describe('a command that was taken', () => {
  test('is carried out once, whenever the edge is killed meanwhile', async () => {
    const edge = await DiscordEdge.start();
    try {
      const bea = await edge.linked('bea', 'bea');
      for (const [round, wait] of [0, 0, 5, 10, 20, 40].entries()) {
        const prompt = `Round ${round}`;
        const reply = await bea.command(edge.channel, 'start', { prompt });
        expect(reply).toMatchObject({ fault: null });
        await new Promise((resolve) => setTimeout(resolve, wait));
        await edge.end();
        await edge.begin();
        // Whatever it was cut off at: nobody calls, its alarm does.
        expect(await edge.answer(reply)).toContain('has begun');
        await threadNamed(prompt, edge);
        expect(edge.discord.messages(edge.channel).filter(saying(`**${prompt}** ·`))).toHaveLength(1);
      }
      const ids = await edge.sessions('bea');
      const begun = await Promise.all(ids.map((id) => prompts(id, 'bea', edge)));
      expect(begun.flat().toSorted()).toEqual([0, 1, 2, 3, 4, 5].map((round) => `Round ${round}`));
    } finally {
      await edge.stop();
    }
  });

  test('while Discord is away is done at once, and its answer comes when Discord is back, once', async () => {
    const edge = await DiscordEdge.start();
    try {
      const bea = await edge.linked('bea', 'bea');
      edge.discord.fault = 'unavailable';
      const reply = await bea.command(edge.channel, 'start', { prompt: 'Early' });
      await until(async () => expect(await edge.sessions('bea')).toHaveLength(1));
      await edge.end();
      edge.discord.fault = 'lost';
      await edge.begin();
      await until(() => expect(edge.discord.requests.some(({ status }) => status === 0)).toBe(true));
      edge.discord.fault = 'none';
      expect(await edge.answer(reply)).toContain('has begun');
      await threadNamed('Early', edge);
      expect(edge.discord.messages(edge.channel).filter(saying('**Early** ·'))).toHaveLength(1);
    } finally {
      await edge.stop();
    }
  });
});

test('a command that is not known, as of another version, is told so', async () => {
  await somebody();
  expect(said(await ada.command(scene.channel, 'dance'))).toContain('discord:register');
});
