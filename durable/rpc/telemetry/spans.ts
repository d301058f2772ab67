import type { TraceSettings } from '../../../protocol/settings/trace-settings.ts';
import { SpanExporter } from '../../../protocol/trace/exporter.ts';
import type { Span } from '../../../protocol/trace/span.ts';
import { VERSION } from '../../../protocol/version.ts';
import { count } from './counts.ts';

/** Spans of this isolate, of handlers and objects alike, are sent together: this long after the first, milliseconds. */
const SEND_MS = 1000;
/** A sending that is this late does not come: what was to do it has ended, milliseconds. */
const GONE_MS = 15 * SEND_MS;

const exporter = new SpanExporter({
  resource: { 'service.name': 'cc-docker-edge', 'service.version': VERSION },
  count: (outcome, spans) => count('cc_docker_spans_total', { outcome }, spans),
});
/** When the next sending is due, epoch milliseconds; null: none is. */
let due: number | null = null;

/**
 * Sends a span within a second, together with others.
 *
 * @param keep keeps the caller's request or object alive for so long
 */
export function record(span: Span, settings: TraceSettings, keep: (sending: Promise<void>) => void): void {
  exporter.add(span);
  if (due !== null && Date.now() < due + GONE_MS) return;
  due = Date.now() + SEND_MS;
  keep(sendLater(settings));
}

async function sendLater(settings: TraceSettings): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, SEND_MS));
  const fault = await exporter.flush(settings);
  due = null;
  if (fault !== null) console.warn(`traces: ${fault}`);
}
