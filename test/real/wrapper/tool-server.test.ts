import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { expect, test } from 'vitest';
import { type AgentTool, agentTool } from '../../../protocol/api/session-config.ts';
import { type WrapperNotice, wrapperNotice } from '../../../protocol/link/wrapper-notice.ts';
import { ToolCalls, type ToolResult } from '../../../wrapper/tools/tool-calls.ts';
import { ToolServer } from '../../../wrapper/tools/tool-server.ts';

const PEOPLE: readonly AgentTool[] = ['ask_user', 'notify_user'];

/** A server, what it has told its session, and a client for it. */
async function serving({ open = true, tools = PEOPLE }: { open?: boolean; tools?: readonly AgentTool[] } = {}) {
  const disposables = new AsyncDisposableStack();
  const told: WrapperNotice[] = [];
  const calls = new ToolCalls((notice) => void told.push(notice));
  const server = await ToolServer.listen(calls, tools);
  disposables.defer(() => {
    server.close();
  });
  if (open) await server.open();
  const connect = async (): Promise<Client> => {
    const { url, headers } = server.config;
    const client = new Client({ name: 'test', version: '1' });
    await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
    disposables.defer(() => client.close());
    return client;
  };
  return { server, calls, told, connect, [Symbol.asyncDispose]: () => disposables.disposeAsync() };
}

test('only who knows the token is served', async () => {
  await using serves = await serving();
  const { url, headers } = serves.server.config;
  for (const Authorization of ['', 'Bearer ', 'Bearer guess', `${headers['Authorization']}x`]) {
    const answer = await fetch(url, { method: 'POST', headers: { Authorization }, body: '{}' });
    expect(answer.status).toBe(401);
  }
});

test('a client that comes before it is loaded waits and is served', async () => {
  await using serves = await serving({ open: false });
  const connected = serves.connect();
  await serves.server.open();
  const { tools } = await (await connected).listTools();
  expect(tools.map(({ name }) => name)).toEqual(['ask_user', 'notify_user']);
});

test('every tool, and every argument of it, is described for the model', async () => {
  await using serves = await serving({ tools: agentTool.options });
  const { tools } = await (await serves.connect()).listTools();
  expect(tools.map(({ name }) => name)).toEqual(agentTool.options);
  for (const { description, inputSchema } of tools) {
    expect(description).toMatch(/^\w.{40}/);
    expect(inputSchema).toMatchObject({ type: 'object', additionalProperties: false });
    for (const property of Object.values(inputSchema.properties ?? {}))
      expect(property).toMatchObject({ description: expect.stringMatching(/./) });
  }
  // Claude Code sends these with every call of the model's.
  const sent = tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
  expect(JSON.stringify(sent).length).toBeLessThan(12_000);
  // What says nothing to a model: the pattern of a UUID, the greatest of all numbers.
  expect(JSON.stringify(sent)).not.toMatch(/a-fA-F|9007199254740991/);
});

test('tools that change nothing are told to be so, that they may run beside each other', async () => {
  await using serves = await serving({ tools: agentTool.options });
  const { tools } = await (await serves.connect()).listTools();
  const where = (hint: 'readOnlyHint' | 'destructiveHint' | 'idempotentHint'): string[] =>
    tools.filter(({ annotations }) => annotations?.[hint] === true).map(({ name }) => name);
  expect(where('readOnlyHint')).toEqual([...PEOPLE, 'list_children', 'get_child_result', 'get_child_events']);
  expect(where('destructiveHint')).toEqual(['interrupt_child', 'stop_child']);
  expect(where('idempotentHint')).toEqual(['stop_child']);
});

const ID = '01890000-0000-7000-8000-000000000001';
const child_session_id = ID;
/** Each tool's arguments, and what a session returns for them as data. */
const USES: Readonly<Record<AgentTool, { input: Record<string, unknown>; data?: Record<string, unknown> }>> = {
  ask_user: { input: { question: 'Which?', options: ['a', { label: 'b' }] } },
  notify_user: { input: { message: 'Done.', priority: 'low' } },
  share_artifact: { input: { path: 'out/a.pdf' }, data: { artifact_id: ID, name: 'a.pdf', bytes: 12 } },
  spawn_session: {
    input: { prompt: 'Go.', title: 'Goer', workspace: 'inherit', model: 'haiku-4', allowed_tools: ['Read'] },
    data: { child_session_id, message_id: ID, status: 'queued' },
  },
  list_children: {
    input: {},
    data: {
      children: [
        {
          child_session_id,
          title: null,
          status: 'running',
          reason: null,
          pending_messages: 1,
          total_cost_usd: 0.1,
          open_interactions: 0,
        },
      ],
    },
  },
  send_to_child: { input: { child_session_id, prompt: 'Go on.' }, data: { message_id: ID, status: 'running' } },
  get_child_result: {
    input: { child_session_id, message_id: ID, timeout_seconds: 0 },
    data: {
      child_session_id,
      message_id: ID,
      state: 'failed',
      result: null,
      error: { code: 'lost', detail: 'It is gone.' },
      total_cost_usd: null,
      open_interactions: 0,
    },
  },
  get_child_events: {
    input: { child_session_id, after: 0, limit: 1 },
    data: {
      events: [{ seq: 1, time: '2026-01-01T00:00:00.000Z', type: 'user', text: 'Go.' }],
      next_after: 1,
      last_seq: 9,
    },
  },
  interrupt_child: { input: { child_session_id }, data: { interrupted: false } },
  stop_child: { input: { child_session_id }, data: { status: 'stopped' } },
};
const WITH_DATA = agentTool.options.filter((name) => USES[name].data !== undefined);

