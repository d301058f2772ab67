import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { JSONRPCMessageSchema } from '@modelcontextprotocol/sdk/types.js';
import { expect, test } from 'vitest';
import { type AgentTool, agentTool } from '../../../../protocol/api/session/session-config.ts';
import { type WrapperNotice, wrapperNotice } from '../../../../protocol/link/wrapper/wrapper-notice.ts';
import { ToolCalls, type ToolResult } from '../../../../wrapper/tools/tool-calls.ts';
import { manifestOf } from '../../../../wrapper/tools/tool-manifest.ts';
import { ToolProtocol } from '../../../../wrapper/tools/tool-protocol.ts';

const PEOPLE: readonly AgentTool[] = ['ask_user', 'notify_user'];

/** Carries an MCP client's messages to the protocol, as Claude Code does: each is answered, and a notification's answer says nothing. */
function transportTo(protocol: ToolProtocol): Transport {
  const transport: Transport = {
    start: async () => {},
    close: async () => {},
    send: async (message) => {
      const answered = protocol.serve(message).then((answer) => {
        if ('id' in message) transport.onmessage?.(JSONRPCMessageSchema.parse(answer));
        else expect(answer).toEqual({ jsonrpc: '2.0', id: 0, result: {} });
      });
      // A call is answered when the session answers it: what the client sends after it does not wait for that.
      answered.catch((error: Error) => transport.onerror?.(error));
    },
  };
  return transport;
}

/** The protocol, what it has told its session, and a client for it. */
async function serving({ tools = PEOPLE }: { tools?: readonly AgentTool[] } = {}) {
  const told: WrapperNotice[] = [];
  const calls = new ToolCalls((notice) => void told.push(notice));
  const protocol = new ToolProtocol(calls, tools);
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(transportTo(protocol));
  return { protocol, calls, told, client };
}

test('an MCP client is welcomed in the version that it speaks, and finds the tools', async () => {
  const { client, protocol } = await serving();
  expect(client.getServerVersion()).toEqual({ name: 'cc-docker', version: '1' });
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name)).toEqual(PEOPLE);
  await client.ping();
  const params = { protocolVersion: '2024-11-05', capabilities: {}, clientInfo: { name: 'old', version: '1' } };
  expect(await protocol.serve({ jsonrpc: '2.0', id: 'a', method: 'initialize', params })).toMatchObject({
    id: 'a',
    result: { protocolVersion: '2024-11-05', capabilities: { tools: {} } },
  });
});

test('the manifest is what a client would be answered', async () => {
  const { protocol } = await serving({ tools: agentTool.options });
  const { initializeResult, toolsListResult } = manifestOf(agentTool.options);
  expect(await protocol.serve({ jsonrpc: '2.0', id: 1, method: 'initialize' })).toMatchObject({
    result: initializeResult,
  });
  expect(await protocol.serve({ jsonrpc: '2.0', id: 2, method: 'tools/list' })).toMatchObject({
    result: toolsListResult,
  });
});

test('what is no method here, no tool here or no message at all is answered with an error', async () => {
  const { protocol, told } = await serving();
  const codeOf = async (message: unknown) => {
    const answer = await protocol.serve(message);
    return 'error' in answer ? answer.error.code : answer.result;
  };
  expect(await codeOf({ jsonrpc: '2.0', id: 1, method: 'resources/list' })).toBe(-32601);
  expect(await codeOf({ jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 3 } })).toBe(-32602);
  for (const nothing of [null, 'x', 7, [], {}, { id: 1 }]) expect(await codeOf(nothing)).toBe(-32600);
  const params = { name: 'spawn_session', arguments: { prompt: 'Go.' } };
  expect(await codeOf({ jsonrpc: '2.0', id: 3, method: 'tools/call', params })).toMatchObject({ isError: true });
  expect(told).toEqual([]);
});

test('every tool, and every argument of it, is described for the model', async () => {
  const { client } = await serving({ tools: agentTool.options });
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name)).toEqual(agentTool.options);
  for (const { description, inputSchema } of tools) {
    expect(description).toMatch(/^\w.{40}/);
    expect(inputSchema).toMatchObject({ type: 'object', additionalProperties: false });
    for (const property of Object.values(inputSchema.properties ?? {}))
      expect(property).toMatchObject({ description: expect.stringMatching(/./) });
  }
  // Claude Code sends these with every call of the model's.
  const sent = tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
  expect(JSON.stringify(sent).length).toBeLessThan(12_600);
  // What says nothing to a model: the pattern of a UUID or a time, the greatest of all numbers.
  expect(JSON.stringify(sent)).not.toMatch(/a-fA-F|9007199254740991/);
});

