import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Person } from '../../support/discord/person.ts';
import type { Shown } from '../../support/discord/world.ts';
import { asking, DiscordEdge, said, saying } from '../../support/discord/discord-edge.ts';
import { until } from '../../support/until.ts';

let scene: DiscordEdge;
let ada: Person;
let count = 0;
/** Each test's own. */
let alice: string;
beforeAll(async () => {
  scene = await DiscordEdge.start();
});
afterAll(async () => await scene.stop());
beforeEach(async () => {
  alice = `alice-${(count += 1)}`;
  ada = await scene.linked('ada', alice);
});

interface Asked {
  readonly id: string;
  readonly message: Shown;
}

async function ask(body: { question?: string; [name: string]: unknown }, of = scene, owner = alice): Promise<Asked> {
  const { question = `Question ${(count += 1)}?` } = body;
  const asked = await of.call(owner, 'POST', '/discord/ask', { ...body, question });
  expect(asked.status, JSON.stringify(asked.body)).toBe(202);
  return { id: asked.body.interaction_id, message: await of.message(asking(question)) };
}

const show = async (id: string, of = scene, owner = alice) => (await of.call(owner, 'GET', `/discord/asks/${id}`)).body;
const shown = ({ message }: Asked, of = scene) => {
  const found = of.discord.messages(of.channel).find(({ id }) => id === message.id);
  if (found === undefined) throw new Error('its message is gone');
  return found;
};

describe('POST /discord/ask', () => {
  test('asks with buttons, and has the answer once one is pressed', async () => {
    const asked = await ask({ options: ['Yes', 'No'] });
    expect(asked.message.rows).toEqual([['Yes', 'No', 'Other…']]);
    expect(asked.message.content).toContain(`from ${alice}`);
    expect(await show(asked.id)).toMatchObject({ state: 'open', resolution: null, default: null });
    expect(await ada.press(scene.channel, asked.message.id, 'No')).toMatchObject({ fault: null });
    expect(shown(asked)).toMatchObject({ rows: [], content: expect.stringContaining(`by <@${ada.id}>: **No**`) });
    expect(shown(asked).content).toContain(`from ${alice}`);
    const resolution = { kind: 'answers', answers: ['No'] };
    expect(await show(asked.id)).toMatchObject({ state: 'resolved', resolved_by: alice, resolution });
    expect((await scene.call('bob', 'GET', `/discord/asks/${asked.id}`)).status).toBe(404);
    const answer = { action: 'interaction.answered', detail: `discord ${ada.id} ${asked.id}` };
    expect(await scene.audited(alice)).toContainEqual(expect.objectContaining(answer));
  });

  test('asks with a menu beyond five options, and with a text where there are none', async () => {
    const options = ['1', '2', '3', '4', '5', '6'];
    const menu = await ask({ options });
    expect(menu.message.rows[0]).toEqual([options]);
    await ada.choose(scene.channel, menu.message.id, ['4']);
    expect((await show(menu.id)).resolution.answers).toEqual(['4']);
    const text = await ask({});
    const modal = await ada.press(scene.channel, text.message.id, 'Answer…');
    await ada.submit(modal, 'As `it` is, @everyone');
    expect((await show(text.id)).resolution.answers).toEqual(['As `it` is, @everyone']);
    expect(shown(text)).toMatchObject({ rows: [], called: { everyone: false } });
  });

  test('ends by itself, and says so; a press that comes too late is told', async () => {
    const asked = await ask({ options: ['Yes'], timeout_seconds: 1 });
    const button = buttonOf(asked.message, 'Yes');
    await until(async () => expect(await show(asked.id)).toMatchObject({ state: 'expired', resolution: null }));
    await until(() => expect(shown(asked)).toMatchObject({ rows: [], content: expect.stringContaining('Expired') }));
    const late = await ada.pressId(scene.channel, asked.message.id, button);
    expect(late).toMatchObject({ fault: null });
    expect(await show(asked.id)).toMatchObject({ state: 'expired', resolved_by: null });
    expect(shown(asked).content).toContain('Expired');
  });

  test('takes DISCORD_QUESTION_TIMEOUT where it says nothing', async () => {
    const other = await DiscordEdge.start({ DISCORD_QUESTION_TIMEOUT: '77' });
    try {
      const asked = await ask({}, other);
      const { created_at, deadline } = await show(asked.id, other);
      expect(Date.parse(deadline) - Date.parse(created_at)).toBe(77_000);
    } finally {
      await other.stop();
    }
  });

  test('floods nobody with reminders', async () => {
    const asked = await ask({ max_attempts: 100, timeout_seconds: 3 });
    await until(async () => expect(await show(asked.id)).toMatchObject({ state: 'expired' }));
    expect(scene.discord.messages(scene.channel).filter(saying('reminder'))).toEqual([]);
  });

  test('an urgent one calls who asked, and no other does', async () => {
    const urgent = await ask({ question: `@everyone <@${ada.id}> urgent?`, priority: 'urgent' });
    expect(urgent.message.called).toEqual({ users: [ada.id, ada.id], roles: [], everyone: false });
    const high = await ask({ question: `@everyone <@${ada.id}> high?`, priority: 'high' });
    expect(high.message.called).toEqual({ users: [], roles: [], everyone: false });
  });

  test('with a key is asked once, however often it is sent', async () => {
    const key = { 'idempotency-key': 'one' };
    const question = `Once for ${alice}?`;
    const send = (body: object, by = alice) => scene.call(by, 'POST', '/discord/ask', body, key);
    const [first, again] = await Promise.all([send({ question }), send({ question })]);
    expect([first.status, again.status, again.body]).toEqual([202, 202, first.body]);
    expect(await send({ question: 'Another?' })).toMatchObject({
      status: 422,
      body: { code: 'idempotency_key_reused' },
    });
    const other = await send({ question }, `${alice}-too`);
    expect(other.body.interaction_id).not.toBe(first.body.interaction_id);
    await until(() => expect(scene.discord.messages(scene.channel).filter(saying(question))).toHaveLength(2));
    await ada.submit(
      await ada.press(scene.channel, (await scene.message(asking(`from ${alice}\n`))).id, 'Answer…'),
      'Yes',
    );
    expect((await send({ question })).body).toMatchObject({
      state: 'resolved',
      interaction_id: first.body.interaction_id,
    });
  });

  test('outlives the edge, with its deadline', async () => {
    const edge = await DiscordEdge.start();
    try {
      const bea = await edge.linked('bea', alice);
      const answered = await ask({ options: ['Yes'] }, edge);
      const expiring = await ask({ options: ['Yes'], timeout_seconds: 2 }, edge);
      await edge.end();
      await edge.begin();
      await until(() => expect(shown(expiring, edge)).toMatchObject({ rows: [] }));
      await bea.press(edge.channel, answered.message.id, 'Yes');
      expect(await show(answered.id, edge)).toMatchObject({ state: 'resolved' });
    } finally {
      await edge.stop();
    }
  });
});

