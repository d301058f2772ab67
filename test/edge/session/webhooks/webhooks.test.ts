import { Webhook } from 'standardwebhooks';
import { beforeEach, describe, expect, test } from 'vitest';
import { until } from '../../../support/until.ts';
import { User } from '../../support/api.ts';
import { emptyPool } from '../../support/pool.ts';
import { FakeRunner } from '../../support/runner.ts';
import { ran, show } from '../../support/scene.ts';
import { askLeave, working } from '../interactions/support/asking.ts';
import { HookHost } from './support/receivers.ts';
import { tryNow } from './support/try-now.ts';

beforeEach(emptyPool);

/** The results of messages that a receiver has got. */
const results = async (hook: HookHost) => (await hook.bodies()).map(({ data }) => String(data.result));

async function put(user: User, name: string, body: object) {
  const answer = await user.call('PUT', `/webhooks/${name}`, body);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body;
}

describe('config.callback', () => {
  test('posts what a person wants to hear of, signed, with a secret that only the creation names', async () => {
    const hook = new HookHost();
    const user = new User();
    const runner = await FakeRunner.connect();
    const callback = { type: 'webhook', url: hook.url };
    const created = await user.call('POST', '/sessions', { config: { callback } });
    expect(created.status, JSON.stringify(created.body)).toBe(201);
    const { session_id: id, callback_secret: secret } = created.body;
    const container = await runner.start(id);
    const { message_id } = (await user.call('POST', `/sessions/${id}/chat`, { prompt: 'work' })).body;
    container.result((await container.prompt()).message_id, 'forty-two');
    const [post] = await until(async () => {
      const posts = await hook.posts();
      expect(posts).toHaveLength(1);
      return posts;
    });
    if (post === undefined) throw new Error('nothing was posted');
    // As a receiver does; it throws if the signature is not right.
    expect(new Webhook(secret).verify(post.body, post.headers)).toMatchObject({
      type: 'message.completed',
      data: { session_id: id, session_title: null, message_id, status: 'completed', result: 'forty-two' },
    });
    // A client goes on from there.
    const { seq } = JSON.parse(post.body).data;
    expect((await user.events(id)).find((event) => event.seq === seq)).toMatchObject({ type: 'message.completed' });
    // The container learns nothing of it, and a view shows no secret.
    expect(container.launch.config).not.toHaveProperty('callback');
    const view = await show(user, id);
    expect(view.callback).toEqual({
      url: hook.url,
      format: 'standard',
      answer_links: true,
      events: expect.arrayContaining(['message.completed']),
    });
    expect(JSON.stringify(view)).not.toContain(secret);
  });

  test('posts the events that it names, in the order of the log, and is no setting of children or forks', async () => {
    const hook = new HookHost();
    const callback = {
      type: 'webhook',
      url: hook.url,
      events: ['session.*', 'child.*', 'interaction.*', 'message.failed'],
    };
    const scene = await working({ callback });
    const { user, id, runner, container } = scene;
    const asked = await askLeave(scene);
    await user.call('POST', `/sessions/${id}/interactions/${asked}/resolve`, { decision: 'deny' });
    const { child_session_id } = (await user.call('POST', `/sessions/${id}/spawn`, { prompt: 'go' })).body;
    expect((await show(user, child_session_id)).callback).toBeNull();
    await user.call('POST', `/sessions/${id}/stop`);
    await runner.end(container, 'stopped_by_user');
    await until(async () => expect(await hook.types()).toContain('session.stopped'));
    const bodies = await hook.bodies();
    const types = bodies.map(({ type }) => type).filter((type) => !type.startsWith('child.status'));
    expect(types.slice(0, 3)).toEqual(['interaction.opened', 'interaction.resolved', 'child.spawned']);
    const seqs = bodies.map(({ data }) => data.seq);
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
    expect(bodies[1].data).toMatchObject({
      interaction_id: asked,
      resolved_by: user.name,
      subject: { tool_name: 'Bash' },
    });
  });

  test('is the same with the same key, and its secret too', async () => {
    const user = new User();
    const headers = { 'idempotency-key': crypto.randomUUID() };
    const body = { config: { callback: { type: 'webhook', url: new HookHost().url } } };
    const first = await user.call('POST', '/sessions', body, headers);
    const second = await user.call('POST', '/sessions', body, headers);
    expect(second.body).toMatchObject({
      session_id: first.body.session_id,
      callback_secret: first.body.callback_secret,
    });
    expect(first.body.callback_secret).toMatch(/^whsec_/);
  });

  test.each([
    [{ url: 'http://10.0.0.1/' }, /not a public address/],
    [{ url: 'https://me:pw@hooks.example/' }, /name or a password/],
    [{ url: 'https://ntfy.sh/a/b', format: 'ntfy' }, /ntfy topic/],
    [{ url: 'https://api.telegram.org/bot1:abcdefgh/sendMessage', format: 'telegram' }, /chat_id/],
    [{ url: 'https://hooks.example/', format: 'slack', secret: `whsec_${'A'.repeat(40)}` }, /not signed/],
    [{ url: 'https://hooks.example/', token: 'x' }, /only the format ntfy/],
    [{ url: 'https://hooks.example/', events: ['turn.ended'] }, /./],
  ])('%j is refused', async (target, why) => {
    const callback = { type: 'webhook', ...target };
    const { status, body } = await new User().call('POST', '/sessions', { config: { callback } });
    expect([status, body.code]).toEqual([422, 'invalid_request']);
    expect(body.detail).toMatch(why);
  });
});

