import type { TraceSettings } from '../settings/trace-settings.ts';
import { otlpTraces, type Span } from './span.ts';

/** Spans that wait to be sent. Those that come while there are so many are dropped. */
const MOST_WAITING = 2048;
/** Spans in one request. */
const MOST_TOGETHER = 512;
/** Longest time that a collector may take, milliseconds. */
const TIMEOUT_MS = 5000;

interface Post {
  readonly method: 'POST';
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly signal: AbortSignal;
  readonly redirect: 'manual';
}

export interface ExporterOptions {
  readonly resource: Span['attributes'];
  /** Counts spans by what became of them. */
  readonly count: (outcome: 'exported' | 'dropped', spans: number) => void;
  /** Absent: the runtime's own. */
  readonly fetch?: (url: string, init: Post) => Promise<Response>;
}

/** Keeps spans until they are sent, over OTLP/HTTP in JSON. A collector that is slow or away costs bounded memory, and nobody waits for it. */
export class SpanExporter {
  readonly #options: ExporterOptions;
  #waiting: Span[] = [];

  constructor(options: ExporterOptions) {
    this.#options = options;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  add(span: Span): void {
    if (this.#waiting.length < MOST_WAITING) this.#waiting.push(span);
    else this.#options.count('dropped', 1);
  }

  /** Sends all that waits. What a collector does not take is dropped: it would come too late, and more follows. @returns why it was; null: it was taken */
  async flush({
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_EXPORTER_OTLP_HEADERS,
  }: TraceSettings): Promise<string | null> {
    let fault: string | null = null;
    if (endpoint === undefined) return null;
    while (this.#waiting.length > 0) {
      const spans = this.#waiting.slice(0, MOST_TOGETHER);
      this.#waiting = this.#waiting.slice(MOST_TOGETHER);
      const failed = await this.#send(`${endpoint}/v1/traces`, OTEL_EXPORTER_OTLP_HEADERS, spans);
      this.#options.count(failed === null ? 'exported' : 'dropped', spans.length);
      fault ??= failed;
    }
    return fault;
  }

  async #send(url: string, headers: Readonly<Record<string, string>>, spans: readonly Span[]): Promise<string | null> {
    try {
      const answer = await (this.#options.fetch ?? fetch)(url, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: otlpTraces(spans, this.#options.resource),
        signal: AbortSignal.timeout(TIMEOUT_MS),
        redirect: 'manual',
      });
      await answer.body?.cancel();
      return answer.ok ? null : `the collector answered with ${answer.status}`;
    } catch (error) {
      return `the collector cannot be reached: ${String(error)}`;
    }
  }
}
