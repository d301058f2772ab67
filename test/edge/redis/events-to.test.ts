import { env, runInDurableObject } from 'cloudflare:test';
import { beforeEach, expect, test } from 'vitest';
import { createApp } from '../../../functions/app.ts';
import { SessionAssembly } from '../../../durable/session/assembly.ts';
import { until } from '../../support/until.ts';
import { mint, User } from '../support/api.ts';
import { emptyPool } from '../support/pool.ts';
import { FakeRunner } from '../support/runner.ts';
import { ran, sessionObject, show } from '../support/scene.ts';
import { spawn } from '../session/children/support/family.ts';
import { describeRedis } from './support/redis.ts';

interface Entry {
  readonly seq: number;
  readonly session_id: string;
  readonly type: string;
  readonly time: string;
  readonly data: unknown;
  readonly data_omitted?: string;
}

const newStream = () => `events:${crypto.randomUUID()}`;

const begin = (stream: string, user = new User()) => ran({ config: { events_to: { redis_stream: stream } } }, user);

describeRedis('config.events_to', ({ redis, trouble }) => {
  beforeEach(emptyPool);

  async function entries(stream: string): Promise<Entry[]> {
    const found = await redis.exec<[id: string, fields: string[]][]>(['XRANGE', stream, '-', '+']);
    return found.map(([, fields]) => {
      const pairs = fields.flatMap((name, at) => (at % 2 === 0 ? [[name, fields[at + 1]]] : []));
      const { seq, session_id, type, time, data, data_omitted } = Object.fromEntries(pairs);
      const omitted = data_omitted === undefined ? {} : { data_omitted };
      return {
        seq: Number(seq),
        session_id,
        type,
        time,
        data: JSON.parse(data),
        ...omitted,
      };
    });
  }

  /** Waits until all that the session's log has is in the stream, and gives what the stream has of it. */
  const copied = (user: User, id: string, stream: string) =>
    until(async () => {
      const log = await user.events(id);
      const own = (await entries(stream)).filter(({ session_id }) => session_id === id);
      expect(own.at(-1)?.seq).toBe(log.at(-1)?.seq);
      return { log, own };
    });

  test('each stored event is added, in order, as the log has it', async () => {
    const stream = newStream();
    const { user, id, container } = await begin(stream);
    container.say(...Array.from({ length: 900 }, (_, n) => ({ type: 'assistant', n, text: '“ö”\n' })));
    await container.stored();
    const { log, own } = await copied(user, id, stream);
    expect(own.length).toBeGreaterThan(900);
    expect(own).toEqual(log.map((event) => ({ ...event, session_id: id })));
  });

  test('sessions may share a stream; a child’s events go to its parent’s', async () => {
    const stream = newStream();
    const { user, id } = await begin(stream);
    const child = await spawn(user, id);
    await copied(user, id, stream);
    const { own } = await copied(user, child, stream);
    expect(own[0]).toMatchObject({ seq: 1, session_id: child });
  });

  test('a child may not send its events elsewhere', async () => {
    const { user, id } = await begin(newStream());
    const plain = await user.createSession();
    for (const [parent, said] of [
      [id, 'its parent’s is events:'],
      [plain, 'its parent has none'],
    ] as const) {
      const body = { prompt: 'x', config: { events_to: { redis_stream: newStream() } } };
      const refused = await user.call('POST', `/sessions/${parent}/spawn`, body);
      expect(refused).toMatchObject({ status: 422, body: { code: 'child_too_wide' } });
      expect(refused.body.detail).toContain(`config.events_to: ${said}`);
    }
  });

  test('the container is not told', async () => {
    const { container } = await begin(newStream());
    expect(container.launch.config).not.toHaveProperty('events_to');
  });

  test.each(['failing', 'broken', 'silent'] as const)(
    'while Redis is %s the session works, parks and wakes, and then all of it is added',
    async (kind) => {
      const stream = newStream();
      await trouble(stream, kind);
      const config = { events_to: { redis_stream: stream }, idle_timeout_seconds: 1 };
      const { user, id, container, runner } = await ran({ config });
      await user.call('POST', `/sessions/${id}/chat`, { prompt: 'work' });
      container.result((await container.prompt()).message_id, 'done');
      await container.stored();
      // Idle for a second.
      await runner.control.next(({ kind }) => kind === 'stop');
      await runner.end(container);
      expect(await show(user, id)).toMatchObject({ status: 'stopped', reason: { code: 'idle_timeout' } });
      await user.call('POST', `/sessions/${id}/chat`, { prompt: 'more' });
      await (await runner.start(id)).prompt();
      expect(await entries(stream)).toEqual([]);
      await trouble(stream, 'none');
      // Where Redis never answered, the call is given up after 10 s.
      const { log, own } = await copied(user, id, stream);
      expect(own.map(({ seq }) => seq)).toEqual(log.map(({ seq }) => seq));
    },
  );

  test('also when Redis takes 300 ms', async () => {
    const stream = newStream();
    await trouble(stream, 'slow', 300);
    const { user, id } = await begin(stream);
    const { log, own } = await copied(user, id, stream);
    expect(own.map(({ seq }) => seq)).toEqual(log.map(({ seq }) => seq));
  });

  test('what was added while its answer was lost is added again: at least once, in order', async () => {
    const stream = newStream();
    await trouble(stream, 'lost');
    const { user, id } = await begin(stream);
    await until(async () => expect((await entries(stream)).length).toBeGreaterThan(0));
    await trouble(stream, 'none');
    const { log, own } = await copied(user, id, stream);
    const once = own.filter(({ seq }, at) => own.findIndex((other) => other.seq === seq) === at);
    expect(once.map(({ seq }) => seq)).toEqual(log.map(({ seq }) => seq));
    expect(own.length).toBeGreaterThan(once.length);
  });

  test('after a restart it goes on where it was', async () => {
    const stream = newStream();
    const { user, id, container } = await begin(stream);
    await copied(user, id, stream);
    await trouble(stream, 'failing');
    container.say({ type: 'assistant', text: 'while Redis was away' });
    await container.stored();
    await trouble(stream, 'none');
    // The object anew, on what is stored.
    await runInDurableObject(sessionObject(id), async (_, ctx) => {
      const assembly = new SessionAssembly(ctx, env);
      assembly.alarmFired();
      assembly.clock();
      await until(async () => expect((await entries(stream)).at(-1)?.type).toBe('assistant'));
    });
    const { own } = await copied(user, id, stream);
    const seqs = own.map(({ seq }) => seq);
    expect(seqs.slice(0, 3)).toEqual([1, 2, 3]);
    expect(new Set(seqs).size).toBe((await user.events(id)).length);
  });

  test('about the newest 100,000 entries of a stream stay', async () => {
    const stream = newStream();
    const fill = `for n = 1, 101000 do redis.call('XADD', KEYS[1], '*', 'n', n) end`;
    await redis.eval(fill, [stream], []);
    const { user, id } = await begin(stream);
    await until(async () => expect(await redis.xlen(stream)).toBeLessThan(100_500));
    const last = (await user.events(id)).at(-1)?.seq;
    await until(async () => {
      const [newest] = await redis.exec<[id: string, fields: string[]][]>(['XREVRANGE', stream, '+', '-', 'COUNT', 1]);
      expect(newest?.[1][1]).toBe(String(last));
    });
  });

  test('data that is too long for a call is left out, and the entry says so', async () => {
    const stream = newStream();
    const { user, id, container } = await begin(stream);
    container.say({ type: 'assistant', text: 'x'.repeat(1_000_001) });
    container.say({ type: 'assistant', text: 'after it' });
    await container.stored();
    await until(async () => expect((await entries(stream)).at(-1)?.data).toMatchObject({ text: 'after it' }));
    const [long] = (await entries(stream)).slice(-2);
    expect(long?.data).toEqual({});
    expect(Number(long?.data_omitted)).toBeGreaterThan(1_000_000);
    expect((await user.events(id)).at(-2)?.seq).toBe(long?.seq);
  });

  test('a name that does not fit is refused', async () => {
    const user = new User();
    for (const redis_stream of ['', 'cc-docker/permits/60:x', 'a b', '-a', 'x'.repeat(129)]) {
      const refused = await user.call('POST', '/sessions', { config: { events_to: { redis_stream } } });
      expect(refused).toMatchObject({ status: 422, body: { code: 'invalid_request' } });
    }
  });

  test('without Redis it is refused at once, of a session and of a child', async () => {
    const user = new User();
    const id = await user.createSession();
    const none = { ...env, UPSTASH_REDIS_REST_URL: undefined, UPSTASH_REDIS_REST_TOKEN: undefined };
    const headers = { authorization: `Bearer ${await mint(user.name)}`, 'content-type': 'application/json' };
    const config = { events_to: { redis_stream: 'events' } };
    for (const [path, body] of [
      ['/sessions', { config }],
      [`/sessions/${id}/spawn`, { prompt: 'x', config }],
    ] as const) {
      const init = { method: 'POST', headers, body: JSON.stringify(body) };
      const answer = await createApp().request(`/api/v1${path}`, init, none);
      expect(answer.status).toBe(422);
      expect(await answer.json()).toMatchObject({
        code: 'redis_not_configured',
        detail: expect.stringContaining('config.events_to needs Redis'),
      });
    }
    expect((await user.call('GET', '/sessions')).body.total).toBe(1);
  });

  test('a runner with room is still found: sessions without it are as before', async () => {
    const runner = await FakeRunner.connect();
    const user = new User();
    const id = await user.createSession();
    await runner.start(id);
    const cursor = () =>
      runInDurableObject(sessionObject(id), (_, { storage }) =>
        storage.sql.exec<{ n: number }>('SELECT count(*) AS n FROM stream_cursor').one(),
      );
    expect(await cursor()).toEqual({ n: 0 });
  });
});