describe('an owner’s webhook', () => {
  test('hears of all sessions, those too that began before it, and nothing of what was before', async () => {
    const hook = new HookHost();
    const { user, runner, id, container } = await ran();
    await user.call('POST', `/sessions/${id}/chat`, { prompt: 'before' });
    container.result((await container.prompt()).message_id, 'before');
    await container.stored();
    await put(user, 'all', { url: hook.url, events: ['message.completed'] });
    const other = await user.createSession();
    const second = await runner.start(other);
    for (const [session, one] of [
      [id, container],
      [other, second],
    ] as const) {
      await user.call('POST', `/sessions/${session}/chat`, { prompt: 'work' });
      one.result((await one.prompt()).message_id, `of ${session}`);
      await one.stored();
    }
    await until(async () => expect(await hook.bodies()).toHaveLength(2));
    const said = await results(hook);
    expect(said.toSorted()).toEqual([`of ${id}`, `of ${other}`].toSorted());
  });

  test('and a session’s own callback both post, each in order', async () => {
    const [own, owners] = [new HookHost(), new HookHost()];
    const user = new User();
    await put(user, 'all', { url: owners.url });
    const runner = await FakeRunner.connect();
    const id = await user.createSession({ callback: { type: 'webhook', url: own.url } });
    const container = await runner.start(id);
    await own.answers(500);
    for (const said of ['one', 'two', 'three']) {
      await user.call('POST', `/sessions/${id}/chat`, { prompt: said });
      container.result((await container.prompt()).message_id, said);
      await container.stored();
    }
    await until(async () => expect(await results(owners)).toEqual(['one', 'two', 'three']));
    expect(await results(own)).toEqual(['one']);
    await tryNow(user, id);
    await until(async () => expect(await results(own)).toEqual(['one', 'one', 'two', 'three']));
  });

  test('is listed without its secrets, replaced with the secret that it has, and removed', async () => {
    const user = new User();
    const telegram = 'https://api.telegram.org/bot123456789:AAE-secret-of-the-bot/sendMessage?chat_id=42';
    const made = await put(user, 'a', { url: 'https://hooks.example/in?key=hush' });
    expect(made.secret).toMatch(/^whsec_/);
    await put(user, 'b', { url: telegram, format: 'telegram' });
    const list = (await user.call('GET', '/webhooks')).body;
    expect(list.data).toMatchObject([
      { name: 'a', url: 'https://hooks.example/in?…', format: 'standard' },
      { name: 'b', url: 'https://api.telegram.org/…', format: 'telegram' },
    ]);
    expect(JSON.stringify(list)).not.toMatch(/hush|AAE|whsec/);
    expect(await put(user, 'a', { url: 'https://hooks.example/other' })).not.toHaveProperty('secret');
    expect((await user.call('DELETE', '/webhooks/a')).status).toBe(204);
    expect((await user.call('GET', '/webhooks/a')).body.code).toBe('webhook_not_found');
    // Nobody else’s business.
    expect((await new User().call('GET', '/webhooks/b')).status).toBe(404);
  });

  test('that is removed gets nothing of what waits for it', async () => {
    const hook = new HookHost();
    const { user, id, container } = await ran();
    await put(user, 'gone', { url: hook.url });
    await hook.answers(500);
    await user.call('POST', `/sessions/${id}/chat`, { prompt: 'work' });
    container.result((await container.prompt()).message_id, 'never');
    await until(async () => expect(await hook.posts()).toHaveLength(1));
    await user.call('DELETE', '/webhooks/gone');
    await tryNow(user, id);
    await until(async () => {
      const { data } = (await user.call('GET', `/sessions/${id}/deliveries`)).body;
      expect(data).toMatchObject([{ state: 'canceled', webhook: 'gone', attempts: 1 }]);
    });
    expect(await hook.posts()).toHaveLength(1);
  });
});

