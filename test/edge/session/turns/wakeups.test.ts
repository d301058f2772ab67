import { env, runInDurableObject } from 'cloudflare:test';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MAX_WAKEUPS } from '../../../../durable/session/core/turns/wakeup.ts';
import { Session } from '../../../../durable/session/session.ts';
import { MAX_WAKEUP_PROMPT, type WakeupToolCall } from '../../../../protocol/link/wakeup-tools.ts';
import { User } from '../../support/api.ts';
import { emptyPool } from '../../support/pool.ts';
import { isCommand, type FakeContainer } from '../../support/runner.ts';
import { park, parkSaved, ran, sessionObject, show, type Ran } from '../../support/scene.ts';
import { ofType, spawn } from '../children/support/family.ts';
import { later } from '../interactions/support/asking.ts';
import { evict } from '../../support/setup/evict.ts';

beforeEach(emptyPool);
afterEach(() => {
  vi.useRealTimers();
});

/** What the agent gets for a call of one of the tools. */
async function use(container: FakeContainer, tool: WakeupToolCall['tool'], input: object = {}) {
  const call_id = crypto.randomUUID();
  container.say({ notice: 'tool_call', call_id, call: { tool, input } });
  const answer = await container.answer();
  expect(answer.call_id).toBe(call_id);
  return answer;
}

/** The id of a new wake-up. */
async function schedule(container: FakeContainer, in_seconds = 60, prompt = 'look'): Promise<string> {
  const answer = await use(container, 'schedule_wakeup', { in_seconds, prompt });
  expect(answer).toMatchObject({ is_error: false });
  return answer.structured.wakeup_id;
}

const waiting = async ({ user, id }: Pick<Ran, 'user' | 'id'>) =>
  (await user.call('GET', `/sessions/${id}/wakeups`)).body.data;
const messages = async ({ user, id }: Pick<Ran, 'user' | 'id'>) =>
  (await user.call('GET', `/sessions/${id}/messages`)).body.data;
const events = async ({ user, id }: Ran, type: string) => ofType(await user.events(id), `wakeup.${type}`);

