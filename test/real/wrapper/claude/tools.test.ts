import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import type { Block } from '../../../support/wrapper/scripted-model.ts';
import { REAL_CLAUDE } from '../../../support/wrapper/run-wrapper.ts';
import { answer, results, sharing, use, using } from '../../../support/wrapper/tool-stage.ts';
import { until } from '../../../support/until.ts';

const ask = (input: object): Block => use('ask_user', input);

const SILENT = path.join(import.meta.dirname, '../../../support/wrapper/silent-mcp-server.ts');
const TOOLS = { agent_tools: ['ask_user', 'notify_user'] };
const share = sharing();

test('the model is offered the tools at once, asks with all that a question can have, and reads the answer', async () => {
  const input = {
    question: 'Which branch?',
    options: ['main', { label: 'next', description: 'The coming release' }],
    multi_select: false,
    timeout_seconds: 86_400,
    max_attempts: 3,
    priority: 'high',
    default: 'main',
  };
  const stage = await share(TOOLS, [ask(input)]);
  const { session } = stage;
  const turn = session.turn('go');
  expect(await answer(session, 0, 'next, but not before Monday')).toEqual({ tool: 'ask_user', input });
  expect(await turn).toMatchObject({ is_error: false, result: 'done' });
  expect(results(session)).toContain('next, but not before Monday');
  expect([...stage.offered]).toEqual(
    expect.arrayContaining(['mcp__cc-docker__ask_user', 'mcp__cc-docker__notify_user']),
  );
});

test('a notification carries its message, and what comes back is read as an error when it is one', async () => {
  const input = { message: 'Half of it is **done**.', priority: 'low', summary: 'Half done' };
  const stage = await share(TOOLS, [use('notify_user', input)]);
  const { session } = stage;
  const turn = session.turn('go');
  expect(await answer(session, 0, 'Nobody can be told now.', true)).toEqual({ tool: 'notify_user', input });
  await turn;
  expect(results(session)).toContain('Nobody can be told now.');
  expect(results(session)).toContain('"is_error":true');
});

test('arguments that do not fit reach nobody, and the model is told which', async () => {
  const stage = await share(TOOLS, [ask({ question: '', priority: 'dire', colour: 'red' })]);
  const { session } = stage;
  await session.turn('go');
  expect(session.all('tool_call')).toEqual([]);
  const told = results(session);
  expect(told).toContain('Nothing was done');
  for (const field of ['question', 'priority', 'colour']) expect(told).toContain(field);
});

test('several calls wait at once, and each gets its own result, in whatever order they come', async () => {
  const stage = await share(
    TOOLS,
    ['one', 'two', 'three'].map((question) => ask({ question })),
  );
  const { session } = stage;
  const turn = session.turn('go');
  await session.nth('tool_call', 2);
  for (const n of [2, 0, 1]) {
    const { call } = await session.nth('tool_call', n);
    await answer(session, n, `answer to ${'question' in call.input ? call.input.question : ''}`);
  }
  await turn;
  const contents = [...results(session).matchAll(/answer to (\w+)/g)].map(([, which]) => which);
  expect(new Set(contents)).toEqual(new Set(['one', 'two', 'three']));
  const asked = JSON.stringify(session.lines.filter((line) => line['type'] === 'assistant'));
  for (const which of ['one', 'two', 'three']) {
    const id = new RegExp(`"id":"(toolu_[^"]+)"[^}]*"input":\\{"question":"${which}"`).exec(asked)?.[1] ?? 'none';
    const line = session.lines.find((each) => each['type'] === 'user' && JSON.stringify(each).includes(id));
    expect(JSON.stringify(line)).toContain(`answer to ${which}`);
  }
});

test('nobody’s leave is needed to ask somebody, in any mode', async () => {
  for (const permission_mode of ['ask', 'accept_edits', 'plan']) {
    await using stage = await using([ask({ question: 'May I ask?' })]);
    const { session } = stage;
    await stage.start({ config: { ...TOOLS, permission_mode, allowed_tools: ['Read'] } });
    const turn = session.turn('go');
    await answer(session, 0, 'You just did.');
    await turn;
    expect(results(session)).toContain('You just did.');
    expect(session.all('asked')).toEqual([]);
  }
});