/** A client's use of a tool, which its session answers with this; and what the client has of it. It has checked data against the tool's schema. */
async function used(
  { calls, told, connect }: Awaited<ReturnType<typeof serving>>,
  name: AgentTool,
  result: ToolResult,
): Promise<unknown> {
  const client = await connect();
  await client.listTools();
  const before = told.length;
  const outcome = client.callTool({ name, arguments: USES[name].input });
  await expect.poll(() => told.length).toBe(before + 1);
  const said = told.at(-1);
  if (said?.notice === 'tool_call') calls.answer(said.call_id, result);
  return outcome;
}

test.for(agentTool.options)('%s: its call goes to the session as it was, and its result to the model', async (tool) => {
  await using serves = await serving({ tools: agentTool.options });
  const { input, data: structured } = USES[tool];
  const outcome = await used(serves, tool, { text: 'the text', isError: false, structured });
  expect(wrapperNotice.parse(serves.told[0])).toEqual({
    notice: 'tool_call',
    call_id: expect.any(String),
    call: { tool, input },
  });
  expect(outcome).toEqual({
    content: [{ type: 'text', text: 'the text' }],
    isError: false,
    ...(structured !== undefined && { structuredContent: structured }),
  });
});

test('data may have more than the tool’s schema says, as a newer edge’s have', async () => {
  await using serves = await serving({ tools: WITH_DATA });
  for (const tool of WITH_DATA) {
    const structured = { ...USES[tool].data, news: 1 };
    const outcome = await used(serves, tool, { text: '', isError: false, structured });
    expect(outcome).toMatchObject({ structuredContent: structured });
  }
});

test('an error has no data, and a result whose data are missing is an error', async () => {
  await using serves = await serving({ tools: WITH_DATA });
  for (const tool of WITH_DATA) {
    const refused = await used(serves, tool, { text: 'Refused.', isError: true, structured: { half: true } });
    expect(refused).toEqual({ content: [{ type: 'text', text: 'Refused.' }], isError: true });
    const lacking = await used(serves, tool, { text: 'Began.', isError: false });
    expect(lacking).toEqual({
      content: [{ type: 'text', text: expect.stringMatching(/incomplete.*Began\./) }],
      isError: true,
    });
  }
});

test('two connections at once are two, and a call that one takes back is not the other’s', async () => {
  await using serves = await serving();
  const { told, calls } = serves;
  const [one, other] = [await serves.connect(), await serves.connect()];
  const abort = new AbortController();
  const lost = one.callTool({ name: 'ask_user', arguments: { question: 'one' } }, undefined, { signal: abort.signal });
  const kept = other.callTool({ name: 'ask_user', arguments: { question: 'other' } });
  await expect.poll(() => told.length).toBe(2);
  abort.abort();
  await expect(lost).rejects.toThrow();
  await expect.poll(() => told.length).toBe(3);
  const calledBy = (question: string): string =>
    told.flatMap((each) =>
      each.notice === 'tool_call' && 'question' in each.call.input && each.call.input.question === question
        ? each.call_id
        : [],
    )[0] ?? '';
  expect(told[2]).toEqual({ notice: 'tool_cancelled', call_id: calledBy('one') });
  calls.answer(calledBy('one'), { text: 'late', isError: false });
  calls.answer(calledBy('other'), { text: 'in time', isError: false });
  calls.answer(calledBy('other'), { text: 'twice', isError: false });
  expect(await kept).toMatchObject({ content: [{ type: 'text', text: 'in time' }], isError: false });
});

test('a client that goes away without a word cancels nothing', async () => {
  await using serves = await serving();
  const { server, told, calls } = serves;
  const { url, headers } = server.config;
  const post = async (body: object, session: Record<string, string>, signal?: AbortSignal) =>
    await fetch(url, {
      method: 'POST',
      headers: {
        ...headers,
        ...session,
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
      },
      body: JSON.stringify({ jsonrpc: '2.0', ...body }),
      ...(signal !== undefined && { signal }),
    });
  const clientInfo = { name: 'test', version: '1' };
  const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo };
  const hello = await post({ id: 1, method: 'initialize', params }, {});
  await hello.text();
  const session = { 'mcp-session-id': hello.headers.get('mcp-session-id') ?? '' };
  await post({ method: 'notifications/initialized' }, session);
  const abort = new AbortController();
  const called = { name: 'ask_user', arguments: { question: 'there?' } };
  await post({ id: 2, method: 'tools/call', params: called }, session, abort.signal);
  await expect.poll(() => told.length).toBe(1);
  abort.abort();
  // Answered all the same: nobody reads it, and nothing breaks.
  const [first] = told;
  if (first?.notice === 'tool_call') calls.answer(first.call_id, { text: 'to nobody', isError: false });
  const { tools } = await (await serves.connect()).listTools();
  expect(tools).toHaveLength(2);
  expect(told).toHaveLength(1);
});
