import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { mcpCatalogue } from '../../../../protocol/settings/agent/mcp-catalogue.ts';
import { launchConfig } from '../../../../protocol/api/session/session-config.ts';
import type { WrapperLaunch } from '../../../../protocol/link/wrapper/wrapper-launch.ts';
import { mcpServers } from '../../../../wrapper/mcp/mcp-servers.ts';

const ROOT = path.join(import.meta.dirname, '../../../..');
/** This installation's own. */
const OFFERS = {
  mcp: path.join(ROOT, 'container', 'mcp'),
  packages: path.join(ROOT, 'container', 'mcp', 'node_modules'),
  skills: path.join(ROOT, 'container', 'skills'),
};

function serversOf(mcp_servers: object, offers?: WrapperLaunch['offers'], agent_tools: string[] = []) {
  return mcpServers({
    session_id: '0190a0a0-0000-7000-8000-000000000000',
    epoch: 1,
    resume: false,
    claude: '/opt/claude',
    cwd: '/workspace',
    env: { CLAUDE_CONFIG_DIR: '/claude' },
    link_socket: '/run/link.sock',
    seal: false,
    scratch: '/scratch',
    ...(offers !== undefined && { offers }),
    config: launchConfig.parse({ agent_tools, mcp_servers }),
  });
}

/** A catalogue of one server, with its package installed or not. */
function madeUp(server: object, file?: string): NonNullable<WrapperLaunch['offers']> {
  const folder = mkdtempSync(path.join(tmpdir(), 'cc-catalogue-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const common = { purpose: 'p', network: [], secrets: [], limits: 'l' };
  writeFileSync(path.join(folder, 'catalogue.json'), JSON.stringify({ mine: { ...common, ...server } }));
  if (file !== undefined) {
    mkdirSync(path.join(folder, path.dirname(file)), { recursive: true });
    writeFileSync(path.join(folder, file), '');
  }
  return { mcp: folder, packages: folder, skills: folder };
}

test('a full definition stays as it is', () => {
  const servers = {
    docs: { type: 'http', url: 'http://docs.test/mcp', headers: { 'x-key': 'k' } },
    own: { command: 'own' },
  };
  expect(serversOf(servers)).toEqual({ servers, refused: [] });
});

test('a server with the name of CC-Docker’s own is refused where the session has those tools', () => {
  const servers = { 'cc-docker': { command: 'own' }, docs: { command: 'docs' } };
  expect(serversOf(servers, undefined, ['ask_user'])).toEqual({
    servers: { docs: servers.docs },
    refused: [{ name: 'cc-docker', why: expect.stringContaining('Give this one another') }],
  });
  expect(serversOf(servers)).toEqual({ servers, refused: [] });
});

test('a preset becomes its installed program with the session’s own folders, and what the session adds comes after and above', () => {
  const server = {
    package: 'mine',
    program: 'run.js',
    args: ['--root', '{workspace}'],
    env: { FILE: '{config}/f', TMP: '{scratch}/t', LEVEL: 'low' },
  };
  const offers = madeUp(server, 'mine/run.js');
  const given = { one: { preset: 'mine', args: ['--more'], env: { LEVEL: 'high' } } };
  expect(serversOf(given, offers).servers).toEqual({
    one: {
      command: process.execPath,
      args: [path.join(offers.packages, 'mine/run.js'), '--root', '/workspace', '--more'],
      env: { FILE: '/claude/f', TMP: '/scratch/t', LEVEL: 'high' },
    },
  });
});

test.each([
  ['is unknown: the names that there are are named', 'his', {}, 'mine/run.js', /no MCP preset his\. There are: mine\./],
  ['is not installed', 'mine', {}, undefined, /mine is not installed: .*npm ci --prefix container\/mcp/],
  [
    'lacks something of the image: what to do is said',
    'mine',
    { requires: [{ file: '/no/such/browser', remedy: 'Build it in.' }] },
    'mine/run.js',
    /Build it in\. \(\/no\/such\/browser\)/,
  ],
])('a preset that %s', (_, preset, server, file, why) => {
  const offers = madeUp({ package: 'mine', program: 'run.js', ...server }, file);
  const { servers, refused } = serversOf({ other: { command: 'other' }, bad: { preset } }, offers);
  expect(servers).toEqual({ other: { command: 'other' } });
  expect(refused).toEqual([{ name: 'bad', why: expect.stringMatching(why) }]);
});

test('an image without a catalogue says so', () => {
  expect(serversOf({ a: { preset: 'fetch' } }).refused[0]?.why).toMatch(/has none at all/);
});

test('a preset that is reached over HTTP takes no arguments', () => {
  expect(serversOf({ hub: { preset: 'github' } }, OFFERS).servers).toEqual({
    hub: { type: 'http', url: expect.stringMatching(/^https:/), headers: { Authorization: 'Bearer dummy' } },
  });
  expect(serversOf({ hub: { preset: 'github', args: ['x'] } }, OFFERS).refused[0]?.why).toMatch(/neither args nor env/);
});

test('every preset is documented with what it needs, and its package is pinned to one version', () => {
  const catalogue = mcpCatalogue.parse(JSON.parse(readFileSync(path.join(OFFERS.mcp, 'catalogue.json'), 'utf8')));
  const docs = readFileSync(path.join(ROOT, 'docs', 'mcp-servers.md'), 'utf8').replaceAll(/\s+/g, ' ');
  const { dependencies } = JSON.parse(readFileSync(path.join(OFFERS.mcp, 'package.json'), 'utf8'));
  for (const [name, server] of Object.entries(catalogue)) {
    expect(docs).toContain(`| \`${name}\` |`);
    for (const need of [...server.network, ...server.secrets, server.purpose, server.limits])
      expect(docs).toContain(need);
    if ('package' in server) expect(dependencies[server.package]).toMatch(/^\d+\.\d+\.\d+$/);
  }
});
