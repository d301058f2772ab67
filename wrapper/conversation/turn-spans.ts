import http from 'node:http';
import type { WrapperLaunch } from '../../protocol/link/wrapper/wrapper-launch.ts';
import { newSpanId, parseTraceparent, type TraceContext } from '../../protocol/trace/context.ts';
import { otlpTraces, type Span } from '../../protocol/trace/span.ts';

/** Turns that are watched at once. Those beyond it have no span. */
const MOST = 100;
/** Longest time that a span takes on its way, milliseconds. */
const TIMEOUT_MS = 5000;

interface Turn {
  readonly parent: TraceContext;
  readonly start: number;
  /** When `claude` first said something after it; null: it has not. */
  first: number | null;
}

/** Records for each traced turn how long `claude` took, and how soon it said something. Absent a collector it does nothing. */
export class TurnSpans {
  readonly #socket: string | undefined;
  readonly #sessionId: string;
  readonly #turns = new Map<string, Turn>();

  constructor({ telemetry, session_id }: Pick<WrapperLaunch, 'telemetry' | 'session_id'>) {
    this.#socket = telemetry?.socket;
    this.#sessionId = session_id;
  }

  /** `claude` is given a message. */
  begun(messageId: string, traceparent: string | undefined): void {
    const parent = parseTraceparent(traceparent);
    if (this.#socket === undefined || parent?.sampled !== true || this.#turns.size >= MOST) return;
    this.#turns.set(messageId, { parent, start: Date.now(), first: null });
  }

  /** `claude` says something. */
  output(): void {
    for (const turn of this.#turns.values()) turn.first ??= Date.now();
  }

  /** `claude` is done with a message. */
  ended(messageId: string, state: 'completed' | 'cancelled'): void {
    const turn = this.#turns.get(messageId);
    if (turn === undefined || this.#socket === undefined) return;
    this.#turns.delete(messageId);
    const { parent, start, first } = turn;
    const span: Span = {
      trace_id: parent.trace_id,
      span_id: newSpanId(),
      parent_id: parent.span_id,
      name: 'claude',
      kind: 'internal',
      start,
      end: Date.now(),
      attributes: {
        'gen_ai.conversation.id': this.#sessionId,
        ...(first !== null && { 'cc_docker.first_output_ms': first - start }),
      },
      ...(state === 'cancelled' && { error: state }),
    };
    post(this.#socket, otlpTraces([span], {}));
  }
}

/** Nobody waits for it: a span that does not arrive is missing, and nothing else. */
function post(socketPath: string, body: string): void {
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  const request = http.request({ socketPath, path: '/v1/traces', method: 'POST', headers, timeout: TIMEOUT_MS });
  request.on('response', (response) => response.resume());
  request.on('timeout', () => request.destroy());
  request.on('error', (error) => {
    console.error(`cc-docker wrapper: a span was not sent: ${error.message}`);
  });
  request.end(body);
}
