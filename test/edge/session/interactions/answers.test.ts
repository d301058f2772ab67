import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { askLeave, askQuestion, askUser, later, ofType, resolve, view, working } from './support/asking.ts';
import { emptyPool } from '../../support/pool.ts';
import { isCommand } from '../../support/runner.ts';
import { sessionObject, show } from '../../support/scene.ts';
import { evict } from '../../support/setup/evict.ts';

beforeEach(emptyPool);
afterEach(() => {
  vi.useRealTimers();
});

describe('an answer', () => {
  it('reaches the agent although the edge is evicted between question and answer', async () => {
    const scene = await working();
    const interaction = await askUser(scene);
    await evict(sessionObject(scene.id));
    await resolve(scene, interaction, { answer: '80' });
    await evict(sessionObject(scene.id));
    expect(await scene.container.answer()).toMatchObject({ call_id: interaction, text: '80' });
    expect(await resolve(scene, interaction, { answer: '80' })).toMatchObject({ status: 200 });
    expect(scene.container.data.unread(isCommand)).toBe(0);
  });

  it.each([
    ['crashed', 'container_exited'],
    ['was stopped by its owner', 'stopped_by_user'],
  ] as const)('after the container %s wakes the session with one message', async (_, code) => {
    const scene = await working();
    const { user, id, runner, container } = scene;
    const interaction = await askQuestion(scene);
    if (code === 'stopped_by_user') await user.call('POST', `/sessions/${id}/stop`);
    await runner.end(container, code);
    expect(await view(scene, interaction)).toMatchObject({ state: 'open', detached: true });
    expect(await show(user, id)).toMatchObject({ open_interactions: 1 });
    const [one, two] = await Promise.all([
      resolve(scene, interaction, { answer: 'blue' }),
      resolve(scene, interaction, { answer: 'blue' }),
    ]);
    expect([one.status, two.status]).toEqual([200, 200]);
    const woken = await runner.start(id);
    expect(woken.launch.epoch).toBe(2);
    const { message_id, prompt } = await woken.prompt();
    expect(prompt).toBe('Answer to your question “Which colour?”: blue');
    woken.result(message_id, 'thanks');
    await woken.stored();
    expect(woken.data.unread(isCommand)).toBe(0);
    expect(await ofType(scene, 'message.queued')).toHaveLength(2);
  });

  it('to a permission whose agent is gone tells the next one what it may do', async () => {
    const scene = await working();
    const interaction = await askLeave(scene);
    await scene.runner.end(scene.container);
    await resolve(scene, interaction, { decision: 'allow' });
    const { prompt } = await (await scene.runner.start(scene.id)).prompt();
    expect(prompt).toContain('You may use Bash now');
    expect(prompt).toContain('rm -r build');
  });

  it('that was not taken before the container went is a message to the next one', async () => {
    const scene = await working();
    const interaction = await askUser(scene);
    await resolve(scene, interaction, { answer: '80' });
    await scene.container.data.next(isCommand);
    await scene.runner.end(scene.container);
    const woken = await scene.runner.start(scene.id);
    expect((await woken.prompt()).prompt).toBe('Answer to your question “Which port?”: 80');
    expect(woken.data.unread(isCommand)).toBe(0);
  });

  it('that was taken is not said again', async () => {
    const scene = await working();
    const interaction = await askUser(scene);
    await resolve(scene, interaction, { answer: '80' });
    await scene.container.answer();
    scene.container.say({ type: 'user', text: 'goes on' });
    await scene.container.stored();
    await scene.runner.end(scene.container);
    expect(await show(scene.user, scene.id)).toMatchObject({ status: 'failed', queued_messages: 0 });
  });

  it('that nobody gives to an agent that is gone is its default, or only an event', async () => {
    const scene = await working({ interaction_timeout_seconds: 30 });
    await askLeave(scene);
    await askUser(scene);
    const withDefault = await askUser(scene, { default: '8080' });
    await scene.runner.end(scene.container);
    await later(scene.id, 31);
    vi.useRealTimers();
    expect(await ofType(scene, 'interaction.closed')).toHaveLength(3);
    expect((await view(scene, withDefault)).state).toBe('expired');
    const woken = await scene.runner.start(scene.id);
    expect((await woken.prompt()).prompt).toContain('8080');
    expect(await ofType(scene, 'message.queued')).toHaveLength(2);
  });

  it('is not waited for any more once the session is deleted', async () => {
    const scene = await working();
    const interaction = await askUser(scene);
    await scene.user.call('DELETE', `/sessions/${scene.id}`);
    expect((await resolve(scene, interaction, { answer: '80' })).status).toBe(404);
  });
});
