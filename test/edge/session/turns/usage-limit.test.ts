import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { emptyPool } from '../../support/pool.ts';
import { isCommand, type FakeContainer } from '../../support/runner.ts';
import { ran, sessionObject, show, type Ran } from '../../support/scene.ts';
import { later } from '../interactions/support/asking.ts';
import { evict } from '../../support/setup/evict.ts';

beforeEach(emptyPool);
afterEach(() => {
  vi.useRealTimers();
});

const WAIT = { config: { on_rate_limit: 'wait' } };
const MINUTE = 60;

const chat = async ({ user, id }: Ran, prompt = 'work') =>
  (await user.call('POST', `/sessions/${id}/chat`, { prompt })).body.message_id as string;
const message = async ({ user, id }: Ran, messageId: string) =>
  (await user.call('GET', `/sessions/${id}/messages/${messageId}`)).body;
const held = async ({ user, id }: Ran) => (await user.events(id)).filter(({ type }) => type === 'message.held');

/** The turn of the message that `claude` has under `uuid` ends by a usage limit. */
async function limit(container: FakeContainer, uuid: string, seconds: number): Promise<string> {
  const resetsAt = Math.floor(Date.now() / 1000) + seconds;
  const rate_limit_info = { status: 'rejected', resetsAt };
  const said = { message: { model: '<synthetic>' }, error: 'rate_limit', api_error_params: { rate_limit_info } };
  container.say({ type: 'assistant', parent_tool_use_id: null, ...said });
  container.result(uuid, 'limit', { is_error: true, terminal_reason: 'api_error', api_error_status: 429 });
  container.say({ type: 'command_lifecycle', command_uuid: uuid, state: 'cancelled' });
  await container.stored();
  return new Date(resetsAt * 1000).toISOString();
}

