import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { Directory } from '../../../durable/directory/directory.ts';
import { User } from '../support/api.ts';
import { directoryObject, toVersion4 } from '../support/directory.ts';
import { emptyPool } from '../support/pool.ts';
import { sessionObject } from '../support/scene.ts';
import { FeedReader } from './support/feed-reader.ts';
import { askLeave, askQuestion, askUser, color, resolve, working } from '../session/interactions/support/asking.ts';
import { evict } from '../support/setup/evict.ts';

beforeEach(emptyPool);

const waiting = async (user: User, query = '') => (await user.call('GET', `/interactions${query}`)).body;
const idsOf = (page: { data: { interaction_id: string }[] }) => page.data.map((one) => one.interaction_id);
const ids = async (user: User, query = '') => idsOf(await waiting(user, query));

/** An option that says as much as it may. */
const option = (label: string) => ({ label, description: 'd'.repeat(2000), preview: 'p'.repeat(8000) });

describe('what waits in all sessions of an owner', () => {
  it('is listed with what its session is called, the oldest first, and leaves the list when it is answered', async () => {
    const one = await working();
    const { user } = one;
    await user.call('PATCH', `/sessions/${one.id}`, { title: 'the door' });
    const two = await working({}, {}, user, one.runner);
    const first = await askQuestion(one);
    await expect.poll(() => ids(user)).toEqual([first]);
    const second = await askLeave(two);
    await expect.poll(() => ids(user, '?state=open')).toEqual([first, second]);
    expect((await waiting(user)).data).toMatchObject([
      {
        session_id: one.id,
        state: 'open',
        shortened: false,
        subject: { questions: [color] },
        session: { title: 'the door', status: 'running', parent_session_id: null },
      },
      { session_id: two.id, subject: { tool_name: 'Bash', input: { command: 'rm -r build' } } },
    ]);
    await user.call('PATCH', `/sessions/${one.id}`, { title: 'the window' });
    await expect.poll(async () => (await waiting(user)).data[0].session.title).toBe('the window');
    await resolve(one, first, { answer: 'blue' });
    await expect.poll(() => ids(user)).toEqual([second]);
    expect(await ids(new User())).toEqual([]);
    await user.call('DELETE', `/sessions/${two.id}`);
    expect(await ids(user)).toEqual([]);
  });

  it('is read in pages, by kind and by session', async () => {
    const one = await working();
    const { user } = one;
    const two = await working({}, {}, user, one.runner);
    const asked: string[] = [];
    for (const scene of [one, two, one, two]) {
      asked.push(await askQuestion(scene));
      await expect.poll(() => ids(user)).toHaveLength(asked.length);
    }
    const leave = await askLeave(one);
    await expect.poll(() => ids(user)).toHaveLength(5);
    const read: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page = await waiting(user, `?limit=2${cursor && `&cursor=${cursor}`}`);
      read.push(...idsOf(page));
      expect(page.data.length).toBeLessThanOrEqual(2);
      cursor = page.next_cursor;
    }
    expect(read.toSorted()).toEqual([...asked, leave].toSorted());
    expect(await ids(user, '?kind=permission')).toEqual([leave]);
    const ofTwo = await ids(user, `?kind=question&session_id=${two.id.toUpperCase()}`);
    expect(ofTwo.toSorted()).toEqual(asked.filter((_, index) => index % 2 === 1).toSorted());
    const wrong = await user.call('GET', '/interactions?cursor=1');
    expect(wrong).toMatchObject({ status: 422, body: { code: 'invalid_request' } });
  });

  it('is shortened where it is long, and whole at its session', async () => {
    const scene = await working();
    const { user, id } = scene;
    const command = 'x'.repeat(20_000);
    const subject = { kind: 'permission', tool_name: 'Bash', input: { command }, can_allow_session: true } as const;
    const interaction_id = crypto.randomUUID();
    scene.container.say({ notice: 'asked', interaction_id, tool_use_id: 'toolu_2', subject });
    await scene.container.stored();
    const pictures = await askUser(scene, { options: [option('a'), option('b'), option('c')] });
    const words = await askUser(scene, { options: Array.from({ length: 20 }, (_, n) => option(`${n}`)) });
    await expect.poll(() => ids(user)).toHaveLength(3);
    const shown = new Map(
      (await waiting(user)).data.map((one: { interaction_id: string }) => [one.interaction_id, one]),
    );
    expect(shown.get(interaction_id)).toMatchObject({ shortened: true, subject: { tool_name: 'Bash', input: null } });
    expect(shown.get(pictures)).toMatchObject({
      shortened: true,
      subject: { questions: [{ options: ['a', 'b', 'c'].map((label) => ({ label, description: 'd'.repeat(2000) })) }] },
    });
    expect(JSON.stringify(shown.get(pictures))).not.toContain('preview');
    expect(JSON.stringify(shown.get(words))).not.toContain('description');
    const whole = await user.call('GET', `/sessions/${id}/interactions/${interaction_id}`);
    expect(whole.body.subject.input).toEqual({ command });
  });

  it('says when nobody in the container waits any more', async () => {
    const scene = await working();
    const interaction = await askUser(scene);
    await expect.poll(() => ids(scene.user)).toEqual([interaction]);
    await scene.runner.end(scene.container, 'container_exited');
    await expect.poll(async () => (await waiting(scene.user)).data).toMatchObject([{ detached: true }]);
  });

  it('is there though the edge was cut off as the session reported it', async () => {
    const scene = await working();
    const cutOff = vi.spyOn(Directory.prototype, 'update').mockReturnValue(new Promise(() => {}) as never);
    const interaction = await askQuestion(scene);
    expect(await ids(scene.user)).toEqual([]);
    // Not only when its turn is over time, or something else comes.
    const alarm = await runInDurableObject(sessionObject(scene.id), (_, ctx) => ctx.storage.getAlarm());
    expect((alarm ?? Infinity) - Date.now()).toBeLessThan(5000);
    await runInDurableObject(sessionObject(scene.id), (_, ctx) => ctx.abort('cut off')).catch(() => undefined);
    cutOff.mockRestore();
    expect(await runDurableObjectAlarm(sessionObject(scene.id))).toBe(true);
    await expect.poll(() => ids(scene.user)).toEqual([interaction]);
  });

  it('is what the newest report says, whichever comes last', async () => {
    const scene = await working();
    const { user, id } = scene;
    const interaction = await askQuestion(scene);
    await expect.poll(() => ids(user)).toEqual([interaction]);
    const early = await sessionObject(id).inbox();
    const listed = await sessionObject(id).listed();
    if (early === null || listed === null) throw new Error('the session is gone');
    await resolve(scene, interaction, { answer: 'blue' });
    await expect.poll(() => ids(user)).toEqual([]);
    await directoryObject(user).update(listed, 0, early);
    expect(await ids(user)).toEqual([]);
  });

  it('is asked of sessions in which it waited before there was an inbox', async () => {
    const scene = await working();
    const { user, id } = scene;
    const other = await user.createSession();
    const interaction = await askQuestion(scene);
    await expect.poll(() => ids(user)).toEqual([interaction]);
    await runInDurableObject(directoryObject(user), (_, { storage: { sql } }) => {
      toVersion4(sql);
    });
    await evict(directoryObject(user));
    expect(await ids(user)).toEqual([interaction]);
    const reader = await (await new FeedReader().connect(user)).live();
    expect([...reader.sessions.keys()].toSorted()).toEqual([id, other].toSorted());
    expect([...reader.waiting.keys()]).toEqual([interaction]);
    await resolve(scene, interaction, { answer: 'blue' });
    await reader.until(({ type }) => type === 'interaction.closed');
    await reader.leave();
  });
});
