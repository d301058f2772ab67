import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { PROJECT } from '../../../start/lib/project.ts';
import { DiscordStandIn } from '../../support/discord/stand-in.ts';
import { nodeEnvironment } from '../../support/run/node-environment.ts';

const run = promisify(execFile);

let discord: DiscordStandIn;
beforeAll(async () => (discord = await DiscordStandIn.start()));
afterEach(() => {
  discord.commands.clear();
  discord.fault = 'none';
});
afterAll(async () => await discord.stop());

/** As `npm run --silent discord:register -- ARGS`. An empty variable is one that is not set, whatever `.env` says. */
async function register(args: string[] = [], env: Record<string, string> = {}) {
  const script = path.join(PROJECT, 'scripts', 'discord-register.ts');
  const given = { ...nodeEnvironment(), ...discord.settings('1'), ...env };
  return await run(process.execPath, [script, ...args], { env: given }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, stdout, stderr }),
  );
}

test('registers the commands in all servers, and says which', async () => {
  const { code, stdout, stderr } = await register();
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toBe(
    'Registered in all servers of the application (reload Discord to see them): /claude start, /claude say, /claude status, ' +
      '/claude list, /claude set, /claude interrupt, /claude stop, /claude tree, /claude link.\n',
  );
  expect([...discord.commands.keys()]).toEqual(['global']);
});

test('registers them in one server', async () => {
  const { guild } = discord.world;
  expect(await register(['--guild', guild])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`in the server ${guild}:`),
  });
  expect([...discord.commands.keys()]).toEqual([guild]);
});

test.each<[string, string[], Record<string, string>, RegExp]>([
  [
    'nothing is configured',
    [],
    { DISCORD_APPLICATION_ID: '', DISCORD_BOT_TOKEN: '' },
    /^Discord is not configured: DISCORD_APPLICATION_ID, DISCORD_BOT_TOKEN are not set\./,
  ],
  ['the token is missing', [], { DISCORD_BOT_TOKEN: '' }, /^Discord is not configured: DISCORD_BOT_TOKEN is not set\./],
  [
    'a setting is wrong',
    [],
    { DISCORD_APPLICATION_ID: 'claude' },
    /^DISCORD_APPLICATION_ID must be an id of Discord’s/,
  ],
  [
    'the token would travel unencrypted',
    [],
    { DISCORD_API_BASE_URL: 'http://example.com/api' },
    /^DISCORD_API_BASE_URL must be https/,
  ],
  ['the token is not the bot’s', [], { DISCORD_BOT_TOKEN: 'other' }, /^Discord refuses DISCORD_BOT_TOKEN/],
  ['the application is another', [], { DISCORD_APPLICATION_ID: '123' }, /^DISCORD_BOT_TOKEN is not that of the appl/],
  [
    'the application is another, and a server is named',
    ['--guild', '123'],
    { DISCORD_APPLICATION_ID: '123' },
    /^DISCORD_BOT_TOKEN is not that of the application 123/,
  ],
  [
    'the file with the token is not there',
    [],
    { DISCORD_BOT_TOKEN: '', DISCORD_BOT_TOKEN_FILE: '/nowhere' },
    /^DISCORD_BOT_TOKEN_FILE cannot be read: /,
  ],
  ['the application is not in the server', ['--guild', '123'], {}, /^The application is not in the server 123/],
  ['the server is not an id', ['--guild', 'home'], {}, /^--guild must be the id of a server/],
  ['a flag is unknown', ['--gild', '1'], {}, /--help shows how/],
])('says what to do when %s', async (_when, args, env, said) => {
  const { code, stdout, stderr } = await register(args, env);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(said);
  expect(stderr).not.toContain(discord.botToken);
});

test('takes the token from a file', async () => {
  const file = path.join(await mkdtemp(path.join(os.tmpdir(), 'cc-docker-token-')), 'token');
  await writeFile(file, `${discord.botToken}\n`);
  expect(await register([], { DISCORD_BOT_TOKEN: '', DISCORD_BOT_TOKEN_FILE: file })).toMatchObject({ code: 0 });
  await rm(path.dirname(file), { recursive: true });
});

test('says why Discord cannot be reached', async () => {
  const away = await DiscordStandIn.start();
  const { baseUrl } = away;
  await away.stop();
  const { code, stderr } = await register([], { DISCORD_API_BASE_URL: baseUrl });
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: `Discord did not answer: fetch failed (connect ECONNREFUSED ${new URL(baseUrl).host})\n`,
  });
});

test('says that what answers is not Discord', async () => {
  const other = createServer((_request, response) => response.end('{"hello": "you"}'));
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  const { code, stdout, stderr } = await register([], { DISCORD_API_BASE_URL: `http://127.0.0.1:${port}` });
  other.close();
  expect({ code, stdout, stderr }).toEqual({
    code: 1,
    stdout: '',
    stderr: `What answers at http://127.0.0.1:${port} is not Discord: see to DISCORD_API_BASE_URL.\n`,
  });
});

test('says that Discord is down', async () => {
  discord.fault = 'unavailable';
  expect(await register()).toMatchObject({ code: 1, stderr: expect.stringContaining('Discord answered 503.') });
});