test('tools that change nothing are told to be so, that they may run beside each other', async () => {
  const { client } = await serving({ tools: agentTool.options });
  const { tools } = await client.listTools();
  const where = (hint: 'readOnlyHint' | 'destructiveHint' | 'idempotentHint'): string[] =>
    tools.filter(({ annotations }) => annotations?.[hint] === true).map(({ name }) => name);
  const looking = ['list_children', 'get_child_result', 'get_child_events', 'list_wakeups'];
  expect(where('readOnlyHint')).toEqual([...PEOPLE, ...looking]);
  expect(where('destructiveHint')).toEqual(['interrupt_child', 'stop_child', 'cancel_wakeup']);
  expect(where('idempotentHint')).toEqual(['stop_child', 'cancel_wakeup', 'share_port']);
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
  schedule_wakeup: {
    input: { at: '2026-01-31T09:00:00+01:00', prompt: 'Look again.' },
    data: { wakeup_id: ID, at: '2026-01-31T08:00:00.000Z' },
  },
  list_wakeups: {
    input: {},
    data: { wakeups: [{ wakeup_id: ID, at: '2026-01-31T08:00:00.000Z', prompt: 'Look again.' }] },
  },
  cancel_wakeup: { input: { wakeup_id: ID }, data: { canceled: true } },
  share_port: {
    input: { port: 5173, label: 'the app' },
    data: { port: 5173, url: 'http://a.localhost/', expires_at: '2026-01-31T09:00:00.000Z', listening: true },
  },
};
const WITH_DATA = agentTool.options.filter((name) => USES[name].data !== undefined);

/** A client's use of a tool, which its session answers with this; and what the client has of it. It has checked data against the tool's schema. */
async function used(
  { calls, told, client }: Awaited<ReturnType<typeof serving>>,
  name: AgentTool,
  result: ToolResult,
): Promise<unknown> {
  await client.listTools();
  const before = told.length;
  const outcome = client.callTool({ name, arguments: USES[name].input });
  await expect.poll(() => told.length).toBe(before + 1);
  const said = told.at(-1);
  if (said?.notice === 'tool_call') calls.answer(said.call_id, result);
  return outcome;
}

test.for(agentTool.options)('%s: its call goes to the session as it was, and its result to the model', async (tool) => {
  const serves = await serving({ tools: agentTool.options });
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

test('a call says how Claude Code names it in its lines', async () => {
  const { client, calls, told } = await serving();
  const { input } = USES.ask_user;
  const outcome = client.callTool({ name: 'ask_user', arguments: input, _meta: { 'claudecode/toolUseId': 'toolu_9' } });
  await expect.poll(() => told.length).toBe(1);
  const [said] = told;
  expect(said).toMatchObject({ notice: 'tool_call', tool_use_id: 'toolu_9' });
  if (said?.notice === 'tool_call') calls.answer(said.call_id, { text: 'red', isError: false });
  await outcome;
});

test('data may have more than the tool’s schema says, as a newer edge’s have', async () => {
  const serves = await serving({ tools: WITH_DATA });
  for (const tool of WITH_DATA) {
    const structured = { ...USES[tool].data, news: 1 };
    const outcome = await used(serves, tool, { text: '', isError: false, structured });
    expect(outcome).toMatchObject({ structuredContent: structured });
  }
});

test('an error has no data, and a result whose data are missing is an error', async () => {
  const serves = await serving({ tools: WITH_DATA });
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

test('a call that the client takes back is cancelled alone, and a late answer to it changes nothing', async () => {
  const { told, calls, client } = await serving();
  const abort = new AbortController();
  const ask = (question: string, signal?: AbortSignal) =>
    client.callTool({ name: 'ask_user', arguments: { question } }, undefined, {
      ...(signal !== undefined && { signal }),
    });
  const lost = ask('one', abort.signal);
  const kept = ask('other');
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

test('a cancelled call is answered, so that Claude Code waits for nothing; cancelling what does not run changes nothing', async () => {
  const { told, protocol } = await serving();
  const params = { name: 'ask_user', arguments: { question: 'there?' } };
  const call = protocol.serve({ jsonrpc: '2.0', id: 7, method: 'tools/call', params });
  const cancel = (requestId: unknown) =>
    protocol.serve({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } });
  for (const other of [8, '7', null]) await cancel(other);
  expect(told).toHaveLength(1);
  await cancel(7);
  expect(await call).toMatchObject({ id: 7, error: { code: -32800 } });
  await cancel(7);
  expect(told.map(({ notice }) => notice)).toEqual(['tool_call', 'tool_cancelled']);
});