describe('a message whose turn ends by a usage limit', () => {
  it('fails with the time at which it is reset, when the session does not wait', async () => {
    const scene = await ran();
    const id = await chat(scene);
    const retry_at = await limit(scene.container, (await scene.container.prompt()).message_id, 10 * MINUTE);
    expect(await message(scene, id)).toMatchObject({
      status: 'failed',
      error: { code: 'model_rate_limited', retry_at },
      retry_at: null,
    });
  });

  it('is held until then where all can see it, and begins anew under a new uuid, whatever happens meanwhile', async () => {
    const scene = await ran(WAIT);
    const id = await chat(scene);
    const first = await scene.container.prompt();
    const retry_at = await limit(scene.container, first.message_id, 2 * MINUTE);
    expect(await message(scene, id)).toMatchObject({ status: 'queued', retry_at, finished_at: null, error: null });
    expect((await held(scene)).map(({ data }) => data)).toEqual([{ message_id: id, retry_at }]);
    expect(await show(scene.user, scene.id)).toMatchObject({ status: 'idle', reason: { code: 'usage_limit' } });

    await evict(sessionObject(scene.id));
    expect(scene.container.data.unread(isCommand)).toBe(0);
    await later(scene.id, 2 * MINUTE + 1);
    const second = await scene.container.prompt();
    expect(second).toMatchObject({ prompt: 'work' });
    expect(second.message_id).not.toBe(first.message_id);
    // Late, and of the turn before.
    scene.container.say({ type: 'command_lifecycle', command_uuid: first.message_id, state: 'cancelled' });
    await scene.container.stored();
    expect(await message(scene, id)).toMatchObject({ status: 'processing', retry_at: null });
    scene.container.result(second.message_id, 'at last');
    await scene.container.stored();
    const ended = await message(scene, id);
    expect(ended).toMatchObject({ status: 'completed', result: 'at last', total_cost_usd: 0.5 });
    expect(ended.turns).toMatchObject([
      { turn_id: first.message_id, status: 'failed' },
      { turn_id: second.message_id, status: 'completed' },
    ]);
  });

  it('has no result while it is held, nor when it begins anew; what its turn cost counts', async () => {
    const scene = await ran(WAIT);
    const id = await chat(scene);
    await limit(scene.container, (await scene.container.prompt()).message_id, MINUTE);
    const { body } = await scene.user.call('GET', `/sessions/${scene.id}/messages?state=queued`);
    for (const waits of [await message(scene, id), body.data[0]]) {
      expect(waits).toMatchObject({ message_id: id, status: 'queued', turns: [{ status: 'failed', result: 'limit' }] });
      expect(waits).not.toHaveProperty('result');
      expect(waits).not.toHaveProperty('subtype');
    }
    expect((await show(scene.user, scene.id)).total_cost_usd).toBe(0.25);
    await later(scene.id, MINUTE + 1);
    const { message_id: uuid } = await scene.container.prompt();
    expect(await message(scene, id)).toMatchObject({ status: 'processing', result: null, total_cost_usd: 0.25 });
    await limit(scene.container, uuid, MINUTE);
    expect(await message(scene, id)).not.toHaveProperty('result');
    await later(scene.id, MINUTE + 1);
    await scene.container.prompt();
    await scene.runner.end(scene.container, 'out_of_memory');
    expect(await message(scene, id)).toMatchObject({
      status: 'failed',
      result: null,
      error: { code: 'out_of_memory' },
    });
  });

  it('is interrupted by its present uuid', async () => {
    const scene = await ran(WAIT);
    const id = await chat(scene);
    await limit(scene.container, (await scene.container.prompt()).message_id, MINUTE);
    await later(scene.id, MINUTE + 1);
    const { message_id: uuid } = await scene.container.prompt();
    const { body } = await scene.user.call('POST', `/sessions/${scene.id}/interrupt`);
    expect(body).toEqual({ interrupted: true, message_id: id });
    const { command } = await scene.container.data.next(
      (frame) => frame.kind === 'command' && frame.command.command === 'interrupt',
    );
    expect(command.message_id).toBe(uuid);
  });

  it('waits without a container, which comes by itself when the limit is reset', async () => {
    const scene = await ran({ config: { on_rate_limit: 'wait', idle_timeout_seconds: 30 } });
    const id = await chat(scene);
    const retry_at = await limit(scene.container, (await scene.container.prompt()).message_id, 10 * MINUTE);
    await later(scene.id, 31);
    await scene.runner.end(scene.container, 'stopped_by_user');
    expect(await show(scene.user, scene.id)).toMatchObject({
      status: 'queued',
      container_id: null,
      reason: { code: 'usage_limit', detail: expect.stringContaining(retry_at) },
    });
    const later_id = await chat(scene, 'later');
    expect((await message(scene, later_id)).retry_at).toBe(retry_at);
    vi.useRealTimers();
    await later(scene.id, 10 * MINUTE + 1);
    const again = await scene.runner.start(scene.id);
    expect(again.launch.epoch).toBe(2);
    const { message_id, prompt } = await again.prompt();
    expect(prompt).toBe('work');
    again.result(message_id, 'done');
    expect((await again.prompt()).prompt).toBe('later');
    expect((await message(scene, id)).status).toBe('completed');
  });

  it('that cannot be given to claude when its time has come fails, and the next is handed over', async () => {
    const scene = await ran(WAIT);
    const id = await chat(scene);
    const next = await chat(scene, 'next');
    await limit(scene.container, (await scene.container.prompt()).message_id, MINUTE);
    await later(scene.id, MINUTE + 1);
    const { message_id } = await scene.container.prompt();
    scene.container.say({ notice: 'prompt_refused', message_id, detail: 'There is no such file.' });
    await scene.container.stored();
    expect(await message(scene, id)).toMatchObject({ status: 'failed', error: { code: 'invalid_prompt_file' } });
    expect((await scene.container.prompt()).message_id).toBe(next);
  });

  it('is held again when the limit is reached again', async () => {
    const scene = await ran(WAIT);
    const id = await chat(scene);
    await limit(scene.container, (await scene.container.prompt()).message_id, MINUTE);
    await later(scene.id, MINUTE + 1);
    const retry_at = await limit(scene.container, (await scene.container.prompt()).message_id, 60 * MINUTE);
    expect(await message(scene, id)).toMatchObject({ status: 'queued', retry_at });
    expect(await held(scene)).toHaveLength(2);
  });

  it('is the child’s own affair: its parent hears no end of it', async () => {
    const scene = await ran(WAIT);
    const { child_session_id } = (await scene.user.call('POST', `/sessions/${scene.id}/spawn`, { prompt: 'work' }))
      .body;
    const container = await scene.runner.start(child_session_id);
    await limit(container, (await container.prompt()).message_id, MINUTE);
    expect((await show(scene.user, child_session_id)).config.on_rate_limit).toBe('wait');
    const heard = async () => (await scene.user.events(scene.id)).map(({ type, data }) => [type, data['reason']]);
    await expect.poll(heard).toContainEqual(['child.status', expect.objectContaining({ code: 'usage_limit' })]);
    expect((await heard()).map(([type]) => type)).not.toContain('child.result');
  });
});
