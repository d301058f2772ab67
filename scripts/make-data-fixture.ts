import { isDeepStrictEqual } from 'node:util';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { globSync } from 'node:fs';
import { createRequire } from 'node:module';
import { DatabaseSync } from 'node:sqlite';
import { mintToken } from '../start/settings/mint-token.ts';
import { projectVersion } from '../start/lib/project.ts';
import { Client } from '../test/support/e2e/client.ts';
import { packFolder } from '../test/support/data-fixture/archive.ts';
import { makeState, until } from '../test/support/data-fixture/make-state.ts';
import { readState } from '../test/support/data-fixture/read-state.ts';
import { startService } from '../test/support/data-fixture/service.ts';
import { FIXTURE_WEBHOOK, type Expected } from '../test/support/data-fixture/fixture.ts';
import { DiscordStandIn } from '../test/support/discord/stand-in.ts';

/**
 * Makes the fixture of a release's data folder: `node scripts/make-data-fixture.ts test/fixtures/data-VERSION`. It runs the
 * service, uses it over its API and over Discord's, and packs what is left in the data folder, beside what the API says of it.
 */

/** State names the paths that the agents saw: this one is of no machine in particular. */
const SCRATCH = '/tmp/cc-docker-fixture';
/** What a later start makes anew: locks, logs, caches, and what Claude Code keeps beside the conversations. */
const LEFT_OUT = [
  /\.(log|log\.1|pid)$/,
  /(^|\/)(home|tmp|run|cache)(\/|$)/,
  /\/claude\/(\.claude\.json|\.last-cleanup|backups|plugins)(\/|$)/,
];
const manifest = createRequire(import.meta.url).resolve(
  `@anthropic-ai/claude-code-${process.platform}-${process.arch}/package.json`,
);
/** Keeps Claude Code's own prompts out of the transcripts: they are not ours to publish, and ten times the rest. */
const CLAUDE = `#!/bin/sh
CLAUDE_CODE_ELEGANT_MEADOW=0 exec ${path.join(path.dirname(manifest), 'claude')} "$@" --system-prompt-snapshot off
`;

const out = process.argv[2];
if (out === undefined) throw new Error('name the folder of the fixture: test/fixtures/data-VERSION');
await mkdir(out, { recursive: true });
// Fails where there is one: another run of this may be using it.
await mkdir(SCRATCH, { mode: 0o700 });
try {
  await make(out);
} finally {
  await rm(SCRATCH, { recursive: true, force: true });
}

async function make(folder: string): Promise<void> {
  const discord = await DiscordStandIn.start();
  const channel = discord.world.addChannel('agents');
  const claude = path.join(SCRATCH, 'claude');
  await writeFile(claude, CLAUDE, { mode: 0o700 });
  const settings = {
    CLAUDE_PATH: claude,
    WEBHOOK_ALLOW: new URL(FIXTURE_WEBHOOK).hostname,
    ...discord.settings(channel),
  };
  const service = await startService(SCRATCH, settings);
  let expected: Expected;
  try {
    const client = async (sub: string) =>
      new Client(service.url, await mintToken(service.secret, { kind: 'user', sub, ttlSeconds: 3600 }));
    const [alice, bob] = await Promise.all([client('alice'), client('bob')]);
    const person = discord.person(`${service.url}/api/v1/discord/interactions`, 'ada');
    const made = await makeState({ alice, bob, person, discord, channel, webhook: FIXTURE_WEBHOOK });
    const read = async () => ({ alice: await readState(alice), bob: await readState(bob) });
    // Until nothing changes any more by itself.
    let owners = await read();
    await until(async () => {
      const before = owners;
      owners = await read();
      return isDeepStrictEqual(before, owners);
    });
    const asks = Object.fromEntries(
      await Promise.all(
        Object.entries(made.asks).map(async ([name, id]) => [
          name,
          (await alice.call('GET', `/discord/asks/${id}`)).body,
        ]),
      ),
    );
    const world = discord.world.save();
    // From here on it has something to say that it cannot.
    discord.fault = 'unavailable';
    const seen = discord.requests.length;
    await alice.call('POST', '/discord/notify', { message: 'Said when Discord is back.' });
    await until(() => discord.requests.length > seen);
    const made_at = new Date().toISOString();
    const version = projectVersion();
    expected = { version, made_at, made, owners, discord: { channel, person: person.id, asks, world } };
  } finally {
    await service.stop();
    await discord.stop();
  }
  const data = path.join(SCRATCH, 'data');
  for (const file of globSync('edge/**/*.sqlite', { cwd: data })) {
    // What is in its write-ahead log goes into the file itself, as it does when it is opened next.
    const database = new DatabaseSync(path.join(data, file));
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    database.close();
  }
  await packFolder(data, path.join(folder, 'data.tar.zst'), {
    leaveOut: (name) => LEFT_OUT.some((pattern) => pattern.test(name)),
  });
  await writeFile(path.join(folder, 'expected.json'), `${JSON.stringify(expected)}\n`);
}