describe('a delivery', () => {
  test('is listed with what came of it, and is posted again when it is asked for, under its own id', async () => {
    const hook = new HookHost();
    const { user, id, container } = await ran();
    await put(user, 'ci', { url: hook.url });
    await hook.answers(410);
    await user.call('POST', `/sessions/${id}/chat`, { prompt: 'work' });
    container.result((await container.prompt()).message_id, 'done');
    const failed = await until(async () => {
      const { data } = (await user.call('GET', '/deliveries?webhook=ci&state=failed')).body;
      expect(data).toHaveLength(1);
      return data[0];
    });
    expect(failed).toMatchObject({
      session_id: id,
      webhook: 'ci',
      event: 'message.completed',
      attempts: 1,
      last_status: 410,
      next_attempt_at: null,
      detail: expect.stringMatching(/410 Gone/),
    });
    const stranger = new User();
    const path = `/deliveries/${failed.delivery_id}/redeliver`;
    expect((await stranger.call('POST', path)).body.code).toBe('delivery_not_found');
    expect((await user.call('POST', path)).body).toMatchObject({ state: 'waiting' });
    await until(async () => {
      const { data } = (await user.call('GET', `/sessions/${id}/deliveries`)).body;
      expect(data).toMatchObject([{ state: 'delivered', last_status: 200, detail: null }]);
    });
    const posts = await hook.posts();
    expect(posts.map(({ headers }) => headers['webhook-id'])).toEqual([failed.delivery_id, failed.delivery_id]);
    await until(async () => {
      const { data } = (await user.call('GET', '/deliveries')).body;
      expect(data).toMatchObject([{ state: 'delivered', webhook: 'ci' }]);
    });
  });
});

describe.each([
  ['slack', '/services/T0/B0/x', {}],
  ['ntfy', '/mytopic', {}],
  ['telegram', '/bot123456789:AAE-standin_0123456789abcdefghijkl/sendMessage?chat_id=42', {}],
])('%s', (format, path, more) => {
  test('is one URL away', async () => {
    const hook = new HookHost(format);
    const { user, id, container } = await ran();
    await put(user, 'chat', { url: `https://${hook.host}${path}`, format, ...more });
    await user.call('PATCH', `/sessions/${id}`, { title: 'fix <the> build & go' });
    await user.call('POST', `/sessions/${id}/chat`, { prompt: 'work' });
    container.result((await container.prompt()).message_id, 'It builds <again>.');
    const [post] = await until(async () => {
      const posts = await hook.posts();
      expect(posts).toHaveLength(1);
      return posts;
    });
    expect(post?.status, post?.body).toBe(200);
    expect(post?.shown.join('\n')).toMatch(/Done: fix <the> build & go[^]*It builds <again>\./);
  });
});
