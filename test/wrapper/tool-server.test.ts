import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { expect, test } from 'vitest';
import type { WrapperNotice } from '../../protocol/wrapper-link.ts';
import { ToolCalls } from '../../wrapper/tool-calls.ts';
import { ToolServer } from '../../wrapper/tool-server.ts';

/** A server, what it has told its session, and a client for it. */
async function serving(open = true) {
  const disposables = new AsyncDisposableStack();
  const told: WrapperNotice[] = [];
  const calls = new ToolCalls((notice) => void told.push(notice));
  const server = await ToolServer.listen(calls, ['ask_user', 'notify_user']);
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
  await using serves = await serving(false);
  const connected = serves.connect();
  await serves.server.open();
  const { tools } = await (await connected).listTools();
  expect(tools.map(({ name }) => name)).toEqual(['ask_user', 'notify_user']);
});

test('every argument is described for the model', async () => {
  await using serves = await serving();
  const { tools } = await (await serves.connect()).listTools();
  for (const { description, inputSchema } of tools) {
    expect(description).toMatch(/^\w.{40}/);
    expect(inputSchema).toMatchObject({ type: 'object', additionalProperties: false });
    for (const property of Object.values(inputSchema.properties ?? {}))
      expect(property).toMatchObject({ description: expect.stringMatching(/./) });
  }
  expect(tools.map(({ inputSchema }) => inputSchema.required)).toEqual([['question'], ['message']]);
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
