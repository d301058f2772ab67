import { expect, test } from 'vitest';
import { edgeSettings } from '../../../../protocol/settings/edge-settings.ts';
import { withoutRedis } from '../../../../protocol/settings/redis-settings.ts';
import { parseSettings } from '../../../../start/settings/settings.ts';

const URL = { UPSTASH_REDIS_REST_URL: 'https://redis.example.org' };
const TOKEN = { UPSTASH_REDIS_REST_TOKEN: 'secret' };
const secret = { JWT_SECRET: 'x'.repeat(32) };

test('both of the settings, or none', () => {
  expect(edgeSettings.safeParse({ ...secret }).success).toBe(true);
  expect(edgeSettings.safeParse({ ...secret, ...URL, ...TOKEN }).success).toBe(true);
});

test.each([
  [URL, 'UPSTASH_REDIS_REST_TOKEN must be set too, because UPSTASH_REDIS_REST_URL is'],
  [TOKEN, 'UPSTASH_REDIS_REST_URL must be set too, because UPSTASH_REDIS_REST_TOKEN is'],
])('one alone stops the start with a sentence', (one, sentence) => {
  expect(edgeSettings.safeParse({ ...secret, ...one }).success).toBe(false);
  expect(parseSettings(one)).toEqual({ refused: sentence });
  // A copied `.env.example` has the other empty.
  expect(parseSettings({ UPSTASH_REDIS_REST_URL: '', UPSTASH_REDIS_REST_TOKEN: '', ...one })).toEqual({
    refused: sentence,
  });
});

test('`npm start` passes both on to the edge', () => {
  expect(parseSettings({ ...URL, ...TOKEN })).toMatchObject({ edgeVars: { ...URL, ...TOKEN } });
});

test('a request waits 200 ms for it unless the operator says otherwise', () => {
  expect(edgeSettings.parse(secret).REDIS_TIMEOUT_MS).toBe(200);
  expect(edgeSettings.parse({ ...secret, REDIS_TIMEOUT_MS: '50' }).REDIS_TIMEOUT_MS).toBe(50);
  expect(parseSettings({ REDIS_TIMEOUT_MS: '0' })).toEqual({
    refused: 'REDIS_TIMEOUT_MS must be a whole number from 10 to 10000',
  });
});

test('what needs Redis is refused with the settings’ names', () => {
  expect(withoutRedis({ ...URL, ...TOKEN }, 'It')).toBeNull();
  expect(withoutRedis({}, 'It')).toMatchObject({
    refused: 'redis_not_configured',
    detail: expect.stringMatching(/^It needs Redis.*UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN/),
  });
});
