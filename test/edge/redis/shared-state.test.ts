import { expect, test, vi } from 'vitest';
import { BELIEVED_MS, RedisRevocations } from '../../../functions/shared-state/redis-revocations.ts';
import { sharedOnRedis } from '../../../functions/shared-state/redis-shared-state.ts';
import type { SharedState } from '../../../functions/shared-state/redis-shared-state.ts';
import { REDIS_MS, RedisClient, RedisUnavailable } from '../../../redis/client.ts';
import { describeRedis } from './support/redis.ts';

/** What edges share over Redis, and what each use does when Redis is slow or down. */

const HOUR_MS = 3_600_000;
const name = () => crypto.randomUUID();

describeRedis('on Redis', ({ settings, redis, trouble }) => {
  /** An edge of its own: none knows what another remembers. */
  const edge = (): SharedState => {
    const state = sharedOnRedis({ ...settings, UPSTASH_REDIS_REST_URL: `${settings.UPSTASH_REDIS_REST_URL}/` });
    if (state === null) throw new Error('Redis is configured');
    return state;
  };
  const revocations = (now?: () => number) =>
    new RedisRevocations(
      new RedisClient(settings.UPSTASH_REDIS_REST_URL, settings.UPSTASH_REDIS_REST_TOKEN, REDIS_MS),
      now,
    );

  test('a minute has so many permits for all edges together, a sixth of them at once', async () => {
    const key = name();
    const { limits } = edge();
    expect(await limits.take(key, 60, 4)).toMatchObject({ granted: 4 });
    // Ten in all: of the next ten, six are left.
    expect(await limits.take(key, 60, 10)).toMatchObject({ granted: 6 });
    const none = await limits.take(key, 60, 10);
    expect(none).toMatchObject({ granted: 0 });
    // One a second.
    expect(none === 'unknown' ? 0 : none.resetMs).toBeGreaterThan(0);
    expect(none === 'unknown' ? 0 : none.resetMs).toBeLessThanOrEqual(1000);
    expect(await limits.take(name(), 60, 1)).toMatchObject({ granted: 1 });
  });

  test('permits come back with time', async () => {
    const key = name();
    const { limits } = edge();
    expect(await limits.take(key, 600, 200)).toMatchObject({ granted: 100 });
    await vi.waitFor(async () => expect(await limits.take(key, 600, 1)).toMatchObject({ granted: 1 }));
  });

  test.each([1, 7, 59, 6000, 10_000_000])('%i permits a minute: never more than a sixth at once', async (perMinute) => {
    const burst = Math.max(1, Math.floor(perMinute / 6));
    const { limits } = edge();
    const taken = await limits.take(name(), perMinute, 10 * burst);
    expect(taken).toMatchObject({ granted: burst });
  });

  test('edges that take at once get no more than there is', async () => {
    const key = name();
    const { limits } = edge();
    const all = await Promise.all(Array.from({ length: 10 }, () => limits.take(key, 60, 3)));
    const granted = all.map((one) => (one === 'unknown' ? NaN : one.granted));
    expect(granted.reduce((sum, one) => sum + one, 0)).toBeGreaterThan(0);
    // One may be refilled meanwhile.
    expect(granted.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(11);
  });

  test('a revoked token is revoked at every edge, and no other', async () => {
    const [jti, sub] = [name(), name()];
    const token = { jti, sub, issuedAt: Date.now() };
    expect(await revocations().isRevoked(token)).toBe(false);
    await revocations().revoke({ jti, until: Date.now() + HOUR_MS });
    expect(await revocations().isRevoked(token)).toBe(true);
    expect(await revocations().isRevoked({ ...token, jti: name() })).toBe(false);
    expect(await revocations().isRevoked({ ...token, jti: null })).toBe(false);
    expect(await redis.pttl(`cc-docker/revoked/jti/${jti}`)).toBeLessThanOrEqual(HOUR_MS);
  });

  test('all that a user’s tokens were before a time, and those that do not say when they were made', async () => {
    const sub = name();
    const before = Date.now();
    await revocations().revoke({ sub, before, until: before + HOUR_MS });
    const isRevoked = (issuedAt: number | null) => revocations().isRevoked({ jti: name(), sub, issuedAt });
    expect(await isRevoked(before - 1)).toBe(true);
    expect(await isRevoked(null)).toBe(true);
    expect(await isRevoked(before)).toBe(false);
    expect(await revocations().isRevoked({ jti: null, sub: name(), issuedAt: null })).toBe(false);
  });

  test('a revocation of less takes nothing back', async () => {
    const sub = name();
    const now = Date.now();
    await revocations().revoke({ sub, before: now, until: now + 2 * HOUR_MS });
    await revocations().revoke({ sub, before: now - HOUR_MS, until: now + HOUR_MS });
    expect(await revocations().isRevoked({ jti: null, sub, issuedAt: now - 1 })).toBe(true);
    expect(await redis.pttl(`cc-docker/revoked/sub/${sub}`)).toBeGreaterThan(HOUR_MS);
    await revocations().revoke({ sub, before: now + 5, until: now + 3 * HOUR_MS });
    expect(await revocations().isRevoked({ jti: null, sub, issuedAt: now + 4 })).toBe(true);
    expect(await redis.pttl(`cc-docker/revoked/sub/${sub}`)).toBeGreaterThan(2 * HOUR_MS);
  });

  test('an edge that asked just before hears of it within seconds, and at once if it revokes itself', async () => {
    const [jti, sub] = [name(), name()];
    let now = Date.now();
    const here = revocations(() => now);
    const elsewhere = revocations();
    const token = { jti, sub, issuedAt: now };
    expect(await here.isRevoked(token)).toBe(false);
    await elsewhere.revoke({ jti, until: now + HOUR_MS });
    expect(await here.isRevoked(token)).toBe(false);
    now += BELIEVED_MS;
    expect(await here.isRevoked(token)).toBe(true);
    const other = { jti: name(), sub, issuedAt: now };
    expect(await here.isRevoked(other)).toBe(false);
    await here.revoke({ jti: other.jti, until: now + HOUR_MS });
    expect(await here.isRevoked(other)).toBe(true);
  });

  test('what happens once is new once, for its time', async () => {
    const { seen } = edge();
    const key = name();
    const first = await Promise.all(Array.from({ length: 5 }, () => seen.first(key, 60)));
    expect(first.filter((isFirst) => isFirst)).toHaveLength(1);
    expect(await seen.first(name(), 60)).toBe(true);
    expect(await redis.ttl(`cc-docker/seen/${key}`)).toBeGreaterThan(50);
    await redis.pexpire(`cc-docker/seen/${key}`, 1);
    await vi.waitFor(async () => expect(await seen.first(key, 60)).toBe(true));
  });

  test.each(['slow', 'failing', 'broken', 'silent'] as const)(
    'when Redis is %s: nobody is limited, no token is good, nothing is new, and no request waits long',
    async (kind) => {
      const key = name();
      await trouble(key, kind, 300);
      const { limits, revocations, seen } = edge();
      const token = { jti: name(), sub: key, issuedAt: Date.now() };
      const begun = performance.now();
      expect(await limits.take(key, 60, 5)).toBe('unknown');
      await expect(revocations.isRevoked(token)).rejects.toThrow(RedisUnavailable);
      await expect(revocations.revoke({ jti: key, until: Date.now() + HOUR_MS })).rejects.toThrow(RedisUnavailable);
      await expect(seen.first(key, 60)).rejects.toThrow(RedisUnavailable);
      // Four uses, 200 ms each. Upstash's client alone would try for seconds, or for ever.
      expect(performance.now() - begun).toBeLessThan(4 * REDIS_MS + 1000);

      await trouble(key, 'none');
      expect(await limits.take(key, 60, 1)).toMatchObject({ granted: 1 });
      expect(await revocations.isRevoked(token)).toBe(false);
    },
  );

  test('where nothing listens, and with a wrong token, too', async () => {
    const nowhere = sharedOnRedis({ ...settings, UPSTASH_REDIS_REST_URL: 'http://127.0.0.1:9' });
    const stranger = sharedOnRedis({ ...settings, UPSTASH_REDIS_REST_TOKEN: 'another' });
    for (const state of [nowhere, stranger]) {
      expect(await state?.limits.take(name(), 60, 1)).toBe('unknown');
      await expect(state?.seen.first(name(), 60)).rejects.toThrow(RedisUnavailable);
      await expect(state?.revocations.isRevoked({ jti: null, sub: name(), issuedAt: 0 })).rejects.toThrow(
        RedisUnavailable,
      );
    }
  });

  test('a token that was asked about just before stays good while Redis is away, but not for long', async () => {
    const sub = name();
    let now = Date.now();
    const here = revocations(() => now);
    const token = { jti: name(), sub, issuedAt: now };
    expect(await here.isRevoked(token)).toBe(false);
    await trouble(sub, 'failing');
    expect(await here.isRevoked(token)).toBe(false);
    now += BELIEVED_MS;
    await expect(here.isRevoked(token)).rejects.toThrow(RedisUnavailable);
  });
});

test('without its settings there is no Redis', () => {
  expect(sharedOnRedis({})).toBeNull();
});
