import { env, runInDurableObject } from 'cloudflare:test';
import { beforeEach, expect, test } from 'vitest';
import type { EdgeEnv } from '../../../../durable/rpc/edge-env.ts';
import { SessionAssembly } from '../../../../durable/session/assembly.ts';
import { until } from '../../../support/until.ts';
import { User } from '../../support/api.ts';
import { emptyPool } from '../../support/pool.ts';
import { FakeRunner } from '../../support/runner.ts';
import { ran, sessionObject } from '../../support/scene.ts';
import { ofType, spawn } from '../children/support/family.ts';
import { HookHost } from './support/receivers.ts';

beforeEach(emptyPool);

const deliveries = async (user: User, id: string, query = '') =>
  (await user.call('GET', `/sessions/${id}/deliveries${query}`)).body.data;

/** Says so many long things in a session whose bounds are these. */
async function say(id: string, times: number, bounds: Record<string, string>): Promise<void> {
  const bounded: EdgeEnv = Object.assign(Object.create(null), env, bounds);
  await runInDurableObject(sessionObject(id), (_, ctx) => {
    const { store } = new SessionAssembly(ctx, bounded);
    for (let said = 0; said < times; said += 1) {
      const data = { message: `${said} ${'x'.repeat(140_000)}`, priority: 'normal', summary: null } as const;
      store.change((tx) => tx.emit({ type: 'session.notification', data }));
    }
  });
}

test('what waits for one receiver is bounded: more is dropped, and listed as that', async () => {
  const [away, there] = [new HookHost(), new HookHost()];
  await away.answers(...Array.from({ length: 20 }, () => 500));
  const user = new User();
  const { id } = await ran({ config: { callback: { type: 'webhook', url: away.url } } }, user);
  await user.call('PUT', '/webhooks/there', { url: there.url });
  await say(id, 6, { WEBHOOK_QUEUE_MB: '1' });
  await until(async () => expect(await there.posts()).toHaveLength(6));
  await say(id, 4, { WEBHOOK_QUEUE_MB: '1' });
  await until(async () => {
    const all = await deliveries(user, id);
    const own = all.filter((one: { webhook: string | null }) => one.webhook === null);
    // 8 × 140 KB are the first MB; what comes then waits no more.
    expect(own.map(({ state }: { state: string }) => state).toReversed()).toEqual([
      ...Array.from({ length: 8 }, () => 'waiting'),
      'dropped',
      'dropped',
    ]);
    expect(own[0].detail).toContain('WEBHOOK_QUEUE_MB');
  });
  // Another receiver has all of it.
  await until(async () => expect(await there.posts()).toHaveLength(10));
});

test('the newest deliveries are kept when they are done with, and no more', async () => {
  const hook = new HookHost();
  const user = new User();
  const { id } = await ran({ config: { callback: { type: 'webhook', url: hook.url } } }, user);
  await say(id, 5, { WEBHOOK_DELIVERIES_KEPT: '2' });
  await until(async () => {
    expect(await hook.posts()).toHaveLength(5);
    expect(await deliveries(user, id)).toMatchObject([{ state: 'delivered' }, { state: 'delivered' }]);
  });
  const stored = await runInDurableObject(sessionObject(id), (_, { storage }) =>
    storage.sql.exec('SELECT 1 FROM webhook_notices').toArray(),
  );
  expect(stored).toHaveLength(2);
});

test('an owner has so many webhooks, and no more', async () => {
  const user = new User();
  const put = async (name: string) => await user.call('PUT', `/webhooks/${name}`, { url: 'https://hooks.example/in' });
  for (let at = 0; at < 20; at += 1) expect((await put(`hook-${at}`)).status).toBe(200);
  const more = await put('one-more');
  expect([more.status, more.body.code]).toEqual([429, 'webhooks_limit_reached']);
  expect(more.body.detail).toContain('MAX_WEBHOOKS_PER_OWNER');
  // One that is there can still be changed.
  expect((await put('hook-0')).status).toBe(200);
});

test('a child’s callback takes the events and the format that it names', async () => {
  const [told, chat] = [new HookHost(), new HookHost('slack')];
  const runner = await FakeRunner.connect();
  const user = new User();
  const id = await user.createSession();
  await runner.start(id);
  const named = await spawn(user, id, {
    callback: { type: 'webhook', url: told.url, events: ['message.completed', 'child.status'] },
  });
  const slack = await spawn(user, id, { callback: { type: 'webhook', url: chat.url, format: 'slack' } });
  for (const child of [named, slack]) {
    const container = await runner.start(child);
    container.result((await container.prompt()).message_id, 'forty-two');
    await container.stored();
  }
  await until(async () => expect(await told.types()).toContain('message.completed'));
  expect(new Set(await told.types())).toEqual(new Set(['message.completed', 'child.status']));
  await until(async () => {
    const shown = (await chat.posts()).map((post) => post.shown.join('\n'));
    expect(shown).toContainEqual(expect.stringMatching(/completed[^]*forty-two/));
  });
  expect((await chat.posts()).every(({ status }) => status === 200)).toBe(true);
  // What its parent hears is as before.
  await until(async () => expect(ofType(await user.events(id), 'child.result')).toHaveLength(2));
});
