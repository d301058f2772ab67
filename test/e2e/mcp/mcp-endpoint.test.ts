import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { installPackages } from '../../../container/build/install-packages.ts';
import { scriptedModel, type Block } from '../../support/wrapper/scripted-model.ts';
import { script, type Client } from '../../support/e2e/client.ts';
import { Service } from '../../support/e2e/service.ts';
import { atMost } from '../../support/patience.ts';

const INSPECTOR = path.join(import.meta.dirname, '..', 'inspector');
const LAUNCHER = 'node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js';
const CLAUDE = path.join(import.meta.dirname, '../../../node_modules/@anthropic-ai/claude-code-linux-x64/claude');

const run = promisify(execFile);

let service: Service;
let alice: Client;
let token: string;
/** Where the clients live: a home of their own, and nothing of this machine's. */
let home: string;

beforeAll(async () => {
  const inspector = await installPackages({ folder: INSPECTOR, what: 'the MCP inspector', onProgress: console.log });
  if (!inspector.ok) throw new Error(inspector.detail);
  service = await Service.start({ backend: 'process' });
  token = await service.token('alice');
  alice = await service.client('alice');
  home = path.join(service.folder, 'client');
  for (const name of ['home', 'tmp', 'work']) await mkdir(path.join(home, name), { recursive: true });
});
afterEach(async () => await alice?.deleteSessions());
afterAll(async () => await service?.stop());

const environment = () => ({
  PATH: process.env['PATH'] ?? '',
  HOME: path.join(home, 'home'),
  TMPDIR: path.join(home, 'tmp'),
});

/** The MCP inspector's command line: one call, and what it prints. */
async function inspect(...args: string[]) {
  const to = ['--cli', `${service.url}/mcp`, '--transport', 'http', '--header', `Authorization: Bearer ${token}`];
  const program = path.join(INSPECTOR, LAUNCHER);
  const { stdout } = await run(process.execPath, [program, ...to, ...args], {
    env: environment(),
    timeout: atMost(60),
  });
  return JSON.parse(stdout);
}

async function callTool(name: string, given: Record<string, string>) {
  const pairs = Object.entries(given).map(([key, value]) => `${key}=${value}`);
  const args = pairs.length === 0 ? [] : ['--tool-arg', ...pairs];
  return await inspect('--method', 'tools/call', '--tool-name', name, ...args);
}

test('the MCP inspector finds the tools, and nothing about them that other clients would stumble over', async () => {
  const { tools } = await inspect('--method', 'tools/list', '--strict');
  expect(tools.map(({ name }: { name: string }) => name)).toContain('wait_for_result');
});

test('the MCP inspector creates a session, sends, waits and reads what came of it', async () => {
  const created = await callTool('create_session', { prompt: 'Create hello.md with a haiku about containers' });
  const { session_id, message_id } = created.structuredContent;
  const answer = await callTool('wait_for_result', { session_id, message_id, timeout_seconds: '30' });
  expect(answer.structuredContent).toMatchObject({ state: 'completed', error: null });
  const read = await callTool('read_file', { session_id, path: 'hello.md' });
  expect(read.content[0].text).toBe(await readFile(service.workspace(session_id, 'hello.md'), 'utf8'));
  const second = await callTool('send_message', { session_id, prompt: 'And what was that?', wait: 'true' });
  expect(second.structuredContent).toMatchObject({ state: 'completed', result: expect.stringContaining('hello.md') });
  const events = await callTool('get_events', { session_id });
  const types = events.structuredContent.events.map(({ type }: { type: string }) => type);
  expect(types).toContain('message.completed');
  expect(await alice.show(session_id)).toMatchObject({ status: 'idle', total_turns: 2 });
  await callTool('delete_session', { session_id });
  expect((await alice.call('GET', `/sessions/${session_id}`)).status).toBe(404);
});

test('Claude Code begins a session over MCP, answers what it asks, waits, and uses what it said', async () => {
  const questions = [{ question: 'Which colour?', header: 'Colour', multiSelect: false, options: COLOURS }];
  const prompt = script({ tool: 'AskUserQuestion', input: { questions } }, { text: 'Then: {{last_tool_result}}' });
  const socket = path.join(home, 'model.sock');
  const seen: string[] = [];
  await using _model = await scriptedModel(socket, (latest, all): Block[] => {
    if (!latest.includes('tool_result')) return use('create_session', { prompt, permission_mode: 'ask' });
    seen.push(latest);
    const ids = { session_id: uuid('session_id', all), message_id: uuid('message_id', all) };
    const { session_id } = ids;
    if (latest.includes('needs_answer'))
      return use('answer_interaction', {
        session_id,
        interaction_id: uuid('interaction_id', latest),
        answer: 'teal',
      });
    if (latest.includes('completed')) return [{ words: [`It says: ${/Then: .*teal/.exec(latest)?.[0]}`] }];
    return use('wait_for_result', ids);
  });
  const config = path.join(home, 'mcp.json');
  const server = { type: 'http', url: `${service.url}/mcp`, headers: { Authorization: `Bearer ${token}` } };
  await writeFile(config, JSON.stringify({ mcpServers: { 'cc-docker': server } }));
  const tools = ['--mcp-config', config, '--strict-mcp-config', '--allowedTools', 'mcp__cc-docker'];
  const stdout = await claude(socket, '-p', 'Let an agent choose a colour.', '--model', 'opus', ...tools);
  expect(stdout).toMatch(/It says: Then: .*teal/);
  expect(seen).toHaveLength(4);
});

test('Claude Code is connected as the documentation says', async () => {
  const socket = path.join(home, 'none.sock');
  const header = `Authorization: Bearer ${token}`;
  await claude(socket, 'mcp', 'add', '--transport', 'http', 'cc-docker', `${service.url}/mcp`, '--header', header);
  expect(await claude(socket, 'mcp', 'list')).toMatch(/cc-docker: .*Connected/);
});

/** Runs the real `claude` with a home of its own, and gives what it prints. */
async function claude(socket: string, ...args: string[]): Promise<string> {
  const running = run(CLAUDE, args, {
    cwd: path.join(home, 'work'),
    env: {
      ...environment(),
      ANTHROPIC_API_KEY: 'not-a-key',
      ANTHROPIC_BASE_URL: 'http://model.test',
      ANTHROPIC_UNIX_SOCKET: socket,
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      CLAUDE_CODE_MAX_RETRIES: '0',
      DISABLE_AUTOUPDATER: '1',
      // Else the model has to look for the tools first.
      ENABLE_TOOL_SEARCH: 'false',
    },
    timeout: atMost(100),
  });
  running.child.stdin?.end();
  return (await running).stdout;
}

/** The model's call of a tool. */
const use = (name: string, input: object): Block[] => [{ tool: `mcp__cc-docker__${name}`, input }];

/** An id in what the model was told. */
const uuid = (name: string, text: string): string =>
  new RegExp(`${name}[\\\\":]+([0-9a-f-]{36})`).exec(text)?.[1] ?? `no ${name} in ${text}`;

const COLOURS = [
  { label: 'teal', description: 'like the sea' },
  { label: 'rust', description: 'like a ship' },
];