test('of these tools the session has those that it names, also beside a closed list of others', async () => {
  await using stage = await using([ask({ question: 'Am I here?' }), use('notify_user', { message: 'here' })]);
  const { session } = stage;
  await stage.start({ config: { allowed_tools: ['Read'], agent_tools: ['notify_user'] } });
  const turn = session.turn('go');
  expect(await answer(session, 0, 'told')).toMatchObject({ tool: 'notify_user' });
  await turn;
  expect(results(session)).toContain('No such tool available: mcp__cc-docker__ask_user');
  expect(stage.offered).not.toContain('mcp__cc-docker__ask_user');
});

test('a session’s own server of the same name is not reached, and a notice says so', async () => {
  await using stage = await using([ask({ question: 'Who answers?' })]);
  const { session } = stage;
  await stage.start({ config: { ...TOOLS, mcp_servers: { 'cc-docker': { command: '/bin/false' } } } });
  const turn = session.turn('go');
  await answer(session, 0, 'The session.');
  await turn;
  expect(results(session)).toContain('The session.');
  expect(session.all('mcp_server')).toMatchObject([{ name: 'cc-docker', state: 'failed' }]);
});

test('the tools are no message in the log, and need no server that a process in the container could call', async () => {
  await using stage = await using([ask({ question: 'Who listens?' })]);
  const { session } = stage;
  const wrapper = await stage.start({ config: TOOLS });
  const turn = session.turn('go');
  await session.nth('tool_call', 0);
  expect(listensOnTcp(wrapper.pid)).toBe(false);
  await answer(session, 0, 'Nobody.');
  await turn;
  expect(session.lines.filter((line) => String(line['type']).startsWith('control_'))).toEqual([]);
  const init = session.lines.find((line) => line['subtype'] === 'init');
  expect(init?.['mcp_servers']).toEqual([{ name: 'cc-docker', status: 'connected', source: 'sdk' }]);
});

test('claude takes the tools as they are told at its start, and asks for them no more: a first turn waits for nothing', async () => {
  await using stage = await using([ask({ question: 'Ready?' })]);
  const { session } = stage;
  const heard = stage.path('heard');
  const claude = await stage.standIn(`
    import { spawn } from 'node:child_process';
    import { createWriteStream } from 'node:fs';
    const claude = spawn(${JSON.stringify(REAL_CLAUDE)}, process.argv.slice(2), { stdio: ['inherit', 'pipe', 'inherit'] });
    claude.stdout.pipe(process.stdout);
    claude.stdout.pipe(createWriteStream(${JSON.stringify(heard)}));
    claude.on('exit', (code) => process.exit(code ?? 1));
    process.on('SIGTERM', () => claude.kill());
  `);
  await stage.start({ claude, config: TOOLS });
  const turn = session.turn('go');
  await answer(session, 0, 'Ready.');
  await turn;
  const said = readFileSync(heard, 'utf8');
  expect(said).toContain('"sdk_mcp_manifests_parked":{"cc-docker":"parked"}');
  const methods = [...said.matchAll(/"subtype":"mcp_message".*?"method":"([^"]+)"/g)].map(([, method]) => method);
  expect(methods).toEqual(['tools/call']);
});

test('an interrupt cancels the call, and a late result of it changes nothing', async () => {
  const stage = await share(TOOLS, [ask({ question: 'Still there?' })]);
  const { session } = stage;
  const message_id = session.prompt('go');
  const { call_id } = await session.nth('tool_call', 0);
  session.order({ command: 'interrupt', message_id });
  expect(await session.notice('tool_cancelled')).toEqual({ notice: 'tool_cancelled', call_id });
  await session.until(() => session.lines.find((line) => line['type'] === 'result'));
  await answer(session, 0, 'Too late.');
  expect(await session.turn('and now?')).toMatchObject({ is_error: false, result: 'done' });
  expect(results(session)).not.toContain('Too late.');
});

