/** Packages, and the built-ins of the runtime. */
const NODE = ['npm:*', 'node:*'];
const WORKERD = ['npm:*', 'cloudflare:*'];

/** The pure files of `durable/shared`. */
const PURE_SHARED = [
  'durable/shared/environments',
  'durable/shared/interactions',
  'durable/shared/json.ts',
  'durable/shared/text',
  'durable/shared/quota.ts',
  'durable/shared/tokens/revocation.ts',
  'durable/shared/session-status.ts',
  'durable/shared/token-bucket.ts',
  'durable/shared/webhooks',
  'durable/shared/trees.ts',
  'durable/shared/turn-permit.ts',
];
const PURE = ['protocol', ...PURE_SHARED, 'npm:zod'];

/** An object of the edge. It asks the others through `rpc`. */
const OBJECT = ['protocol', 'durable/rpc', 'durable/shared', ...WORKERD];

/** A room of the session. */
const ROOM = [...OBJECT, 'durable/session/core', 'durable/session/store'];

/** The layers of the runner: each adds to the one below it. */
const LAYER_1 = ['protocol', 'runner/lib', ...NODE];
const LAYER_2 = [
  ...LAYER_1,
  'runner/storage',
  'runner/egress',
  'runner/model',
  'runner/backend',
  'runner/link',
  'runner/devcontainer',
];
const LAYER_3 = [...LAYER_2, 'runner/secrets', 'runner/files'];

/**
 * What each folder may import. `npm run check` keeps it (`import-rules.ts`), type imports counted.
 *
 * The last row that matches a file is its row. A folder may always import itself. `*` in a folder's name stands for any one
 * name. `types of X` allows type imports alone.
 */
export const IMPORT_TABLE: Readonly<Record<string, readonly string[]>> = {
  // The parts of the system
  protocol: ['npm:zod'],
  redis: ['protocol', 'npm:@upstash/redis'],
  functions: ['protocol', 'redis', 'durable/rpc', 'npm:*'],
  // What Deno has of Node's, typed by ourselves
  'functions/deno/node.mjs': ['node:async_hooks', 'npm:ws'],
  'worker.ts': ['functions', 'durable'],
  wrapper: ['protocol', ...NODE],
  container: ['protocol', ...NODE],
  porter: ['protocol', 'runner/lib', 'runner/files', 'runner/snapshot', 'runner/storage', ...NODE],
  'demo-model': NODE,
  start: ['anything'],
  scripts: ['anything'],
  test: ['anything'],
  bench: ['anything'],
  chaos: ['anything'],
  'vitest.config.ts': ['anything'],

  client: ['types of protocol', 'npm:openapi-fetch', 'npm:eventsource-parser'],
  cli: ['client', 'types of protocol', ...NODE],
  // It stands on the client alone, in a browser.
  console: ['client', 'types of protocol', 'npm:*'],

  // The edge: a room for each object, and none imports another's
  'durable/rpc': ['protocol', 'types of durable/*/core', 'types of durable/shared', 'types of npm:*'],
  'durable/shared': ['protocol', ...WORKERD],
  'durable/directory': OBJECT,
  'durable/pool': OBJECT,
  'durable/discord': OBJECT,
  'durable/gate': OBJECT,
  'durable/session': [...OBJECT, 'redis'],

  // The rooms of the session: children → files → container → store → core
  'durable/session/store': [...OBJECT, 'durable/session/core'],
  'durable/session/viewers': [...ROOM, 'redis'],
  'durable/session/container': ROOM,
  'durable/session/files': [...ROOM, 'durable/session/container'],
  'durable/session/tunnel': ROOM,
  'durable/session/ports': [...ROOM, 'durable/session/tunnel'],
  'durable/session/webhooks': ROOM,
  'durable/session/terminal': ROOM,
  'durable/session/children': [...ROOM, 'durable/session/container', 'durable/session/files'],

  // What is pure: no I/O, no clock, no ids (`.oxlintrc.json` forbids the globals)
  'durable/*/core': PURE,
  'durable/discord/core': [...PURE, 'npm:discord-api-types'],
  ...Object.fromEntries(PURE_SHARED.map((file) => [file, PURE])),
  'durable/shared/webhooks': [...PURE, 'npm:ipaddr.js', 'npm:standardwebhooks'],

  // The runner: downwards only
  'runner/lib': LAYER_1,
  'runner/storage': LAYER_1,
  'runner/egress': LAYER_1,
  'runner/model': LAYER_1,
  'runner/backend': LAYER_1,
  'runner/link': LAYER_1,
  'runner/devcontainer': ['protocol', 'npm:zod', 'npm:jsonc-parser'],
  'runner/identity': LAYER_2,
  'runner/secrets': LAYER_2,
  'runner/porter': [...LAYER_3, 'runner/snapshot'],
  'runner/files': LAYER_2,
  'runner/snapshot': LAYER_3,
  'runner/session-files': [...LAYER_3, 'runner/snapshot'],
  'runner/session': [...LAYER_3, 'runner/snapshot', 'runner/session-files'],
  'runner/main.ts': ['protocol', 'runner', 'demo-model', ...NODE],
};