describe('a wake-up', () => {
  it('is told to the agent and to people, and comes once, as the agent’s own message', async () => {
    const scene = await ran();
    const before = Date.now();
    const answer = await use(scene.container, 'schedule_wakeup', { in_seconds: 60, prompt: 'look' });
    const { wakeup_id, at } = answer.structured;
    expect(JSON.parse(answer.text)).toEqual(answer.structured);
    expect(Date.parse(at)).toBeGreaterThanOrEqual(before + 60_000);
    expect(await waiting(scene)).toEqual([{ wakeup_id, at, prompt: 'look' }]);
    expect(await events(scene, 'scheduled')).toEqual([{ wakeup_id, at, prompt: 'look' }]);

    await later(scene.id, 59);
    expect(await messages(scene)).toEqual([]);
    await later(scene.id, 2);
    const { message_id, prompt } = await scene.container.prompt();
    expect(prompt).toContain(at);
    expect(prompt).toMatch(/\n\nlook$/);
    expect(await events(scene, 'fired')).toEqual([{ wakeup_id, message_id }]);
    expect(await waiting(scene)).toEqual([]);
    scene.container.result(message_id, 'looked');
    await scene.container.stored();
    expect(await messages(scene)).toMatchObject([
      { message_id, origin: 'agent', status: 'completed', result: 'looked' },
    ]);
    const turns = await scene.user.call('GET', `/sessions/${scene.id}/turns`);
    expect(turns.body.data).toMatchObject([{ turn_id: message_id, origin: 'agent', message_ids: [message_id] }]);
    await later(scene.id, 60);
    expect(await messages(scene)).toHaveLength(1);
  });

  it('wakes a session that was stopped, after a restart of the edge too', async () => {
    const scene = await ran();
    await schedule(scene.container);
    await park(scene);
    await evict(sessionObject(scene.id));
    expect(await show(scene.user, scene.id)).toMatchObject({ status: 'stopped' });
    await later(scene.id, 61);
    vi.useRealTimers();
    const again = await scene.runner.start(scene.id);
    expect(again.launch).toMatchObject({ epoch: 2, resume: true });
    expect((await again.prompt()).prompt).toMatch(/look$/);
  });

  it('has an alarm of its own, and one that fell due while the edge was down comes at once', async () => {
    const scene = await ran();
    const wakeup_id = await schedule(scene.container, 1);
    await park(scene);
    // No test runs this alarm.
    await expect.poll(() => events(scene, 'fired')).toMatchObject([{ wakeup_id }]);
    const again = await scene.runner.start(scene.id);
    await again.prompt();
    await schedule(again, 600, 'late');
    await evict(sessionObject(scene.id));
    await later(scene.id, 1200);
    expect(await events(scene, 'fired')).toHaveLength(2);
  });

  it('waits its turn behind what runs', async () => {
    const scene = await ran();
    await scene.user.call('POST', `/sessions/${scene.id}/chat`, { prompt: 'work' });
    const first = await scene.container.prompt();
    await schedule(scene.container);
    await later(scene.id, 61);
    expect(await messages(scene)).toMatchObject([{ status: 'processing' }, { status: 'queued', origin: 'agent' }]);
    expect(scene.container.data.unread(isCommand)).toBe(0);
    scene.container.result(first.message_id, 'done');
    expect((await scene.container.prompt()).prompt).toMatch(/look$/);
  });

  it('due with the end of the container’s life goes to the next one', async () => {
    const scene = await ran({ config: { timeout_seconds: 60 } });
    await schedule(scene.container);
    await later(scene.id, 120);
    vi.useRealTimers();
    await scene.runner.end(scene.container, 'stopped_by_user');
    const again = await scene.runner.start(scene.id);
    expect((await again.prompt()).prompt).toMatch(/look$/);
    expect(await messages(scene)).toMatchObject([{ status: 'processing' }]);
  });

  it('is not lost when the queue is full', async () => {
    const scene = await ran();
    await schedule(scene.container);
    const chat = () => scene.user.call('POST', `/sessions/${scene.id}/chat`, { prompt: 'work' });
    await runInDurableObject(sessionObject(scene.id), async (session: Session) => {
      for (let n = 0; n <= 1000; n += 1) {
        const input = { message_id: crypto.randomUUID(), prompt: 'work', timeout_seconds: undefined };
        await session.chat(scene.user.name, { ...input, idempotency_key: undefined });
      }
    });
    expect((await chat()).body.code).toBe('queue_full');
    await later(scene.id, 61);
    expect(await show(scene.user, scene.id)).toMatchObject({ queued_messages: 1001 });
    expect(await waiting(scene)).toEqual([]);
  });

  it('of a child reaches its parent as any answer of the child’s does', async () => {
    const scene = await ran();
    const child = await spawn(scene.user, scene.id);
    const container = await scene.runner.start(child);
    await schedule(container);
    container.result((await container.prompt()).message_id, 'begun');
    await container.stored();
    await later(child, 61);
    const { message_id } = await container.prompt();
    container.result(message_id, 'woken');
    await container.stored();
    const results = async () => ofType(await scene.user.events(scene.id), 'child.result');
    await expect
      .poll(results)
      .toMatchObject([{ result: 'begun' }, { message_id, status: 'completed', result: 'woken' }]);
  });
});

