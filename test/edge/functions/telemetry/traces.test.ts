import { env } from 'cloudflare:test';
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { createApp } from '../../../../functions/app.ts';
import { useSettings } from '../../support/edge-settings.ts';
import { User } from '../../support/api.ts';
import { emptyPool } from '../../support/pool.ts';
import { FakeRunner } from '../../support/runner.ts';

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
