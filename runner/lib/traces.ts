import type { TraceSettings } from '../../protocol/settings/trace-settings.ts';
import { newSpanId, parseTraceparent } from '../../protocol/trace/context.ts';
import { SpanExporter } from '../../protocol/trace/exporter.ts';
import type { Span } from '../../protocol/trace/span.ts';
import type { Log } from './log.ts';
import { runnerMetrics } from './metrics.ts';

/** Spans are sent together: this long after the first, milliseconds. */
const SEND_MS = 1000;

/** Records what the runner does for traces, where a collector is set. */
export class Traces {
  readonly settings: TraceSettings;
  readonly #exporter: SpanExporter;
  readonly #log: Log;
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> = Promise.resolve();

  constructor(settings: TraceSettings, version: string, log: Log) {
    this.settings = settings;
    this.#log = log;
    this.#exporter = new SpanExporter({
      resource: { 'service.name': 'cc-docker-runner', 'service.version': version },
      count: (outcome, spans) => runnerMetrics.count('cc_docker_runner_spans_total', { outcome }, spans),
    });
  }

  /** A collector is set. */
  get isOn(): boolean {
    return this.settings.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined;
  }

  /** @param traceparent the place in its trace of what this was done for; undefined, or not recorded: nothing is recorded */
  record(traceparent: string | undefined, span: Omit<Span, 'trace_id' | 'span_id' | 'parent_id'>): void {
    const parent = parseTraceparent(traceparent);
    if (!this.isOn || parent?.sampled !== true) return;
    this.#exporter.add({ ...span, trace_id: parent.trace_id, span_id: newSpanId(), parent_id: parent.span_id });
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#send();
    }, SEND_MS);
  }

  /** Sends what waits. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#send();
    await this.#sending;
  }

  #send(): void {
    this.#sending = this.#sending.then(async () => {
      const fault = await this.#exporter.flush(this.settings);
      if (fault !== null) this.#log.warn('traces not sent', { detail: fault });
    });
  }
}
