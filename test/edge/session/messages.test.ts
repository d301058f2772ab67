import { runInDurableObject } from 'cloudflare:test';
import { beforeEach, describe, expect, it } from 'vitest';
import { User } from '../support/api.ts';
import { emptyPool } from '../support/pool.ts';
import { FakeRunner, type FakeContainer, isCommand } from '../support/runner.ts';
import { sessionObject } from '../support/scene.ts';
import { evict } from '../support/setup/evict.ts';

beforeEach(emptyPool);

interface Scene {
  readonly user: User;
  readonly runner: FakeRunner;
  readonly id: string;
  readonly container: FakeContainer;
}

async function scene(config: object = {}): Promise<Scene> {
  const user = new User();
  const runner = await FakeRunner.connect();
  const id = await user.createSession(config);
  return { user, runner, id, container: await runner.start(id) };
}

const show = async ({ user, id }: Scene) => (await user.call('GET', `/sessions/${id}`)).body;

describe('a message', () => {
  it('is accepted at once, and found again with its result', async () => {
    const { user, id, container } = await scene();
    const accepted = await user.call('POST', `/sessions/${id}/chat`, { prompt: 'Hello', stream: true });
    expect(accepted).toMatchObject({ status: 202, body: { message_id: expect.any(String), status: 'processing' } });
    const path = `/sessions/${id}/messages/${accepted.body.message_id}`;
    const { message_id, prompt } = await container.prompt();
    expect(prompt).toBe('Hello');
    expect((await user.call('GET', path)).body).toMatchObject({ status: 'processing', finished_at: null });
    container.result(message_id, 'Hi there');
    await container.stored();
    expect((await user.call('GET', path)).body).toMatchObject({
      message_id,
      status: 'completed',
      type: 'result',
      subtype: 'success',
      result: 'Hi there',
      duration_ms: 5,
      total_cost_usd: 0.25,
      usage: { input_tokens: 10, output_tokens: 5, cache_creation_input_tokens: 7, cache_read_input_tokens: 9 },
      error: null,
    });
  });

  it('answers with its result when the caller waits', async () => {
    const { user, id, container } = await scene();
    const answer = user.call('POST', `/sessions/${id}/chat`, { prompt: 'Hello', stream: false });
    const { message_id } = await container.prompt();
    container.result(message_id, 'Hi there');
    expect(await answer).toMatchObject({
      status: 200,
      body: { message_id, status: 'completed', type: 'result', result: 'Hi there', usage: { input_tokens: 10 } },
    });
  });

  it('waits until the turn before it has ended', async () => {
    const { user, id, container } = await scene();
    await user.call('POST', `/sessions/${id}/chat`, { prompt: 'one' });
    const two = await user.call('POST', `/sessions/${id}/chat`, { prompt: 'two' });
    const first = await container.prompt();
    expect((await user.call('GET', `/sessions/${id}/messages/${two.body.message_id}`)).body.status).toBe('queued');
    expect(container.data.unread(isCommand)).toBe(0);
    container.result(first.message_id, 'done one');
    expect((await container.prompt()).message_id).toBe(two.body.message_id);
  });

  it('sent while the container starts is handed over when it is ready', async () => {
    const user = new User();
    const runner = await FakeRunner.connect();
    const id = await user.createSession();
    const { body } = await user.call('POST', `/sessions/${id}/chat`, { prompt: 'early' });
    const container = await runner.start(id);
    expect((await container.prompt()).message_id).toBe(body.message_id);
  });

  it('is one for two calls with the same Idempotency-Key', async () => {
    const { user, id, container } = await scene();
    const key = { 'idempotency-key': 'k' };
    const one = await user.call('POST', `/sessions/${id}/chat`, { prompt: 'once' }, key);
    const two = await user.call('POST', `/sessions/${id}/chat`, { prompt: 'once' }, key);
    expect(two.body.message_id).toBe(one.body.message_id);
    const three = await user.call('POST', `/sessions/${id}/chat`, { prompt: 'other' }, key);
    expect(three.body.code).toBe('idempotency_key_reused');
    await container.prompt();
    expect(container.data.unread(isCommand)).toBe(0);
  });

  it('is counted in the session: turns and cost', async () => {
    const all = await scene();
    for (const prompt of ['one', 'two']) {
      const answer = all.user.call('POST', `/sessions/${all.id}/chat`, { prompt, stream: false });
      all.container.result((await all.container.prompt()).message_id, 'ok');
      await answer;
    }
    expect(await show(all)).toMatchObject({ status: 'idle', total_turns: 2, total_cost_usd: 0.5 });
  });

  it.each([
    [401, 'authentication_error', 'model_auth_failed', 'credential'],
    [429, 'rate_limit_error', 'model_rate_limited', 'later'],
    [529, 'overloaded_error', 'model_overloaded', 'later'],
    [502, 'model_unreachable', 'model_unreachable', 'ANTHROPIC_BASE_URL'],
    [500, 'api_error', 'model_error', '500'],
    [404, 'not_found_error', 'model_not_found', 'no such model'],
    [402, 'billing_error', 'model_billing', 'credit'],
  ])('says which when the model answers %i %s', async (status, type, code, word) => {
    const { user, id, container } = await scene();
    const answer = user.call('POST', `/sessions/${id}/chat`, { prompt: 'x', stream: false });
    const failure = { is_error: true, terminal_reason: 'api_error', api_error_status: status, api_error_type: type };
    container.result((await container.prompt()).message_id, 'API Error', failure);
    const { body } = await answer;
    expect(body).toMatchObject({ status: 'failed', error: { code } });
    expect(body.error.detail).toContain(word);
  });

  it.each([
    [{ error: 'max_output_tokens', api_error_params: { cut: 'context_window' } }, 'context_window_full'],
    [{ error: 'max_output_tokens', api_error_params: { cut: 'output_limit' } }, 'output_limit'],
  ])(
    'says which limit ended it, though the session was restarted between the two lines about it',
    async (line, code) => {
      const { user, id, container } = await scene();
      const { body: sent } = await user.call('POST', `/sessions/${id}/chat`, { prompt: 'x' });
      const { message_id } = await container.prompt();
      container.say({ type: 'assistant', parent_tool_use_id: null, message: { model: '<synthetic>' }, ...line });
      container.say({ type: 'system', subtype: 'status', filler: 'x'.repeat(1_200_000) });
      await container.stored();
      await evict(sessionObject(id));
      const failure = { is_error: true, terminal_reason: 'api_error', api_error: 'max_output_tokens' };
      container.result(message_id, 'API Error', failure);
      await container.stored();
      const { body } = await user.call('GET', `/sessions/${id}/messages/${sent.message_id}`);
      expect(body).toMatchObject({ status: 'failed', error: { code } });
    },
  );

  it('that ended by a usage limit says when that is reset', async () => {
    const { user, id, container } = await scene();
    const answer = user.call('POST', `/sessions/${id}/chat`, { prompt: 'x', stream: false });
    const { message_id } = await container.prompt();
    const rate_limit_info = { status: 'rejected', resetsAt: 4_102_444_800 };
    const message = { model: '<synthetic>' };
    container.say({ type: 'assistant', message, error: 'rate_limit', api_error_params: { rate_limit_info } });
    container.result(message_id, 'limit', { is_error: true, terminal_reason: 'api_error', api_error_status: 429 });
    expect((await answer).body.error).toMatchObject({
      code: 'model_rate_limited',
      retry_at: '2100-01-01T00:00:00.000Z',
    });
  });

  it('of an earlier version gets the counts of its tokens from the log', async () => {
    const { user, id, container } = await scene();
    const ids: string[] = [];
    for (const usage of [{ cache_creation_input_tokens: 3, cache_read_input_tokens: 'many' }, 'none']) {
      await user.call('POST', `/sessions/${id}/chat`, { prompt: 'x' });
      const { message_id } = await container.prompt();
      container.result(message_id, 'ok', { usage });
      ids.push(message_id);
    }
    await container.stored();
    const object = sessionObject(id);
    await runInDurableObject(object, (_, { storage: { sql } }) => {
      sql.exec('UPDATE schema_version SET version = 2');
      const usage = JSON.stringify({ input_tokens: 1, output_tokens: 2 });
      sql.exec("UPDATE messages SET turn = json_set(turn, '$.usage', json(?))", usage);
    });
    await evict(object);
    const usages = await Promise.all(
      ids.map(async (each) => (await user.call('GET', `/sessions/${id}/messages/${each}`)).body.usage),
    );
    const kept = { input_tokens: 1, output_tokens: 2, cache_read_input_tokens: 0 };
    expect(usages).toEqual([
      { ...kept, cache_creation_input_tokens: 3 },
      { ...kept, cache_creation_input_tokens: 0 },
    ]);
  });

  it('is interrupted, and the session takes the next', async () => {
    const all = await scene();
    const { user, id, container } = all;
    const answer = user.call('POST', `/sessions/${id}/chat`, { prompt: 'long', stream: false });
    const { message_id } = await container.prompt();
    const interrupt = await user.call('POST', `/sessions/${id}/interrupt`);
    expect(interrupt).toMatchObject({ status: 200, body: { interrupted: true, message_id } });
    await container.interrupted();
    const aborted = { subtype: 'error_during_execution', is_error: true, terminal_reason: 'aborted_streaming' };
    container.result(message_id, '', aborted);
    expect((await answer).body).toMatchObject({ status: 'interrupted', error: { code: 'interrupted' } });
    expect(await show(all)).toMatchObject({ status: 'idle' });
    await user.call('POST', `/sessions/${id}/chat`, { prompt: 'next' });
    expect((await container.prompt()).prompt).toBe('next');
  });

  it('is told that there was nothing to interrupt', async () => {
    const { user, id } = await scene();
    const { body } = await user.call('POST', `/sessions/${id}/interrupt`);
    expect(body).toEqual({ interrupted: false, message_id: null });
  });

  it('whose time has run out has its turn interrupted and fails', async () => {
    const { user, id, container } = await scene();
    const answer = user.call('POST', `/sessions/${id}/chat`, { prompt: 'x', stream: false, timeout_seconds: 1 });
    const { message_id } = await container.prompt();
    await container.interrupted();
    const aborted = { subtype: 'error_during_execution', is_error: true, terminal_reason: 'aborted_tools' };
    container.result(message_id, '', aborted);
    expect((await answer).body).toMatchObject({ status: 'failed', error: { code: 'turn_timeout' } });
  });

  it('fails with the reason when its container ends under it, and the next one starts another', async () => {
    const all = await scene();
    const { user, id, runner, container } = all;
    const answer = user.call('POST', `/sessions/${id}/chat`, { prompt: 'x', stream: false });
    await container.prompt();
    await runner.end(container, 'out_of_memory');
    expect((await answer).body).toMatchObject({ status: 'failed', error: { code: 'out_of_memory' } });
    expect(await show(all)).toMatchObject({ status: 'failed', reason: { code: 'out_of_memory' } });
    await user.call('POST', `/sessions/${id}/chat`, { prompt: 'again' });
    const launch = await runner.launch(id);
    expect(launch).toMatchObject({ epoch: 2, resume: true });
  });

  it('names why Claude Code ended, not only that the container did', async () => {
    const { user, id, runner, container } = await scene();
    const answer = user.call('POST', `/sessions/${id}/chat`, { prompt: 'x', stream: false });
    await container.prompt();
    container.say({ notice: 'exited', code: 7, signal: null, stderr: 'segmentation fault' });
    await container.stored();
    await runner.end(container);
    const { body } = await answer;
    expect(body).toMatchObject({ status: 'failed', error: { code: 'claude_exited' } });
    expect(body.error.detail).toContain('segmentation fault');
  });

  it('fails when the container could not be started, with what to do', async () => {
    const user = new User();
    const runner = await FakeRunner.connect();
    const id = await user.createSession();
    const answer = user.call('POST', `/sessions/${id}/chat`, { prompt: 'x', stream: false });
    const { epoch } = await runner.launch(id);
    await expect.poll(async () => (await user.call('GET', `/sessions/${id}`)).body.queued_messages).toBe(1);
    const reason = { code: 'image_missing' as const, detail: 'Run `npm run image`.' };
    runner.send({ kind: 'ended', session_id: id, epoch, reason });
    expect((await answer).body).toMatchObject({ status: 'failed', error: reason });
    expect((await user.call('GET', `/sessions/${id}`)).body).toMatchObject({ status: 'failed', reason });
  });

  it('is given up when its session is stopped, and a message after that wakes the session', async () => {
    const all = await scene();
    const { user, id, runner, container } = all;
    const running = user.call('POST', `/sessions/${id}/chat`, { prompt: 'one', stream: false });
    await container.prompt();
    const waiting = user.call('POST', `/sessions/${id}/chat`, { prompt: 'two', stream: false });
    await expect.poll(async () => (await show(all)).queued_messages).toBe(1);
    await user.call('POST', `/sessions/${id}/stop`);
    for (const answer of [await running, await waiting]) {
      expect(answer.body).toMatchObject({ status: 'interrupted', error: { code: 'stopped_by_user' } });
    }
    expect((await runner.control.next(({ kind }) => kind === 'stop')).session_id).toBe(id);
    await user.call('POST', `/sessions/${id}/chat`, { prompt: 'three' });
    expect((await show(all)).status).toBe('queued');
    await runner.end(container, 'stopped_by_user');
    const woken = await runner.start(id);
    expect(woken.launch.epoch).toBe(2);
    expect((await woken.prompt()).prompt).toBe('three');
  });

  it('keeps its answer when a later turn of claude’s own fails or says nothing, and has it from one that speaks', async () => {
    const { user, id, container } = await scene();
    const { body } = await user.call('POST', `/sessions/${id}/chat`, { prompt: 'x' });
    container.result((await container.prompt()).message_id, 'the answer');
    const own = (result: string, change: object = {}) => {
      container.say({ type: 'system', subtype: 'init' });
      const origin = { kind: 'task-notification', runId: 'r' };
      container.result('', result, { user_message_uuids: undefined, origin, num_turns: 1, ...change });
    };
    const path = `/sessions/${id}/messages/${body.message_id}`;
    own('API Error', { is_error: true, terminal_reason: 'api_error', api_error_status: 500 });
    own('');
    await container.stored();
    expect((await user.call('GET', path)).body).toMatchObject({ status: 'completed', result: 'the answer' });
    own('more of it');
    await container.stored();
    const { result, turns, total_cost_usd } = (await user.call('GET', path)).body;
    expect({ result, turns: turns.length, total_cost_usd }).toEqual({
      result: 'more of it',
      turns: 4,
      total_cost_usd: 1,
    });
  });

  it('of a background task of Claude Code’s own answers nobody and disturbs nobody', async () => {
    const all = await scene();
    const { user, id, container } = all;
    container.result(crypto.randomUUID(), 'a task has finished');
    await container.stored();
    const answer = user.call('POST', `/sessions/${id}/chat`, { prompt: 'x', stream: false });
    const { message_id } = await container.prompt();
    container.result(crypto.randomUUID(), 'another has');
    container.result(message_id, 'the answer');
    expect((await answer).body.result).toBe('the answer');
  });
});