test('a result given while the link was broken reaches the model once', async () => {
  const stage = await share(TOOLS, [ask({ question: 'Still there?' })]);
  const { session } = stage;
  session.withholdAcks = true;
  const turn = session.turn('go');
  await session.nth('tool_call', 0);
  session.breakLink();
  session.withholdAcks = false;
  await answer(session, 0, 'Back again.');
  expect(await turn).toMatchObject({ is_error: false, result: 'done' });
  expect(session.all('tool_call')).toHaveLength(1);
  expect(results(session).split('Back again.').length).toBeGreaterThan(1);
});

test('neither a stop nor claude’s death cancels a call: its answer still counts', async () => {
  for (const end of ['stop', 'death'] as const) {
    await using stage = await using([ask({ question: 'Still there?' })]);
    const { session } = stage;
    const wrapper = await stage.start({ config: TOOLS });
    session.prompt('go');
    const { call_id } = await session.nth('tool_call', 0);
    if (end === 'stop') wrapper.signal('SIGTERM');
    else process.kill(claudeOf(wrapper.pid), 'SIGKILL');
    await session.notice('exited');
    // One that comes after the end is not taken: it stays the session's.
    session.order({ command: 'tool_result', call_id, text: 'too late', is_error: false });
    await wrapper.exit;
    expect(session.all('tool_cancelled')).toEqual([]);
    expect(session.taken).toBe(1);
  }
});

/**
 * Claude Code's limits for a call, in all and without progress, are set to the least that it takes, which is less than what is
 * waited here: where one of them applied, it would tell the model so instead of the result.
 */
test('no limit of Claude Code’s cuts a call that waits, where it cuts another server’s beside it', async () => {
  await using stage = await using([ask({ question: 'Still there?' }), { tool: 'mcp__silent__wait', input: {} }]);
  const { session } = stage;
  const givenUp = path.join(stage.folder, 'given-up');
  const silent = { command: process.execPath, args: [SILENT, givenUp] };
  const limits = {
    MCP_TOOL_TIMEOUT: '1000',
    CLAUDE_CODE_MCP_TOOL_IDLE_TIMEOUT: '1000',
    CLAUDE_AUTO_BACKGROUND_TASKS: '1',
    CLAUDE_CODE_MCP_AUTO_BACKGROUND_MS: '1000',
    ENABLE_TOOL_SEARCH: 'false',
  };
  await stage.start({
    config: { ...TOOLS, mcp_servers: { silent } },
    env: { ...stage.claudeEnv(), ...limits },
  });
  const turn = session.turn('go');
  await session.nth('tool_call', 0);
  await until(() => expect(existsSync(givenUp)).toBe(true));
  expect(session.all('tool_cancelled')).toEqual([]);
  await answer(session, 0, 'At last.');
  await turn;
  expect(results(session)).toContain('At last.');
});

/** Whether the process has a TCP socket that listens. */
function listensOnTcp(pid: number): boolean {
  const listening = readFileSync(`/proc/${pid}/net/tcp`, 'utf8')
    .split('\n')
    .map((row) => row.trim().split(/\s+/))
    .flatMap(([, , , state, , , , , , inode]) => (state === '0A' && inode !== undefined ? [`socket:[${inode}]`] : []));
  return readdirSync(`/proc/${pid}/fd`).some((fd) => listening.includes(linkOf(`/proc/${pid}/fd/${fd}`)));
}

/** Empty: closed meanwhile. */
function linkOf(fd: string): string {
  try {
    return readlinkSync(fd);
  } catch {
    return '';
  }
}

function claudeOf(wrapper: number): number {
  const children = readFileSync(`/proc/${wrapper}/task/${wrapper}/children`, 'utf8').trim().split(' ');
  return Number(children[0]);
}
