import { cloudflareTest } from '@cloudflare/vitest-plugin';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'real',
          include: ['test/real/**/*.test.ts'],
          globalSetup: './test/support/bundles.ts',
          testTimeout: 20_000,
        },
      },
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: './wrangler.toml' },
            miniflare: {
              bindings: { JWT_SECRET: 'known to every test and of no use elsewhere' },
              // Webhooks reach nothing here; test/real/start/webhooks.test.ts posts them for real.
              serviceBindings: { WEBHOOKS: () => new Response('ok') },
            },
          }),
        ],
        test: {
          name: 'edge',
          include: ['test/edge/**/*.test.ts'],
          testTimeout: 20_000,
          // CommonJS, whose named exports workerd does not see.
          deps: { optimizer: { ssr: { enabled: true, include: ['discord-api-types/v10'] } } },
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: ['./test/support/bundles.ts', './test/support/docker/docker-setup.ts'],
          // Containers of one file at a time: the machine is small, and some tests measure.
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
