import { env } from 'cloudflare:test';
import { expect, inject, onTestFinished, test, vi } from 'vitest';
import { createApp } from '../../../functions/app.ts';
import { sharedState } from '../../../functions/gate/shared-state.ts';
import { RedisUnavailable } from '../../../redis/client.ts';
import { until } from '../../support/until.ts';
import { User } from '../support/api.ts';
import { describeRedis } from './support/redis.ts';

/** What edges share over Redis, and what each use does when Redis is slow or down. */

const HOUR_MS = 3_600_000;
const name = () => crypto.randomUUID();
/** Permits come back with time: on a busy machine, between two calls. (Redis forgets a bucket by its own clock, once it would be full.) */
function holdClock(): void {
  vi.useFakeTimers({ toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
}
/** As long as a request waits unless the operator says otherwise. */
const hasty = { REDIS_TIMEOUT_MS: 200 };

describeRedis('on Redis', ({ settings, redis, trouble }) => {
  /** As an edge has it, whichever: nothing of it is kept here. */
  function edge(change: object = {}) {
    const { limits, revocations, seen } = sharedState(env, { ...settings, ...change });
    if (seen === null) throw new Error('Redis is configured');
    return { limits, revocations, seen };
  }

  test('a minute has so many permits for all edges together, a sixth of them at once', async () => {
    holdClock();
    const key = name();
    const { limits } = edge();
    expect(await limits.take(key, 60, 9)).toMatchObject({ granted: 9, remaining: 1 });
    // Ten in all: of the next ten, one is left.
    expect(await limits.take(key, 60, 10)).toMatchObject({ granted: 1, remaining: 0 });
    const none = await limits.take(key, 60, 10);
    expect(none).toMatchObject({ granted: 0, remaining: 0 });
    // One a second.
    expect(none === 'unknown' ? 0 : none.resetMs).toBeGreaterThan(0);
    expect(none === 'unknown' ? 0 : none.resetMs).toBeLessThanOrEqual(1000);
    expect(await limits.take(name(), 60, 1)).toMatchObject({ granted: 1 });
  });

  test('permits come back with time', async () => {
    const key = name();
    const { limits } = edge();
    expect(await limits.take(key, 600, 200)).toMatchObject({ granted: 100 });
    await until(async () => expect(await limits.take(key, 600, 1)).toMatchObject({ granted: 1 }));
  });

  test.each([1, 7, 59, 6000, 10_000_000])('%i permits a minute: never more than a sixth at once', async (perMinute) => {
    const burst = Math.max(1, Math.floor(perMinute / 6));
    expect(await edge().limits.take(name(), perMinute, 10 * burst)).toMatchObject({ granted: burst });
  });

  test('edges that take at once get no more than there is', async () => {
    holdClock();
    const key = name();
    const { limits } = edge();
    const all = await Promise.all(Array.from({ length: 10 }, () => limits.take(key, 60, 3)));
    const granted = all.map((one) => (one === 'unknown' ? NaN : one.granted)).reduce((sum, one) => sum + one, 0);
    expect(granted).toBeGreaterThan(0);
    expect(granted).toBeLessThanOrEqual(10);
  });

  test('a revoked token is revoked for ever, and no other is', async () => {
    const { revocations } = edge();
    const [jti, sub] = [name(), name()];
    const token = { jti, sub, issued: Date.now() };
    expect(await revocations.isRevoked(token)).toBe(false);
    await revocations.revoke({ jti });
    expect(await revocations.isRevoked(token)).toBe(true);
    expect(await revocations.isRevoked({ ...token, jti: name() })).toBe(false);
    expect(await revocations.isRevoked({ ...token, jti: null })).toBe(false);
    // -1: it has no end.
    expect(await redis.pttl(`cc-docker/revoked/jti/${jti}`)).toBe(-1);
  });

  test('so are all that a user had before a time, and those that do not say when they were made', async () => {
    const { revocations } = edge();
    const sub = name();
    const before = Date.now();
    await revocations.revoke({ sub, before });
    const isRevoked = (issued: number | null) => revocations.isRevoked({ jti: name(), sub, issued });
    expect(await isRevoked(before - 1)).toBe(true);
    expect(await isRevoked(null)).toBe(true);
    expect(await isRevoked(before)).toBe(false);
    expect(await revocations.isRevoked({ jti: null, sub: name(), issued: null })).toBe(false);
  });

  test('a revocation of less takes nothing back', async () => {
    const { revocations } = edge();
    const sub = name();
    const now = Date.now();
    await revocations.revoke({ sub, before: now });
    await revocations.revoke({ sub, before: now - HOUR_MS });
    expect(await revocations.isRevoked({ jti: null, sub, issued: now - 1 })).toBe(true);
    await revocations.revoke({ sub, before: now + 5 });
    expect(await revocations.isRevoked({ jti: null, sub, issued: now + 4 })).toBe(true);
    expect(await redis.pttl(`cc-docker/revoked/sub/${sub}`)).toBe(-1);
  });

  test('what happens once is new once, for its time', async () => {
    const { seen } = edge();
    const key = name();
    const first = await Promise.all(Array.from({ length: 5 }, () => seen.first(key, 60)));
    expect(first.filter((isFirst) => isFirst)).toHaveLength(1);
    expect(await seen.first(name(), 60)).toBe(true);
    expect(await redis.ttl(`cc-docker/seen/${key}`)).toBeGreaterThan(0);
    await redis.pexpire(`cc-docker/seen/${key}`, 1);
    await until(async () => expect(await seen.first(key, 60)).toBe(true));
  });

  test.each(['slow', 'failing', 'broken', 'silent'] as const)(
    'when Redis is %s: nobody is limited, no token is known to be good, nothing is new, and none waits long',
    async (kind) => {
      const key = name();
      await trouble(key, kind, 300);
      const { limits, revocations, seen } = edge(hasty);
      const token = { jti: name(), sub: key, issued: Date.now() };
      const begun = performance.now();
      expect(await limits.take(key, 60, 5)).toBe('unknown');
      await expect(revocations.isRevoked(token)).rejects.toThrow(RedisUnavailable);
      await expect(revocations.revoke({ jti: key })).rejects.toThrow(RedisUnavailable);
      await expect(seen.first(key, 60)).rejects.toThrow(RedisUnavailable);
      // Four uses, 200 ms each. Upstash's client alone would try for seconds, or for ever.
      expect(performance.now() - begun).toBeLessThan(4 * 200 + inject('waitMs') / 10);

      await trouble(key, 'none');
      expect(await edge().limits.take(key, 60, 1)).toMatchObject({ granted: 1 });
      expect(await edge().revocations.isRevoked(token)).toBe(false);
    },
  );

  test('where nothing listens, and with a wrong token, too', async () => {
    const nowhere = sharedState(env, { ...settings, UPSTASH_REDIS_REST_URL: 'http://127.0.0.1:9' });
    const stranger = sharedState(env, { ...settings, UPSTASH_REDIS_REST_TOKEN: 'another' });
    for (const { limits, revocations, seen } of [nowhere, stranger]) {
      expect(await limits.take(name(), 60, 1)).toBe('unknown');
      await expect(seen?.first(name(), 60)).rejects.toThrow(RedisUnavailable);
      await expect(revocations.isRevoked({ jti: null, sub: name(), issued: 0 })).rejects.toThrow(RedisUnavailable);
    }
  });

  test.each(['slow', 'failing', 'silent'] as const)(
    'while Redis is %s a call is answered 503 with when to come back, and after that as always',
    async (kind) => {
      const user = new User();
      const headers = { authorization: `Bearer ${await user.token}` };
      await trouble(user.name, kind, 300);
      const begun = performance.now();
      const refused = await createApp().request('/api/v1/sessions', { headers }, { ...env, ...hasty });
      // Limits let pass, which takes a wait of their own.
      expect(performance.now() - begun).toBeLessThan(3 * 200 + inject('waitMs') / 10);
      expect(refused.status).toBe(503);
      expect(await refused.json()).toMatchObject({ code: 'redis_unavailable' });
      expect(refused.headers.get('retry-after')).toBe('1');
      await trouble(user.name, 'none');
      expect((await user.call('GET', '/sessions')).status).toBe(200);
      // It was asked about just before, so it is believed for a while.
      await trouble(user.name, kind, 300);
      expect((await user.call('GET', '/sessions')).status).toBe(200);
    },
  );

  test('a token that is revoked at one edge is refused at another', async () => {
    const jti = name();
    const user = new User(undefined, { claims: { jti } });
    expect((await user.call('GET', '/sessions')).status).toBe(200);
    // As another edge does it.
    await redis.set(`cc-docker/revoked/jti/${jti}`, '1', { px: HOUR_MS });
    const code = async () => (await user.call('GET', '/sessions')).body.code;
    await expect.poll(code).toBe('token_revoked');
  });

  test('the service needs no Redis to say how it is', async () => {
    const nowhere = { ...env, ...settings, UPSTASH_REDIS_REST_URL: 'http://127.0.0.1:9' };
    expect((await createApp().request('/health', {}, nowhere)).status).toBe(200);
  });
});

test('without its settings an object keeps all of it', async () => {
  const { limits, seen } = sharedState(env, { REDIS_TIMEOUT_MS: 200 });
  expect(seen).toBeNull();
  expect(await limits.take(name(), 60, 4)).toMatchObject({ granted: 4 });
});
