import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';
import { copyAssets } from './scripts/bundle.ts';
import { LongestFirst } from './test/support/run/longest-first.ts';
import { noSourceMaps } from './test/support/run/no-source-maps.ts';
import { atMost, WAIT_MS } from './test/support/patience.ts';
import { receive } from './test/support/chats/recorded-posts.ts';
import { isPushHost, receivePush } from './test/support/push/push-host.ts';
import type { RedisForTests } from './test/support/redis/redis-for-tests.ts';
import { testsOfRoom } from './test/support/run/watched-rooms.ts';

/**
 * Of a property that says nothing else: enough to see a slip at once, and in CI a quarter of what `generated-runs.ts` calls all,
 * because CI has to end within half an hour.
 */
const generatedRuns = Number(process.env['GENERATED_RUNS'] ?? (process.env['CI'] === undefined ? 100 : 500));

/** Enough on a machine that has other work too. The few tests that need longer say so by `atMost`. */
const patience = {
  testTimeout: atMost(120),
  hookTimeout: atMost(180),
  expect: { poll: { timeout: WAIT_MS } },
  provide: { generatedRuns, waitMs: WAIT_MS },
};

// The binding ASSETS of `edge` wants its folder to be there.
await copyAssets();

/** The edge with the settings that Redis needs. */
const ON_REDIS = 'test/edge/redis/**/*.test.ts';

/** The edge in workerd. @param bindings what it has besides where there is a Redis; absent: it has none */
function edge(bindings?: (redis: Extract<RedisForTests, { ok: true }>) => Record<string, string>) {
  return cloudflareTest(({ inject }) => {
    const redis = bindings === undefined ? null : inject('redis');
    return {
      wrangler: { configPath: './wrangler.toml' },
      miniflare: {
        bindings: {
          JWT_SECRET: 'known to every test and of no use elsewhere',
          // All tests have one address, and some make thousands of requests.
          RATE_LIMIT_PER_OWNER: '0',
          RATE_LIMIT_PER_ADDRESS: '0',
          FAILED_TOKENS_PER_ADDRESS: '0',
          // Most of these tests have no runner, and would wait for one. test/real/start/early-files.test.ts does.
          PLACE_TIMEOUT: '0',
          // Off unless it is said: test/edge/session/terminal has both.
          TERMINAL: '1',
          POOLS: JSON.stringify({ gpu: { owners: ['gina'] }, open: { owners: '*' } }),
          ENVIRONMENTS: JSON.stringify({ common: { setup: 'apt-get install -y jq', image: 'debian:12' } }),
          ENVIRONMENT_IMAGES: 'python:*',
          // A line for each of thousands of calls would hide what a test says.
          ACCESS_LOG: 'off',
          ...(redis?.ok ? bindings?.(redis) : {}),
        },
        // Webhooks reach nothing here but stand-ins of what takes them; test/real/start/edge/webhooks.test.ts posts them for real.
        serviceBindings: {
          WEBHOOKS: async (request) => {
            if (isPushHost(request.url)) {
              const { method, url, headers } = request;
              const asked = { method, url, headers: Object.fromEntries(headers.entries()) };
              const { body, ...init } = await receivePush({ ...asked, body: Buffer.from(await request.arrayBuffer()) });
              return new Response(body, init);
            }
            const { status, body } = await receive(request);
            return new Response(body, { status });
          },
        },
      },
    };
  });
}

const inWorkerd = {
  ...patience,
  setupFiles: [
    './test/support/run/generated-runs-setup.ts',
    './test/edge/support/setup/fresh-objects.ts',
    './test/edge/support/setup/row-limit.ts',
  ],
  // A workerd of its own for each file, and every module brought into it anew, took most of the time.
  isolate: false,
  // CommonJS, whose named exports workerd does not see.
  deps: { optimizer: { ssr: { enabled: true, include: ['discord-api-types/v10', 'standardwebhooks'] } } },
};

// Each project is a group of its own: files share a worker only with the files of their project that come next to them.

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          ...patience,
          setupFiles: './test/support/run/generated-runs-setup.ts',
          // Pure code leaves nothing behind: its files share their modules, which take longer to load than most tests to run.
          isolate: false,
          sequence: { groupOrder: 1 },
        },
      },
      {
        plugins: [noSourceMaps, edge()],
        test: {
          name: 'edge',
          include: ['test/edge/**/*.test.ts'],
          exclude: [ON_REDIS],
          sequence: { groupOrder: 2 },
          ...inWorkerd,
        },
      },
      {
        plugins: [
          noSourceMaps,
          edge(({ url, token }) => ({
            UPSTASH_REDIS_REST_URL: url,
            UPSTASH_REDIS_REST_TOKEN: token,
            // A machine that has other work too is no slow Redis. Tests of what is slow say 200.
            REDIS_TIMEOUT_MS: '10000',
          })),
        ],
        test: {
          name: 'edge-redis',
          // What is shared works the same in an object and on Redis.
          include: [ON_REDIS, 'test/edge/functions/gate/**/*.test.ts'],
          globalSetup: './test/support/redis/redis-setup.ts',
          sequence: { groupOrder: 5 },
          ...inWorkerd,
        },
      },
      {
        test: {
          name: 'real',
          include: ['test/real/**/*.test.ts'],
          ...patience,
          globalSetup: './test/support/run/bundles.ts',
          // As `unit`: what one file has loaded, the next ones need too, a CPU second for each.
          isolate: false,
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: './test/support/docker/docker-setup.ts',
          ...patience,
          isolate: false,
          sequence: { groupOrder: 4 },
        },
      },
    ],
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    watchTriggerPatterns: [
      { pattern: /\/((?:durable|functions)\/.*\.ts)$/, testsToRun: (_, [, source = '']) => testsOfRoom(source) },
    ],
  },
});
