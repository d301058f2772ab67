import { Redis } from '@upstash/redis/cloudflare';
import { describe, inject, test } from 'vitest';
import type { RedisSettings } from '../../../../protocol/settings/redis-settings.ts';
import type { RedisForTests, Trouble } from '../../../support/redis/redis-for-tests.ts';

export interface RedisUnderTest {
  /** What the edge is told of it. */
  readonly settings: RedisSettings & Record<'UPSTASH_REDIS_REST_URL' | 'UPSTASH_REDIS_REST_TOKEN', string>;
  /** A client of the test's own, which no trouble concerns. */
  readonly redis: Redis;
  /** Makes Redis slow or down for what mentions `match`. */
  readonly trouble: (match: string, kind: Trouble['kind'], delay_ms?: number) => Promise<void>;
}

/** `describe` for what needs Redis. Where none is installed, it stands as one test that could not run. */
export function describeRedis(name: string, body: (redis: RedisUnderTest) => void): void {
  const found: RedisForTests = inject('redis');
  if (found.ok) {
    describe(name, () => body(underTest(found)));
    return;
  }
  test(name, ({ skip }) => skip(found.why));
}

function underTest({ url, token }: Extract<RedisForTests, { ok: true }>): RedisUnderTest {
  return {
    settings: { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token, REDIS_TIMEOUT_MS: 10_000 },
    redis: new Redis({ url: `${url}/-/direct`, token, automaticDeserialization: false, enableTelemetry: false }),
    async trouble(match, kind, delay_ms = 300) {
      const ordered: Trouble = { match, kind, delay_ms };
      const answer = await fetch(`${url}/-/trouble`, { method: 'POST', body: JSON.stringify(ordered) });
      if (!answer.ok) throw new Error(await answer.text());
    },
  };
}
