import { env, runDurableObjectAlarm } from 'cloudflare:test';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createApp } from '../../../../functions/app.ts';
import { User } from '../../support/api.ts';
import { emptyPool } from '../../support/pool.ts';
import { FakeRunner } from '../../support/runner.ts';

beforeEach(emptyPool);
afterEach(() => {
  vi.useRealTimers();
});

async function scene(config: object = {}) {
  const user = new User();
  const runner = await FakeRunner.connect();
  const id = await user.createSession(config);
  const container = await runner.start(id);
  return { user, runner, id, container };
}

/** Lets time pass, and the alarm come, as often as it likes. */
async function later(id: string, seconds: number): Promise<void> {
  const now = Date.now();
  vi.useFakeTimers({ toFake: ['Date'], now: now + seconds * 1000 });
  const session = env.SESSION.get(env.SESSION.idFromName(id));
  await runDurableObjectAlarm(session);
  await runDurableObjectAlarm(session);
}

describe('what a creation asks for', () => {
  it.each([
    ['timeout_seconds', 'CONTAINER_TIMEOUT_MAX'],
    ['idle_timeout_seconds', 'CONTAINER_IDLE_TIMEOUT_MAX'],
    ['interaction_timeout_seconds', 'INTERACTION_TIMEOUT_MAX'],
  ])('config.%s is at most the operator’s %s', async (name, setting) => {
    const authorization = `Bearer ${await new User().token}`;
    const create = (seconds: number) =>
      createApp().request(
        '/api/v1/sessions',
        { method: 'POST', headers: { authorization }, body: JSON.stringify({ config: { [name]: seconds } }) },
        { ...env, [setting]: '600' },
      );
    const refused = await create(601);
    expect(refused.status).toBe(422);
    expect(await refused.json()).toMatchObject({
      code: 'invalid_request',
      detail: expect.stringMatching(`config.${name}: .*600.*${setting}`),
      errors: [{ path: `config.${name}` }],
    });
    expect((await create(600)).status).toBe(201);
  });
});

describe('a session', () => {
  it('is parked after its own idle time', async () => {
    const { user, runner, id } = await scene({ idle_timeout_seconds: 7 });
    await later(id, 8);
    const { body } = await user.call('GET', `/sessions/${id}`);
    expect(body).toMatchObject({ status: 'stopped', reason: { code: 'idle_timeout' } });
    expect((await runner.control.next(({ kind }) => kind === 'stop')).session_id).toBe(id);
  });

  it.each([
    ['a user’s interrupt', undefined, 'interrupted', 'interrupted'],
    ['its message’s timeout', 1, 'failed', 'turn_timeout'],
  ])(
    'whose claude does not end its turn after %s loses the container, not what waits',
    async (_, timeout, status, code) => {
      const { user, runner, id, container } = await scene();
      const chat = (prompt: string, more: object = {}) =>
        user.call('POST', `/sessions/${id}/chat`, { prompt, ...more });
      const stuck = await chat('hang', timeout === undefined ? {} : { timeout_seconds: timeout });
      const next = await chat('then this');
      await container.prompt();
      if (timeout === undefined) await user.call('POST', `/sessions/${id}/interrupt`);
      else await later(id, timeout + 1);
      await container.interrupted();
      vi.useRealTimers();
      await later(id, 60);
      const message = await user.call('GET', `/sessions/${id}/messages/${stuck.body.message_id}`);
      expect(message.body).toMatchObject({ status, error: { code } });
      const { body } = await user.call('GET', `/sessions/${id}`);
      expect(body).toMatchObject({ status: 'queued', reason: { code: 'claude_unresponsive' } });
      expect((await runner.control.next(({ kind }) => kind === 'stop')).session_id).toBe(id);
      vi.useRealTimers();
      await runner.end(container, 'stopped_by_user');
      const again = await runner.start(id);
      expect(again.launch).toMatchObject({ epoch: 2, resume: true });
      expect((await again.prompt()).message_id).toBe(next.body.message_id);
    },
  );

  it('whose claude hangs with nothing waiting is stopped with a sentence, and the next message wakes it', async () => {
    const { user, runner, id, container } = await scene();
    await user.call('POST', `/sessions/${id}/chat`, { prompt: 'hang' });
    await container.prompt();
    await user.call('POST', `/sessions/${id}/interrupt`);
    await later(id, 60);
    const { body } = await user.call('GET', `/sessions/${id}`);
    expect(body).toMatchObject({ status: 'stopped', reason: { code: 'claude_unresponsive' } });
    expect(body.reason.detail).toContain('next message');
    vi.useRealTimers();
    await runner.end(container, 'stopped_by_user');
    await user.call('POST', `/sessions/${id}/chat`, { prompt: 'again' });
    expect((await runner.launch(id)).epoch).toBe(2);
  });
});