describe('a press', () => {
  test('by somebody who may not answer is told so, and changes nothing', async () => {
    const asked = await ask({ options: ['Yes', 'No'] });
    const nobody = await scene.person('nobody').press(scene.channel, asked.message.id, 'Yes');
    expect(said(nobody)).toContain('/claude link');
    const bob = await scene.linked('bob', 'bob');
    const foreign = await bob.press(scene.channel, asked.message.id, 'Yes');
    expect(said(foreign)).toContain('somebody else’s question');
    expect(foreign.message()?.seenBy).toBe(bob.id);
    expect(await show(asked.id)).toMatchObject({ state: 'open' });
    expect(shown(asked).rows).toEqual(asked.message.rows);
  });

  test('of an answered question is told so, and changes nothing', async () => {
    const asked = await ask({ options: ['Yes', 'No'] });
    const no = buttonOf(asked.message, 'No');
    await ada.press(scene.channel, asked.message.id, 'Yes');
    const before = await show(asked.id);
    await ada.pressId(scene.channel, asked.message.id, no);
    expect(await show(asked.id)).toEqual(before);
    expect(shown(asked)).toMatchObject({ rows: [], content: expect.stringContaining('**Yes**') });
  });

  test('of what is not there, or hangs on another message, is told so', async () => {
    const [one, other] = [await ask({ options: ['Yes'] }), await ask({ options: ['Yes'] })];
    const copied = await ada.pressId(scene.channel, other.message.id, buttonOf(one.message, 'Yes'));
    expect(said(copied)).toContain('not known here');
    for (const id of [
      'cc1.x',
      'something',
      buttonOf(one.message, 'Yes').replace(/.(?=\.o)/, (last) => (last === 'A' ? 'Q' : 'A')),
    ]) {
      expect(said(await ada.pressId(scene.channel, one.message.id, id))).toContain('not known here');
    }
    expect([(await show(one.id)).state, (await show(other.id)).state]).toEqual(['open', 'open']);
  });

  test('of two people at once: one wins, and the message says who', async () => {
    const bea = await scene.linked('bea', alice);
    for (const labels of [
      ['Yes', 'No'],
      ['Yes', 'Yes'],
    ] as const) {
      const asked = await ask({ options: ['Yes', 'No'] });
      const ids = labels.map((label) => buttonOf(asked.message, label));
      const presses = await Promise.all(
        [ada, bea].map((person, at) => person.pressId(scene.channel, asked.message.id, ids[at] ?? '')),
      );
      for (const press of presses) expect(press.fault).toBeNull();
      const winner = await until(async () => {
        const { resolution } = await show(asked.id);
        const found = [ada, bea].find(
          ({ id }, at) => labels[at] === resolution.answers[0] && shown(asked).content.includes(`by <@${id}>: **`),
        );
        return found ?? expect.fail(shown(asked).content);
      });
      // By the account that pressed first, whatever the last to be told is.
      await until(() => expect(scene.discord.messages(scene.channel).filter(({ isLoading }) => isLoading)).toEqual([]));
      expect(shown(asked).content).toContain(`by <@${winner.id}>: **${labels[[ada, bea].indexOf(winner)]}**`);
    }
  });

  test('by anybody on the operator’s lists answers, and is known by their account', async () => {
    const listed = await DiscordEdge.start({ DISCORD_ALLOWED_ROLES: '77' });
    try {
      const asked = await ask({ options: ['Yes', 'No'] }, listed);
      const mallory = await listed.person('mallory').press(listed.channel, asked.message.id, 'Yes');
      expect(said(mallory)).toContain('You may not use this bot');
      const eve = listed.person('eve', ['77']);
      await eve.press(listed.channel, asked.message.id, 'Yes');
      expect(shown(asked, listed).content).toContain(`by <@${eve.id}>: **Yes**`);
      expect(await show(asked.id, listed)).toMatchObject({ state: 'resolved', resolved_by: `discord:${eve.id}` });
      await until(() => expect(listed.discord.requests.at(-1)?.method).toBe('PATCH'));
      expect(shown(asked, listed).content).toContain(`by <@${eve.id}>: **Yes**`);
    } finally {
      await listed.stop();
    }
  });
});

