import { beforeEach, describe, expect, test, vi } from 'vitest';
import { until } from '../../support/until.ts';
import { User } from '../support/api.ts';
import { emptyPool } from '../support/pool.ts';
import {
  askLeave,
  askQuestion,
  askUser,
  later,
  resolve,
  working,
  type Scene,
} from '../session/interactions/support/asking.ts';
import { oldestWaiting, tryNow } from '../session/webhooks/support/try-now.ts';
import { Phone } from './support/phone.ts';

beforeEach(emptyPool);

const admin = new User('root', { claims: { scope: 'admin' } });

/** A session in the middle of a turn, with this title. */
async function titled(title: string, user: User): Promise<Scene> {
  const scene = await working({}, {}, user);
  expect((await user.call('PATCH', `/sessions/${scene.id}`, { title })).status).toBe(200);
  return scene;
}

/** The newest message of a phone, once so many have come. */
const newest = (phone: Phone, count = 1) =>
  until(async () => {
    const came = await phone.came();
    expect(came).toHaveLength(count);
    const last = came.at(-1);
    if (last === undefined) throw new Error('nothing came');
    return last;
  });

const devices = async (user: User) => (await user.call('GET', '/push/subscriptions')).body.data;
const deliveries = async (user: User) => (await user.call('GET', '/deliveries')).body.data;

describe('a device', () => {
  test('is listed without what would let others push to it, and says anew of what it hears', async () => {
    const user = new User();
    const phone = await Phone.of(user, { label: 'My phone' });
    const list = await devices(user);
    expect(list).toEqual([
      {
        id: 'phone',
        label: 'My phone',
        service: new URL(phone.endpoint).host,
        what: ['questions', 'ended', 'failed', 'notifications'],
        created_at: expect.any(String),
        updated_at: expect.any(String),
      },
    ]);
    await phone.announce(user, { what: ['failed'] });
    expect(await devices(user)).toMatchObject([
      { label: 'My phone', what: ['failed'], created_at: list[0].created_at },
    ]);
    expect((await user.call('DELETE', '/push/subscriptions/phone')).status).toBe(204);
    expect(await devices(user)).toEqual([]);
    expect((await user.call('DELETE', '/push/subscriptions/phone')).body).toMatchObject({
      code: 'push_subscription_not_found',
    });
    const { data } = (await admin.call('GET', `/audit?actor=${user.name}`)).body;
    expect(data.map(({ action }: { action: string }) => action)).toEqual([
      'push.deleted',
      'push.changed',
      'push.changed',
    ]);
  });

  test('is its owner’s alone', async () => {
    const [user, stranger] = [new User(), new User()];
    const phone = await Phone.of(user);
    expect(await devices(stranger)).toEqual([]);
    expect((await stranger.call('DELETE', '/push/subscriptions/phone')).status).toBe(404);
    expect((await stranger.call('POST', '/push/subscriptions/phone/test')).status).toBe(404);
    const scene = await working({}, {}, stranger);
    await askLeave(scene);
    scene.container.result(scene.message_id, 'done');
    await scene.container.stored();
    const own = await working({}, {}, user);
    const asked = await askLeave(own);
    const { message } = await newest(phone);
    expect(message).toMatchObject({ session_id: own.id, interaction_id: asked });
  });

  test.each([
    ['http', { endpoint: 'http://push.example/device' }],
    ['a private address', { endpoint: 'https://10.0.0.1/device' }],
    ['loopback', { endpoint: 'https://localhost/device' }],
    ['a name in the URL', { endpoint: 'https://me@push.example/device' }],
    ['no point', { keys: { p256dh: `BA${'A'.repeat(85)}`, auth: 'A'.repeat(22) } }],
    ['a short secret', { keys: { p256dh: `BA${'A'.repeat(85)}`, auth: 'AAAA' } }],
    ['no kind', { what: ['everything'] }],
  ])('with %s is refused', async (_, request) => {
    const user = new User();
    const { endpoint, keys } = await Phone.subscribe(user);
    const { status, body } = await user.call('PUT', '/push/subscriptions/phone', { endpoint, keys, ...request });
    expect(body, JSON.stringify(body)).toMatchObject({ code: 'invalid_request' });
    expect(status).toBe(422);
    expect(await devices(user)).toEqual([]);
  });

  test('is refused beyond MAX_PUSH_SUBSCRIPTIONS_PER_OWNER, and then still says anew what it hears', async () => {
    const user = new User();
    const phone = await Phone.subscribe(user);
    for (let n = 0; n < 20; n += 1) await phone.announce(user, {}, `device-${n}`);
    const { endpoint, keys } = phone;
    const { body } = await user.call('PUT', '/push/subscriptions/one-more', { endpoint, keys });
    expect(body).toMatchObject({ code: 'push_limit_reached', status: 429 });
    await phone.announce(user, { what: ['ended'] }, 'device-0');
  });

  test('gets a test message at once, or its owner learns why not', async () => {
    const user = new User();
    const phone = await Phone.of(user);
    const tested = async () => (await user.call('POST', '/push/subscriptions/phone/test')).body;
    expect(await tested()).toEqual({ delivered: true, status: 201, detail: null });
    expect(await phone.came()).toMatchObject([{ ttl: 60, urgency: 'high', topic: null, message: { kind: 'test' } }]);
    await phone.answers(503);
    expect(await tested()).toMatchObject({ delivered: false, status: 503 });
    await phone.unsubscribe();
    expect(await tested()).toMatchObject({ delivered: false, status: 410 });
    expect(await devices(user)).toEqual([]);
  });

  test.each([
    ['the token that set it up', (jti: string) => ({ jti })],
    ['all tokens of its owner', (_: string, sub: string) => ({ sub })],
  ])('hears nothing more once %s is revoked', async (_, what) => {
    const jti = crypto.randomUUID();
    // A token is older than a revocation by its owner only when it was made before.
    const user = new User(crypto.randomUUID(), { claims: { jti, iat: Math.floor(Date.now() / 1000) - 10 } });
    const other = user.withToken({ claims: { iat: Math.floor(Date.now() / 1000) + 10 } });
    const phone = await Phone.of(user);
    const scene = await working({}, {}, other);
    await askLeave(scene);
    await newest(phone);
    expect((await admin.call('POST', '/revocations', what(jti, user.name))).status).toBe(201);
    expect(await devices(other)).toEqual([]);
    // A second device hears of what comes next, so the first would have as well.
    const second = await Phone.of(other, {}, 'second');
    await askQuestion(scene);
    await newest(second);
    expect(await phone.came()).toHaveLength(1);
  });
});

