/** Where in a trace something happens (W3C Trace Context). Ids are hexadecimal: 32 digits, and 16. */
export interface TraceContext {
  readonly trace_id: string;
  readonly span_id: string;
  /** Whether the one who began the trace records it. */
  readonly sampled: boolean;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** What a `traceparent` header says; null: it is none, and a new trace begins. */
export function parseTraceparent(text: string | undefined): TraceContext | null {
  const [, version, trace_id = '', span_id = '', flags = '', more] = TRACEPARENT.exec(text ?? '') ?? [];
  // A later version may say more; the present one may not.
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return null;
  if (/^0+$/.test(trace_id) || /^0+$/.test(span_id)) return null;
  return { trace_id, span_id, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export function traceparentOf({ trace_id, span_id, sampled }: TraceContext): string {
  return `00-${trace_id}-${span_id}-${sampled ? '01' : '00'}`;
}

const newHex = (bytes: number) =>
  [...crypto.getRandomValues(new Uint8Array(bytes))].map((byte) => byte.toString(16).padStart(2, '0')).join('');

export const newTraceId = () => newHex(16);
export const newSpanId = () => newHex(8);

/** The trace that something with this UUID begins, so that nobody has to remember it. */
export const traceIdOf = (uuid: string): string => uuid.replaceAll('-', '').toLowerCase();
/** The span of something with this UUID: its random half. */
export const spanIdOf = (uuid: string): string => traceIdOf(uuid).slice(16);

/** Whether a trace that nobody outside has begun is recorded. @param ratio of them that are: from 0 to 1 */
export function isSampled(traceId: string, ratio: number): boolean {
  return Number.parseInt(traceId.slice(-8), 16) < ratio * 2 ** 32;
}