describe('POST /discord/notify', () => {
  test('says it in the channel; an urgent one calls whose it is, and nothing that is written calls anybody', async () => {
    const message = `@everyone @here <@${ada.id}> <@&5> built`;
    expect((await scene.call(alice, 'POST', '/discord/notify', { message, summary: 'A *build*' })).status).toBe(202);
    const normal = await scene.message(saying('A \\*build\\*'));
    expect(normal.called).toEqual({ users: [], roles: [], everyone: false });
    await scene.call(alice, 'POST', '/discord/notify', { message: 'fire', priority: 'urgent' });
    expect((await scene.message(saying('fire'))).called.users).toEqual([ada.id]);
  });

  test('with a key is said once, however often it is called; another message needs another key', async () => {
    const say = (message: string, key: string, owner = alice) =>
      scene.call(owner, 'POST', '/discord/notify', { message }, { 'idempotency-key': key });
    const once = `Once for ${alice}`;
    expect((await Promise.all([say(once, 'k'), say(once, 'k')])).map(({ status }) => status)).toEqual([202, 202]);
    expect((await say(once, 'k')).status).toBe(202);
    expect(await say('another', 'k')).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
    expect((await say(`Last for ${alice}`, 'k', `${alice}-too`)).status).toBe(202);
    await scene.message(saying(`Last for ${alice}`));
    expect(scene.discord.messages(scene.channel).filter(saying(once))).toHaveLength(1);
  });

  test('a long one comes in parts with whole code blocks, and a longer one as a file', async () => {
    const code = '```js\nconst harbour = "Rotterdam";\n'.concat('let ship = 1;\n'.repeat(300), '```');
    await scene.call(alice, 'POST', '/discord/notify', { message: code, summary: `Parts ${alice}` });
    await scene.message(saying(`Parts ${alice}`));
    await until(() =>
      expect(scene.discord.messages(scene.channel).filter(saying('let ship')).length).toBeGreaterThan(1),
    );
    for (const { content } of scene.discord.messages(scene.channel).filter(saying('let ship'))) {
      expect((content.match(/```/g) ?? []).length % 2).toBe(0);
      expect(content.length).toBeLessThanOrEqual(2000);
    }
    const all = 'ö line of it\n'.repeat(2400);
    await scene.call(alice, 'POST', '/discord/notify', { message: all, summary: `File ${alice}` });
    expect((await scene.message(saying(`File ${alice}`))).files).toEqual([{ name: 'message.md', text: all }]);
  });
});

/** The id of a button, which is not shown. */
function buttonOf({ id }: Shown, label: string): string {
  const message = scene.discord.world.find(scene.channel, id);
  const rows = 'components' in message ? (message.components ?? []) : [];
  for (const row of rows) {
    for (const one of 'components' in row ? row.components : []) {
      if ('label' in one && one.label === label && 'custom_id' in one) return one.custom_id;
    }
  }
  throw new Error(`there is no button ${label}`);
}
