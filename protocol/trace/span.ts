type Value = string | number | boolean;

/** Something that took a while. Names and attributes follow OpenTelemetry's conventions, those for HTTP and for GenAI. */
export interface Span {
  readonly trace_id: string;
  readonly span_id: string;
  /** Null: the trace begins with it. */
  readonly parent_id: string | null;
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client';
  /** Epoch milliseconds. */
  readonly start: number;
  readonly end: number;
  /** Undefined ones are left out. Nothing that a prompt, a tool or a file holds. */
  readonly attributes: Readonly<Record<string, Value | undefined>>;
  /** A stable code of what went wrong; absent: nothing did. */
  readonly error?: string;
}

/** OTLP's numbers of them (`opentelemetry/proto/trace/v1/trace.proto`). */
const KINDS = { internal: 1, server: 2, client: 3 };
const ERROR = 2;

const nanoseconds = (ms: number) => `${Math.round(ms * 1000)}000`;

function valueOf(value: Value) {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

const attributesOf = (attributes: Span['attributes']) =>
  Object.entries(attributes).flatMap(([key, value]) => (value === undefined ? [] : [{ key, value: valueOf(value) }]));

/** Spans as OTLP/HTTP takes them, in JSON. @param resource who says it: `service.name`, … */
export function otlpTraces(spans: readonly Span[], resource: Span['attributes']): string {
  const written = spans.map(({ trace_id, span_id, parent_id, name, kind, start, end, attributes, error }) => ({
    traceId: trace_id,
    spanId: span_id,
    ...(parent_id !== null && { parentSpanId: parent_id }),
    name,
    kind: KINDS[kind],
    startTimeUnixNano: nanoseconds(start),
    endTimeUnixNano: nanoseconds(Math.max(start, end)),
    attributes: attributesOf(error === undefined ? attributes : { ...attributes, 'error.type': error }),
    ...(error !== undefined && { status: { code: ERROR, message: error } }),
  }));
  const scopeSpans = [{ scope: { name: 'cc-docker' }, spans: written }];
  return JSON.stringify({ resourceSpans: [{ resource: { attributes: attributesOf(resource) }, scopeSpans }] });
}
