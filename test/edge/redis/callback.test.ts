import { Redis } from '@upstash/redis/cloudflare';
import { runInDurableObject, env } from 'cloudflare:test';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { SessionAssembly } from '../../../durable/session/assembly.ts';
import type { EdgeEnv } from '../../../durable/rpc/edge-env.ts';
import { createApp } from '../../../functions/app.ts';
import { until } from '../../support/until.ts';
import { User } from '../support/api.ts';
import { emptyPool } from '../support/pool.ts';
import { FakeRunner } from '../support/runner.ts';
import { sessionObject } from '../support/scene.ts';
import { ofType, spawn } from '../session/children/support/family.ts';
import { oldestWaiting, tryNow } from '../session/webhooks/support/try-now.ts';
import { describeRedis } from './support/redis.ts';

async function parent() {
  const user = new User();
  const runner = await FakeRunner.connect();
  return { user, runner, id: await user.createSession() };
}

/** Has the child's first message end. */
async function finish(runner: FakeRunner, child: string, result: string) {
  const container = await runner.start(child);
  container.result((await container.prompt()).message_id, result);
  await container.stored();
}

/** The child's oldest update, once a try has failed. */
async function failedOnce(user: User, child: string) {
  return await until(async () => {
    const first = await oldestWaiting(user, child);
    expect(first?.attempts).toBeGreaterThan(0);
    return first ?? expect.unreachable();
  });
}

describeRedis('callback: pubsub', ({ settings, redis, trouble }) => {
  beforeEach(emptyPool);

  /** What is published on a channel from now on. */
  async function listen(channel: string) {
    // oxlint-disable-next-line typescript/no-explicit-any -- tests read whatever came, and fail when it is not there
    const heard: any[] = [];
    const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = settings;
    const subscription = new Redis({ url, token, automaticDeserialization: false }).subscribe<string>([channel]);
    subscription.on('message', ({ message }) => heard.push(JSON.parse(message)));
    onTestFinished(() => subscription.unsubscribe());
    await until(async () => expect(await redis.exec(['PUBSUB', 'NUMSUB', channel])).toEqual([channel, 1]));
    return heard;
  }

  test('a child’s updates are published on the seed’s channel, in order, as webhooks have them', async () => {
    const { user, runner, id } = await parent();
    const heard = await listen(`session:${id}:children`);
    const child = await spawn(user, id, { callback: { type: 'pubsub' } });
    await finish(runner, child, 'forty-two');
    await until(() => expect(heard.at(-1)).toMatchObject({ type: 'child.status', data: { status: 'idle' } }));
    expect(heard.find(({ type }) => type === 'child.result')).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      type: 'child.result',
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
      data: expect.objectContaining({ child_session_id: child, status: 'completed', result: 'forty-two' }),
    });
    // All that the parent hears, and nothing else.
    const updates = (await user.events(id)).filter(({ type }) => /^child\.(status|result)$/.test(type));
    expect(heard.map(({ type, data }) => ({ type, data }))).toEqual(updates.map(({ type, data }) => ({ type, data })));
    expect(new Set(heard.map((one) => one.id)).size).toBe(heard.length);
  });

  test('on a channel of the caller’s own, also when Redis takes 300 ms', async () => {
    const { user, runner, id } = await parent();
    const channel = `mine:${crypto.randomUUID()}`;
    await trouble(channel, 'slow', 300);
    const heard = await listen(channel);
    await finish(runner, await spawn(user, id, { callback: { type: 'pubsub', channel } }), 'late');
    await until(() => expect(heard).toContainEqual(expect.objectContaining({ type: 'child.result' })));
    expect(new Set(heard.map((one) => one.id)).size).toBe(heard.length);
  });

  test('an update that Redis does not take waits in the outbox and is published again, in order', async () => {
    const { user, runner, id } = await parent();
    const channel = `mine:${crypto.randomUUID()}`;
    await trouble(channel, 'failing');
    const heard = await listen(channel);
    const child = await spawn(user, id, { callback: { type: 'pubsub', channel } });
    await finish(runner, child, 'kept');
    const first = await failedOnce(user, child);
    expect(heard).toEqual([]);
    await trouble(channel, 'none');
    await tryNow(user, child);
    await until(() => expect(heard).toContainEqual(expect.objectContaining({ type: 'child.result' })));
    expect(heard[0].id).toBe(first.delivery_id);
  });

  test('an update whose answer was lost is published again with the same id', async () => {
    const { user, id } = await parent();
    const channel = `mine:${crypto.randomUUID()}`;
    const heard = await listen(channel);
    await trouble(channel, 'lost');
    const child = await spawn(user, id, { callback: { type: 'pubsub', channel } });
    await until(() => expect(heard.length).toBeGreaterThan(0));
    await failedOnce(user, child);
    await trouble(channel, 'none');
    await tryNow(user, child);
    await until(() => expect(heard.filter((one) => one.id === heard[0].id).length).toBeGreaterThan(1));
  });

  test('one that is given up is told to the parent', async () => {
    const { user, id } = await parent();
    const channel = `mine:${crypto.randomUUID()}`;
    await trouble(channel, 'failing');
    const child = await spawn(user, id, { callback: { type: 'pubsub', channel } });
    await failedOnce(user, child);
    await runInDurableObject(sessionObject(child), (_, { storage }) => {
      storage.sql.exec('UPDATE webhook_deliveries SET attempts = 9');
    });
    await tryNow(user, child);
    await until(async () =>
      expect(ofType(await user.events(id), 'child.callback_failed')).toContainEqual(
        expect.objectContaining({ url: `pubsub:${channel}`, attempts: 10, detail: expect.stringContaining('Redis: ') }),
      ),
    );
  });

  test('a channel whose name does not fit is refused', async () => {
    const { user, id } = await parent();
    for (const channel of ['', 'cc-docker/revoked', 'a b', ':a', 'x'.repeat(129)]) {
      const body = { prompt: 'x', callback: { type: 'pubsub', channel } };
      expect((await user.call('POST', `/sessions/${id}/spawn`, body)).body.code).toBe('invalid_request');
    }
  });

  test('without Redis it is refused at once, and no child is made', async () => {
    const { user, id } = await parent();
    const none = { UPSTASH_REDIS_REST_URL: undefined, UPSTASH_REDIS_REST_TOKEN: undefined };
    const other: EdgeEnv = Object.assign(Object.create(null), env, none);
    await runInDurableObject(sessionObject(id), async (_, ctx) => {
      const { children } = new SessionAssembly(ctx, other);
      const refused = await children.spawn({
        child_id: crypto.randomUUID(),
        request: { prompt: 'x', workspace: { type: 'ephemeral' }, config: {}, callback: { type: 'pubsub' } },
        idempotency_key: undefined,
        isWanted: () => true,
      });
      expect(refused).toMatchObject({
        refused: 'redis_not_configured',
        detail: expect.stringContaining('UPSTASH_REDIS_REST_URL'),
      });
    });
    expect((await user.call('GET', `/sessions/${id}/children`)).body.data).toEqual([]);
  });
});

test('one of the settings without the other is refused with a sentence', async () => {
  const half = { ...env, UPSTASH_REDIS_REST_URL: 'http://127.0.0.1:9', UPSTASH_REDIS_REST_TOKEN: undefined };
  const answer = await createApp().request('/health', {}, half);
  expect(answer.status).toBe(503);
  expect(await answer.json()).toMatchObject({
    code: 'not_configured',
    detail: expect.stringContaining('UPSTASH_REDIS_REST_TOKEN: must be set too, because UPSTASH_REDIS_REST_URL is'),
  });
});