describe('a push', () => {
  test('says what is asked, with what answers it, until the deadline; an answer closes it under the same topic', async () => {
    const user = new User();
    const phone = await Phone.of(user);
    const scene = await titled('Fix the build', user);
    const asked = await askLeave(scene);
    const { message, ttl, urgency, topic } = await newest(phone);
    expect(message).toEqual({
      kind: 'question',
      title: 'Fix the build wants to use Bash',
      text: 'rm -r build',
      tag: asked.replaceAll('-', ''),
      path: expect.stringMatching(new RegExp(`^/sessions/${scene.id}#e\\d+$`)),
      time: expect.any(Number),
      session_id: scene.id,
      interaction_id: asked,
      actions: [
        { label: 'Allow', answer: { decision: 'allow' } },
        { label: 'Allow for the session', answer: { decision: 'allow_session' } },
        { label: 'Deny', answer: { decision: 'deny' } },
      ],
    });
    expect({ urgency, topic }).toEqual({ urgency: 'high', topic: asked.replaceAll('-', '') });
    // INTERACTION_TIMEOUT.
    expect(ttl).toBeGreaterThan(1700);
    expect(ttl).toBeLessThanOrEqual(1800);
    // What the phone sends when a button is pressed.
    const [, , deny] = message.actions ?? [];
    if (deny === undefined) throw new Error('there is no button');
    expect((await resolve(scene, asked, deny.answer)).status).toBe(200);
    const closed = await newest(phone, 2);
    expect(closed).toMatchObject({ topic, urgency: 'low', message: { kind: 'closed', tag: message.tag } });
    expect(closed.message).not.toHaveProperty('actions');
  });

  test('of a question has its options, and of several questions leads to the page alone', async () => {
    const user = new User();
    const phone = await Phone.of(user, { what: ['questions'] });
    const scene = await working({}, {}, user);
    const one = await askQuestion(scene);
    expect((await newest(phone)).message.actions).toEqual([
      { label: 'red', answer: { answer: 'red' } },
      { label: 'blue', answer: { answer: 'blue' } },
    ]);
    expect((await resolve(scene, one, { answer: 'red' })).status).toBe(200);
    await newest(phone, 2);
    await askQuestion(
      scene,
      ...[1, 2].map((n) => ({ question: `${n}?`, options: [], multi_select: false, free_text: true })),
    );
    expect((await newest(phone, 3)).message).not.toHaveProperty('actions');
  });

  test('is short however much is asked', async () => {
    const user = new User();
    const phone = await Phone.of(user);
    const scene = await titled('🎈'.repeat(60), user);
    await askUser(scene, { question: '🎈'.repeat(3000), options: ['\u{1F388}'.repeat(90), 'no'] });
    const { message } = await newest(phone);
    expect(new TextEncoder().encode(JSON.stringify(message)).length).toBeLessThanOrEqual(2500);
    expect(message.text).toMatch(/^🎈+…$/u);
  });

  test('says how a message has ended and what an agent says, to who wants to hear that', async () => {
    const user = new User();
    const [all, questions] = [await Phone.of(user), await Phone.of(user, { what: ['questions'] }, 'questions')];
    const scene = await titled('Build', user);
    scene.container.result(scene.message_id, 'forty-two');
    const { message, urgency, topic } = await newest(all);
    expect(message).toMatchObject({ kind: 'ended', title: 'Done: Build', text: 'forty-two' });
    expect({ urgency, topic }).toEqual({ urgency: 'normal', topic: scene.id.replaceAll('-', '') });
    expect(await questions.came()).toEqual([]);
  });

  test('tells a device again until the deadline, then that nobody answered', async () => {
    const user = new User();
    const phone = await Phone.of(user);
    const scene = await working({}, {}, user);
    const asked = await askUser(scene, { timeout_seconds: 100, max_attempts: 1 });
    const first = await newest(phone);
    try {
      await later(scene.id, 60);
      const again = await newest(phone, 2);
      expect(again).toMatchObject({ topic: first.topic, message: { kind: 'question', interaction_id: asked } });
      expect(again.ttl).toBeLessThanOrEqual(41);
      await later(scene.id, 60);
      expect((await newest(phone, 3)).message).toMatchObject({ kind: 'closed', tag: first.message.tag });
    } finally {
      vi.useRealTimers();
    }
  });

  test.each([404, 410])('that is answered %i removes the device, and what waits for it', async (status) => {
    const user = new User();
    const phone = await Phone.of(user);
    await phone.answers(status);
    const scene = await working({}, {}, user);
    await askLeave(scene);
    await until(async () => expect(await devices(user)).toEqual([]));
    await until(async () =>
      expect(await deliveries(user)).toMatchObject([{ state: 'failed', push: 'phone', webhook: null }]),
    );
    const second = await Phone.of(user, {}, 'second');
    await askQuestion(scene);
    await newest(second);
    expect(await phone.came()).toEqual([]);
    const own = async () => (await deliveries(user)).filter(({ push }: { push: string }) => push === 'phone');
    await until(async () => expect(await deliveries(user)).toHaveLength(2));
    expect(await own()).toHaveLength(1);
  });

  test('is tried again after 429 and 500, and given up at once after 413', async () => {
    const user = new User();
    const phone = await Phone.of(user);
    await phone.answers(429, 500);
    const scene = await working({}, {}, user);
    await askLeave(scene);
    for (const attempts of [1, 2]) {
      await until(async () => expect((await oldestWaiting(user, scene.id))?.attempts).toBe(attempts));
      expect(await phone.came()).toEqual([]);
      await tryNow(user, scene.id);
    }
    await newest(phone);
    await phone.answers(413);
    await askQuestion(scene);
    await until(async () =>
      expect((await deliveries(user))[0]).toMatchObject({ state: 'failed', last_status: 413, attempts: 1 }),
    );
    expect(await devices(user)).toHaveLength(1);
  });

  test('that comes too late is not sent: what was answered meanwhile, and that it was', async () => {
    const user = new User();
    const phone = await Phone.of(user);
    await phone.answers(500);
    const scene = await working({}, {}, user);
    const asked = await askLeave(scene);
    await until(async () => expect((await oldestWaiting(user, scene.id))?.attempts).toBe(1));
    expect((await resolve(scene, asked, { decision: 'deny' })).status).toBe(200);
    await tryNow(user, scene.id);
    await until(async () =>
      expect((await deliveries(user)).map(({ state }: { state: string }) => state)).toEqual(['canceled', 'canceled']),
    );
    expect(await phone.came()).toEqual([]);
  });

  test('offers no answer to an owner who is not asked', async () => {
    const user = new User();
    const phone = await Phone.of(user);
    const scene = await working({ answerers: ['ann'] }, {}, user);
    await askUser(scene, { answerers: ['ann'], options: ['yes', 'no'] });
    expect((await newest(phone)).message).not.toHaveProperty('actions');
  });
});
