import type { Counts } from '../../protocol/metrics/registry.ts';
import { seriesOf } from '../../protocol/metrics/registry.ts';
import type { OpenViewers, Telemetry } from '../rpc/gate-rpc.ts';
import { VIEWER_REPORT_MS } from '../rpc/telemetry/counts.ts';

/** Series that are kept. The labels' values are CC-Docker's own, so there are never so many: this bounds a slip. */
const MAX_SERIES = 10_000;

/** How long a session's word on its viewers counts, milliseconds. It says it again while somebody watches. */
const VIEWERS_COUNT_MS = 4 * VIEWER_REPORT_MS;

/** What all isolates have counted. In memory alone: Prometheus knows what a counter that begins anew means. */
export class Tally {
  readonly #counts = new Map<string, number>();
  readonly #viewers = new Map<string, { readonly open: OpenViewers; readonly until: number }>();

  add({ counts, viewers }: Telemetry, now: number): void {
    for (const [series, more] of Object.entries(counts)) this.#add(series, more);
    for (const [session, open] of Object.entries(viewers)) {
      // The last in the map was heard last.
      this.#viewers.delete(session);
      if (open.websocket + open.sse > 0) this.#viewers.set(session, { open, until: now + VIEWERS_COUNT_MS });
    }
  }

  counts(): Counts {
    return Object.fromEntries(this.#counts);
  }

  viewers(now: number): OpenViewers {
    const sum = { websocket: 0, sse: 0 };
    for (const [session, { open, until }] of this.#viewers) {
      if (until <= now) {
        this.#viewers.delete(session);
        continue;
      }
      sum.websocket += open.websocket;
      sum.sse += open.sse;
    }
    return sum;
  }

  #add(series: string, more: number): void {
    const before = this.#counts.get(series);
    const isOver = before === undefined && this.#counts.size >= MAX_SERIES;
    const kept = isOver ? seriesOf('cc_docker_metrics_dropped_total', {}) : series;
    this.#counts.set(kept, (this.#counts.get(kept) ?? 0) + (isOver ? 1 : more));
  }
}
