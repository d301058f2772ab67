import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { installMcpServers } from '../../../../container/build/mcp-packages.ts';
import { RemoteServer } from '../../../support/wrapper/remote-mcp-server.ts';
import { Stage } from '../../../support/wrapper/run-wrapper.ts';
import type { SessionSide } from '../../../support/wrapper/session-side.ts';
import { atMost } from '../../../support/patience.ts';

const SLOW = path.join(import.meta.dirname, '../../../support/wrapper/slow-mcp-server.ts');
const ROOT = path.join(import.meta.dirname, '../../../..');
const OFFERS = {
  mcp: path.join(ROOT, 'container', 'mcp'),
  packages: path.join(ROOT, 'container', 'mcp', 'node_modules'),
  skills: path.join(ROOT, 'container', 'skills'),
};
/** Answers `initialize` once the file that is named is there. */
const slow = (file: string) => ({ command: process.execPath, args: [SLOW, file] });
const HANGING = { command: 'sleep', args: ['600'] };

const heard = (session: SessionSide, name: string) =>
  session.all('mcp_server').filter((notice) => notice.name === name);
const first = (session: SessionSide, name: string) => session.until(() => heard(session, name)[0]);
/** As the runner sets it, but for how long. */
const waiting = (stage: Stage, ms: number) => ({
  ...stage.claudeEnv(),
  CLAUDE_CODE_MCP_STARTUP_WAIT_MS: String(ms),
  MCP_TIMEOUT: '60000',
});

beforeAll(async () => {
  expect(await installMcpServers({ onProgress: console.log })).toEqual({ ok: true });
}, atMost(300));

test('servers that are missing, end at once or refuse are named within seconds; the session answers', async () => {
  await using stage = await Stage.open();
  const { session } = stage;
  const servers = {
    missing: { command: '/no/such/server' },
    absent: { command: 'nosuchserver' },
    ending: { command: 'false' },
    refusing: { type: 'http', url: 'http://127.0.0.1:9/mcp', headers: { 'X-Key': 'a-secret-header' } },
    unknown: { preset: 'no-such-preset' },
  };
  const began = performance.now();
  await stage.start({ config: { mcp_servers: servers }, offers: OFFERS, env: waiting(stage, 5000) });
  for (const name of Object.keys(servers)) expect(await first(session, name)).toMatchObject({ state: 'failed' });
  expect(performance.now() - began).toBeLessThan(atMost(10));
  expect((await first(session, 'missing')).detail).toBe('There is no program /no/such/server.');
  expect((await first(session, 'absent')).detail).toBe('There is no program nosuchserver.');
  expect((await first(session, 'unknown')).detail).toMatch(/There are: fetch, filesystem, git, github/);
  expect(await session.turn('go')).toMatchObject({ is_error: false, result: 'hello' });
  // Neither the answers that are read for this nor what is told of it show a header.
  expect(JSON.stringify(session.items)).not.toMatch(/a-secret-header|mcpServers/);
});

test('a server that hangs holds the first turn no longer than it may, and is named meanwhile', async () => {
  await using stage = await Stage.open();
  const { session } = stage;
  const began = performance.now();
  await stage.start({ config: { mcp_servers: { hanging: HANGING } }, env: waiting(stage, 1500) });
  expect(await session.turn('go')).toMatchObject({ is_error: false });
  expect(performance.now() - began).toBeLessThan(atMost(10));
  expect(await first(session, 'hanging')).toMatchObject({ state: 'connecting' });
  expect(performance.now() - began).toBeLessThan(atMost(14));
});

test('one that is merely slow is told as connecting, then as connected, and the next turn has its tools', async () => {
  await using stage = await Stage.open();
  const { session } = stage;
  const go = stage.path('go');
  const env = { ...waiting(stage, 1000), ENABLE_TOOL_SEARCH: 'false' };
  await stage.start({ config: { mcp_servers: { slow: slow(go) } }, env });
  await session.turn('go');
  expect(await first(session, 'slow')).toMatchObject({ state: 'connecting' });
  writeFileSync(go, '');
  await session.until(() => heard(session, 'slow').some(({ state }) => state === 'connected'));
  await session.turn('again');
  const inits = session.lines.filter(({ subtype }) => subtype === 'init');
  expect(inits.map(({ tools }) => JSON.stringify(tools).includes('mcp__slow__hello'))).toEqual([false, true]);
});

test('a remote server that goes away is told, and told again when it is back', async () => {
  await using stage = await Stage.open();
  const { session } = stage;
  await using remote = await RemoteServer.start();
  await stage.start({ config: { mcp_servers: { remote: remote.definition } }, env: waiting(stage, 50_000) });
  await session.turn('go');
  expect(session.all('mcp_server')).toEqual([]);
  await remote.close();
  // It is looked at after each turn, and then until it is settled.
  const lookAgain = async () => {
    await session.turn('and now?');
    return heard(session, 'remote').map(({ state }) => state);
  };
  await expect.poll(lookAgain, { interval: 200 }).toEqual(['connecting']);
  await remote.open();
  await session.until(() => heard(session, 'remote').at(-1)?.state === 'connected');
});

test('the presets of the catalogue that run here connect, with their tools', async () => {
  await using stage = await Stage.open();
  const { session } = stage;
  const presets = ['fetch', 'filesystem', 'git', 'memory'];
  const mcp_servers = Object.fromEntries(presets.map((preset) => [preset, { preset }]));
  const env = { ...waiting(stage, 50_000), ENABLE_TOOL_SEARCH: 'false', CLAUDE_CONFIG_DIR: stage.path('claude') };
  await stage.start({ config: { mcp_servers }, offers: OFFERS, env });
  // On a busy machine one may first be told as slow, and join at a later turn. None may fail.
  const lacking = async () => {
    await session.turn('go');
    const tools = JSON.stringify(session.lines.findLast(({ subtype }) => subtype === 'init')?.['tools']);
    return presets.filter((preset) => !tools.includes(`mcp__${preset}__`));
  };
  await expect.poll(lacking, { timeout: atMost(50), interval: 500 }).toEqual([]);
  expect(session.all('mcp_server').filter(({ state }) => state === 'failed')).toEqual([]);
});
