import { expect, test } from 'vitest';
import { traceSettings } from '../../../../protocol/settings/trace-settings.ts';
import { SpanExporter } from '../../../../protocol/trace/exporter.ts';
import type { Span } from '../../../../protocol/trace/span.ts';

const SETTINGS = traceSettings.parse({
  OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318/',
  OTEL_EXPORTER_OTLP_HEADERS: 'x-key=a%3Db, x-other = c',
});
const SPAN: Span = {
  trace_id: '0af7651916cd43dd8448eb211c80319c',
  span_id: 'b7ad6b7169203331',
  parent_id: null,
  name: 'one',
  kind: 'client',
  start: 1_700_000_000_000.5,
  end: 1_700_000_000_001,
  attributes: { text: 'a', whole: 1, part: 0.5, flag: true, left_out: undefined },
};

/** An exporter on a collector that answers as `answer` says. */
function exporter(answer: () => Promise<Response>) {
  const counted = { exported: 0, dropped: 0 };
  const posts: { url: string; headers: Record<string, string>; body: string }[] = [];
  const made = new SpanExporter({
    resource: { 'service.name': 'of a test' },
    count: (outcome, spans) => (counted[outcome] += spans),
    fetch: (url, { headers, body }) => {
      posts.push({ url, headers, body });
      return answer();
    },
  });
  return { made, counted, posts };
}

test('spans are sent as OTLP wants them in JSON, with the operator’s headers', async () => {
  const { made, posts, counted } = exporter(async () => new Response('{}'));
  made.add(SPAN);
  made.add({ ...SPAN, parent_id: '00f067aa0ba902b7', error: 'timeout' });
  expect(await made.flush(SETTINGS)).toBeNull();
  expect(posts.map(({ url }) => url)).toEqual(['http://127.0.0.1:4318/v1/traces']);
  expect(posts[0]?.headers).toEqual({ 'x-key': 'a=b', 'x-other': 'c', 'content-type': 'application/json' });
  const ids = { traceId: SPAN.trace_id, spanId: SPAN.span_id, name: 'one', kind: 3 };
  const times = { startTimeUnixNano: '1700000000000500000', endTimeUnixNano: '1700000000001000000' };
  const attributes = [
    { key: 'text', value: { stringValue: 'a' } },
    { key: 'whole', value: { intValue: '1' } },
    { key: 'part', value: { doubleValue: 0.5 } },
    { key: 'flag', value: { boolValue: true } },
  ];
  expect(JSON.parse(posts[0]?.body ?? '')).toEqual({
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: 'of a test' } }] },
        scopeSpans: [
          {
            scope: { name: 'cc-docker' },
            spans: [
              { ...ids, ...times, attributes },
              {
                ...ids,
                ...times,
                parentSpanId: '00f067aa0ba902b7',
                attributes: [...attributes, { key: 'error.type', value: { stringValue: 'timeout' } }],
                status: { code: 2, message: 'timeout' },
              },
            ],
          },
        ],
      },
    ],
  });
  expect(counted).toEqual({ exported: 2, dropped: 0 });
});

test('what a collector does not take is dropped and counted, and so is what comes while too much waits', async () => {
  const { made, posts, counted } = exporter(async () => new Response('', { status: 429 }));
  for (let n = 0; n < 3000; n += 1) made.add(SPAN);
  expect(counted).toEqual({ exported: 0, dropped: 3000 - 2048 });
  expect(await made.flush(SETTINGS)).toBe('the collector answered with 429');
  expect(posts).toHaveLength(4);
  expect(counted).toEqual({ exported: 0, dropped: 3000 });
  expect(made.isEmpty).toBe(true);
});

test('a collector that cannot be reached is said, and no error', async () => {
  const { made } = exporter(() => Promise.reject(new TypeError('refused')));
  made.add(SPAN);
  expect(await made.flush(SETTINGS)).toBe('the collector cannot be reached: TypeError: refused');
});

test.each([
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }],
  [{ OTEL_EXPORTER_OTLP_HEADERS: 'secret-of-nobody' }],
  [{ OTEL_EXPORTER_OTLP_HEADERS: 'x=%E0%A4%A' }],
  [{ OTEL_TRACES_SAMPLER_ARG: '2' }],
])('the setting %j is refused, without its words', (settings) => {
  const parsed = traceSettings.safeParse(settings);
  expect(parsed.success).toBe(false);
  expect(JSON.stringify(parsed.error?.issues)).not.toContain('secret-of-nobody');
});

test('empty settings count as not set', () => {
  const empty = { OTEL_EXPORTER_OTLP_ENDPOINT: '', OTEL_EXPORTER_OTLP_HEADERS: '', OTEL_TRACES_SAMPLER_ARG: '' };
  expect(traceSettings.parse(empty)).toEqual({
    OTEL_EXPORTER_OTLP_ENDPOINT: undefined,
    OTEL_EXPORTER_OTLP_HEADERS: {},
    OTEL_TRACES_SAMPLER_ARG: 1,
  });
});
