import { env, runInDurableObject } from 'cloudflare:test';
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { createApp } from '../../../../functions/app.ts';
import { useSettings } from '../../support/edge-settings.ts';
import { User } from '../../support/api.ts';
import { Socket } from '../../support/socket.ts';
import { emptyPool } from '../../support/pool.ts';
import { FakeRunner, type FakeContainer } from '../../support/runner.ts';
import { sessionObject } from '../../support/scene.ts';
import { useTool } from '../../session/children/support/family.ts';
import { later } from '../../session/interactions/support/asking.ts';

const app = createApp();
const COLLECTOR = {
  OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector.example:4318/',
  OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20of-the-collector',
};
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CLIENT = 'b7ad6b7169203331';

interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: { readonly key: string; readonly value: Record<string, unknown> }[];
  readonly status?: { readonly code: number };
}

interface Sent {
  readonly url: string;
  readonly headers: Headers;
  readonly body: string;
}

beforeEach(emptyPool);

/** What the collector gets; it answers with `status`. */
function collector(status = 200): { readonly sent: Sent[]; readonly spans: () => OtlpSpan[] } {
  const sent: Sent[] = [];
  const spy = vi.spyOn(globalThis, 'fetch').mockImplementation(async (to, init) => {
    const asked = new Request(to, init);
    sent.push({ url: asked.url, headers: asked.headers, body: await asked.text() });
    return new Response(null, { status });
  });
  onTestFinished(() => spy.mockRestore());
  const spans = ({ body }: Sent): OtlpSpan[] =>
    (JSON.parse(body) as { resourceSpans: { scopeSpans: { spans: OtlpSpan[] }[] }[] }).resourceSpans.flatMap(
      ({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans),
    );
  return { sent, spans: () => sent.flatMap(spans) };
}

const attributesOf = ({ attributes }: OtlpSpan) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

async function call(
  user: User,
  method: string,
  path: string,
  body?: object,
  traceparent?: string,
  settings = COLLECTOR,
) {
  const headers = { authorization: `Bearer ${await user.token}`, ...(traceparent && { traceparent }) };
  const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
  const answer = await app.request(`/api/v1${path}`, init, { ...env, ...settings });
  return answer.json<Record<string, string>>();
}

it('a turn is in its client’s trace, with its tools, by the names of GenAI, and nothing that was said', async () => {
  useSettings(COLLECTOR);
  const { sent, spans } = collector();
  const runner = await FakeRunner.connect();
  const user = new User('bait-owner');
  const { session_id: id = '' } = await call(user, 'POST', '/sessions', { config: { model: 'opus' } });
  const container = await runner.start(id);
  await call(user, 'POST', `/sessions/${id}/chat`, { prompt: 'bait-prompt', stream: true }, `00-${TRACE}-${CLIENT}-01`);
  const command = (await container.prompt()) as { message_id: string; traceparent?: string };
  const tool = { type: 'tool_use', id: 'toolu_1', name: 'Bash', input: { command: 'bait-command' } };
  container.say({ type: 'assistant', message: { content: [{ type: 'text', text: 'bait-text' }, tool] } });
  const result = { type: 'tool_result', tool_use_id: 'toolu_1', is_error: true, content: 'bait-output' };
  container.say({ type: 'user', message: { content: [result] } });
  container.result(command.message_id, 'bait-result');
  await container.stored();
  await expect.poll(() => spans().map(({ name }) => name)).toContain('execute_tool Bash');
  const ofTrace = spans().filter(({ traceId }) => traceId === TRACE);
  const named = (name: string) => ofTrace.find((span) => span.name === name) ?? expect.fail(name);
  const request = named('POST /api/v1/sessions/{session_id}/chat');
  expect(request).toMatchObject({ parentSpanId: CLIENT, kind: 2 });
  expect(attributesOf(request)).toMatchObject({
    'http.request.method': 'POST',
    'http.route': '/api/v1/sessions/{session_id}/chat',
    'http.response.status_code': '202',
  });
  const turn = named('invoke_agent claude');
  expect(turn.parentSpanId).toBe(request.spanId);
  expect(command.traceparent).toBe(`00-${TRACE}-${turn.spanId}-01`);
  expect(attributesOf(turn)).toMatchObject({
    'gen_ai.operation.name': 'invoke_agent',
    'gen_ai.provider.name': 'anthropic',
    'gen_ai.conversation.id': id,
    'gen_ai.request.model': 'opus',
    'gen_ai.usage.input_tokens': '10',
    'gen_ai.usage.output_tokens': '5',
  });
  const used = named('execute_tool Bash');
  expect(used).toMatchObject({ parentSpanId: turn.spanId, status: { code: 2 } });
  expect(attributesOf(used)).toMatchObject({ 'gen_ai.tool.name': 'Bash', 'gen_ai.tool.call.id': 'toolu_1' });
  for (const { startTimeUnixNano, endTimeUnixNano } of ofTrace)
    expect(BigInt(endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(startTimeUnixNano));
  expect(new Set(sent.map(({ url }) => url))).toEqual(new Set(['http://collector.example:4318/v1/traces']));
  expect(sent[0]?.headers.get('authorization')).toBe('Bearer of-the-collector');
  const bodies = sent.map(({ body }) => body).join('');
  expect(bodies).not.toMatch(/bait/);
  expect(bodies).not.toContain(await user.token);
});

it('a message that comes without a trace begins one; of a client that records none, none is recorded', async () => {
  useSettings(COLLECTOR);
  const { spans } = collector();
  const runner = await FakeRunner.connect();
  const user = new User();
  const { session_id: id = '' } = await call(user, 'POST', '/sessions', {});
  const container = await runner.start(id);
  await call(user, 'POST', `/sessions/${id}/chat`, { prompt: 'one', stream: true }, `00-${TRACE}-${CLIENT}-00`);
  const first = (await container.prompt()) as { message_id: string; traceparent?: string };
  expect(first.traceparent).toBeUndefined();
  container.result(first.message_id, 'done');
  const socket = await user.open(id);
  socket.send({ type: 'prompt', prompt: 'two' });
  const second = (await container.prompt()) as { message_id: string; traceparent?: string };
  container.result(second.message_id, 'done');
  const own = second.message_id.replaceAll('-', '');
  expect(second.traceparent).toBe(`00-${own}-${own.slice(16)}-01`);
  await expect.poll(() => spans().some(({ traceId }) => traceId === own)).toBe(true);
  expect(spans().some(({ traceId }) => traceId === TRACE)).toBe(false);
  const turn = spans().find(({ traceId }) => traceId === own);
  expect(turn).toMatchObject({ name: 'invoke_agent claude' });
  expect(turn?.parentSpanId).toBeUndefined();
});

it('a collector that is down delays nobody, and its words are in the log without its credential', async () => {
  const log = vi.spyOn(console, 'warn').mockReturnValue();
  onTestFinished(() => log.mockRestore());
  const { spans } = collector(503);
  const user = new User();
  const answer = await call(user, 'GET', '/sessions', undefined, `00-${TRACE}-${CLIENT}-01`);
  expect(answer['data']).toEqual([]);
  // What a machine asks every few seconds is in no trace of its own.
  await app.request('/health', {}, { ...env, ...COLLECTOR });
  await expect.poll(() => JSON.stringify(log.mock.calls)).toContain('traces: the collector answered with 503');
  expect(spans().map(({ name }) => name)).toEqual(['GET /api/v1/sessions']);
  expect(JSON.stringify(log.mock.calls)).not.toContain('of-the-collector');
});

it('without a collector nothing is recorded', async () => {
  const { sent } = collector();
  const answer = await app.request('/health', { headers: { traceparent: `00-${TRACE}-${CLIENT}-01` } }, env);
  expect(answer.status).toBe(200);
  expect(sent).toEqual([]);
});

/** A session that is created in a client's trace, with its container. */
async function begun(user: User) {
  const runner = await FakeRunner.connect();
  const { session_id: id = '' } = await call(user, 'POST', '/sessions', {}, `00-${TRACE}-${CLIENT}-01`);
  const container = await runner.start(id);
  return { runner, id, container };
}

/** The prompt of a message in a client's trace, and the span of its turn. */
async function turnOf(container: FakeContainer, user: User, id: string) {
  await call(user, 'POST', `/sessions/${id}/chat`, { prompt: 'go', stream: true }, `00-${TRACE}-${CLIENT}-01`);
  const { message_id } = await traced(container);
  return { message_id, span: message_id.replaceAll('-', '').slice(16) };
}

const traced = async (container: FakeContainer) =>
  (await container.prompt()) as { message_id: string; traceparent?: string };

it('the first launch is in the trace of the call that created its session', async () => {
  useSettings(COLLECTOR);
  const { spans } = collector();
  const { launch } = (await begun(new User())).container;
  await expect.poll(() => spans().some(({ name }) => name === 'POST /api/v1/sessions')).toBe(true);
  const created = spans().find(({ name, traceId }) => name === 'POST /api/v1/sessions' && traceId === TRACE);
  expect(launch.traceparent).toBe(`00-${TRACE}-${created?.spanId}-01`);
});

it('a child’s prompts go on in the trace of the turn that began it, and so does what it is sent later', async () => {
  useSettings(COLLECTOR);
  collector();
  const user = new User();
  const { runner, id, container } = await begun(user);
  const { span } = await turnOf(container, user, id);
  const answer = await useTool(container, { tool: 'spawn_session', input: { prompt: 'work' } });
  const { child_session_id } = answer.structured;
  const child = await runner.start(child_session_id);
  expect(child.launch.traceparent?.slice(3, 35)).toBe(TRACE);
  const first = await traced(child);
  expect(first.traceparent).toBe(`00-${TRACE}-${first.message_id.replaceAll('-', '').slice(16)}-01`);
  child.result(first.message_id, 'done');
  await child.stored();
  await useTool(container, { tool: 'send_to_child', input: { child_session_id, prompt: 'more' } });
  expect((await traced(child)).traceparent?.slice(3, 35)).toBe(TRACE);
  const parents = await runInDurableObject(sessionObject(child_session_id), (_, { storage }) =>
    storage.sql.exec<{ parent_id: string }>('SELECT parent_id FROM message_traces ORDER BY number').toArray(),
  );
  expect(new Set(parents.map(({ parent_id }) => parent_id))).toEqual(new Set([span]));
});

it('a wake-up goes on in the trace of the turn that scheduled it', async () => {
  onTestFinished(() => void vi.useRealTimers());
  useSettings(COLLECTOR);
  collector();
  const user = new User();
  const { id, container } = await begun(user);
  const { message_id } = await turnOf(container, user, id);
  container.say({
    notice: 'tool_call',
    call_id: crypto.randomUUID(),
    call: { tool: 'schedule_wakeup', input: { in_seconds: 60, prompt: 'look' } },
  });
  expect(await container.answer()).toMatchObject({ is_error: false });
  container.result(message_id, 'done');
  await container.stored();
  await later(id, 61);
  expect((await traced(container)).traceparent?.slice(3, 35)).toBe(TRACE);
});

it('a prompt on a WebSocket is in the trace that it names, or in that in which its client connected', async () => {
  useSettings(COLLECTOR);
  collector();
  const user = new User();
  const { id, container } = await begun(user);
  const connected = '4bf92f3577b34da6a3ce929d0e0e4736';
  const headers = {
    upgrade: 'websocket',
    authorization: `Bearer ${await user.token}`,
    traceparent: `00-${connected}-${CLIENT}-01`,
  };
  const answer = await app.request(`/api/v1/sessions/${id}/stream?after=0`, { headers }, { ...env, ...COLLECTOR });
  const socket = Socket.of(answer);
  const traceOfPrompt = async (frame: object) => {
    socket.send({ type: 'prompt', prompt: 'hi', ...frame });
    const { message_id, traceparent } = await traced(container);
    container.result(message_id, 'done');
    await container.stored();
    return traceparent?.slice(3, 35);
  };
  expect(await traceOfPrompt({ traceparent: `00-${TRACE}-${CLIENT}-01` })).toBe(TRACE);
  expect(await traceOfPrompt({})).toBe(connected);
});
