import type { TestProject } from 'vitest/node';
import type { RedisForTests } from './redis-for-tests.ts';
import { startRedis } from './redis-process.ts';
import { RedisRest } from './redis-rest.ts';

const TOKEN = 'known to every test';

/** Vitest's global setup of the tests on Redis: a real one, which speaks as Upstash's does. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const give = (found: RedisForTests) => project.provide('redis', found);
  const redis = await startRedis();
  if (redis === null) {
    give({ ok: false, why: 'redis-server is not installed' });
    return async () => {};
  }
  const rest = await RedisRest.start(redis.socket, TOKEN);
  give({ ok: true, url: rest.url, token: TOKEN });
  return async () => {
    await rest.stop();
    await redis.stop();
  };
}