describe('wake-ups', () => {
  it('are listed, the next one first, and canceled by the agent', async () => {
    const scene = await ran();
    const second = await schedule(scene.container, 120, 'second');
    const first = await schedule(scene.container, 60, 'first');
    const listed = await use(scene.container, 'list_wakeups');
    expect(listed.structured.wakeups).toEqual(await waiting(scene));
    expect(listed.structured.wakeups).toMatchObject([{ wakeup_id: first }, { wakeup_id: second, prompt: 'second' }]);
    const cancel = (wakeup_id: string) => use(scene.container, 'cancel_wakeup', { wakeup_id });
    expect(await cancel(first.toUpperCase())).toMatchObject({ is_error: false, structured: { canceled: true } });
    const again = await cancel(first);
    expect(again).toMatchObject({ is_error: true, text: expect.stringContaining('wakeup_not_found') });
    expect(await events(scene, 'canceled')).toEqual([{ wakeup_id: first }]);
    await later(scene.id, 61);
    expect(await events(scene, 'fired')).toEqual([]);
  });

  it('are canceled by the session’s owner, and nobody else sees them', async () => {
    const scene = await ran();
    const wakeup_id = await schedule(scene.container);
    const path = `/sessions/${scene.id}/wakeups`;
    const stranger = new User();
    expect(await stranger.call('GET', path)).toMatchObject({ status: 404, body: { code: 'session_not_found' } });
    expect((await stranger.call('DELETE', `${path}/${wakeup_id}`)).body.code).toBe('session_not_found');
    expect((await scene.user.call('GET', path)).body).toMatchObject({ data: [{ wakeup_id }], next_cursor: null });
    expect((await scene.user.call('DELETE', `${path}/${wakeup_id.toUpperCase()}`)).status).toBe(204);
    expect(await scene.user.call('DELETE', `${path}/${wakeup_id}`)).toMatchObject({
      status: 404,
      body: { code: 'wakeup_not_found' },
    });
    expect(await events(scene, 'canceled')).toEqual([{ wakeup_id }]);
    expect(await waiting(scene)).toEqual([]);
  });

  it.each([
    ['no time', {}, 'either in_seconds or at'],
    ['two times', { in_seconds: 5, at: new Date(Date.now() + 60_000).toISOString() }, 'not both'],
    ['a time that is over', { at: '2026-01-01T00:00:00Z' }, 'Give a time between'],
  ])('with %s are refused in a sentence', async (_, when, words) => {
    const scene = await ran();
    const answer = await use(scene.container, 'schedule_wakeup', { prompt: 'look', ...when });
    expect(answer).toMatchObject({ is_error: true, text: expect.stringContaining(words) });
    expect(await waiting(scene)).toEqual([]);
  });

  it(`are at most ${MAX_WAKEUPS} at a time, with prompts of any length that is allowed`, async () => {
    const scene = await ran();
    const ids: string[] = [];
    for (let n = 0; n < MAX_WAKEUPS; n += 1)
      ids.push(await schedule(scene.container, 60, 'p'.repeat(MAX_WAKEUP_PROMPT)));
    const more = await use(scene.container, 'schedule_wakeup', { in_seconds: 60, prompt: 'one more' });
    expect(more).toMatchObject({ is_error: true, text: expect.stringMatching(/wakeups_limit_reached.*cancel_wakeup/) });
    expect(await waiting(scene)).toHaveLength(MAX_WAKEUPS);
    const listed = await use(scene.container, 'list_wakeups');
    expect(listed.text.length).toBeLessThan(100_000);
    await use(scene.container, 'cancel_wakeup', { wakeup_id: ids[0] });
    await schedule(scene.container);
  });

  it('are not for a session whose agent_tools do not name them', async () => {
    const scene = await ran({ config: { agent_tools: ['notify_user', 'list_wakeups'] } });
    const input = { in_seconds: 60, prompt: 'look' };
    expect(await use(scene.container, 'schedule_wakeup', input)).toMatchObject({
      is_error: true,
      text: expect.stringContaining('may not use schedule_wakeup'),
    });
    expect(ofType(await scene.user.events(scene.id), 'session.tool_refused')).toMatchObject([
      { tool: 'schedule_wakeup' },
    ]);
    expect(await waiting(scene)).toEqual([]);
  });

  it('are not copied by a fork', async () => {
    const scene = await ran();
    const { user, id } = scene;
    await schedule(scene.container);
    await parkSaved(scene);
    const { body } = await user.call('POST', `/sessions/${id}/fork`, {});
    expect(await waiting({ user, id: body.session_id })).toEqual([]);
    expect(await waiting(scene)).toHaveLength(1);
  });

  it('go with a session that is deleted', async () => {
    const scene = await ran();
    await schedule(scene.container);
    await scene.user.call('DELETE', `/sessions/${scene.id}`);
    await later(scene.id, 61);
    await runInDurableObject(sessionObject(scene.id), async (_, { storage }) => {
      expect(await storage.getAlarm()).toBeNull();
      expect(storage.sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'wakeups'").toArray()).toEqual([]);
    });
  });

  it.each(['its own', 'a child’s'])('keep a session that nobody spoke to: %s', async (whose) => {
    const scene = await ran();
    const { user, runner, id, container } = scene;
    const waker = whose === 'its own' ? container : await runner.start(await spawn(user, id));
    await schedule(waker, 10 * 86_400);
    await parkSaved(scene);
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3 * 86_400_000 });
    await runInDurableObject(sessionObject(id), async (_, ctx) => {
      await new Session(ctx, { ...env, SESSION_RETENTION_DAYS: '2' } as typeof env).alarm();
      expect(ctx.storage.sql.exec('SELECT 1 FROM record').toArray()).toHaveLength(1);
    });
  });
});
