import type { Refusal } from '../../../protocol/api/problem.ts';
import type { EdgeSettings } from '../../../protocol/settings/edge-settings.ts';
import { VIEWER_LEASE_MS } from '../../rpc/directory/reports.ts';
import type { EdgeEnv } from '../../rpc/edge-env.ts';
import { count, countViewers, sendTelemetry, VIEWER_REPORT_MS } from '../../rpc/telemetry/counts.ts';
import type { ViewerSlotTable } from '../tables/viewer-slot-table.ts';

/** In the table of the slots that sessions have. */
const FEED = 'feed';
const RENEW_MS = Math.min(VIEWER_LEASE_MS / 2, VIEWER_REPORT_MS);

export interface FeedSlotsOptions {
  readonly ctx: Pick<DurableObjectState, 'id' | 'waitUntil'>;
  readonly env: EdgeEnv;
  readonly settings: Pick<EdgeSettings, 'MAX_VIEWERS_PER_SESSION' | 'MAX_VIEWERS_PER_OWNER'>;
  readonly table: ViewerSlotTable;
}

/** Counts the readers of the feed among the owner's viewers, and says how many they are for `GET /metrics`. */
export class FeedSlots {
  readonly #options: FeedSlotsOptions;
  readonly #count: () => number;
  #renewed = 0;

  /** @param readers those that are connected */
  constructor(options: FeedSlotsOptions, readers: () => number) {
    this.#options = options;
    this.#count = readers;
  }

  /** Takes a slot for one more; or says why there is none. */
  take(): Refusal | null {
    const { MAX_VIEWERS_PER_SESSION: most, MAX_VIEWERS_PER_OWNER: ofOwner } = this.#options.settings;
    const wanted = this.#count() + 1;
    if (most > 0 && wanted > most) {
      const detail = `${most} streams of your feed are open, as many as there may be (MAX_VIEWERS_PER_SESSION). Close one.`;
      return { refused: 'viewer_limit_reached', detail };
    }
    if (this.#hold(wanted) >= wanted) return null;
    const detail = `You have as many open streams as one owner may have, ${ofOwner} (MAX_VIEWERS_PER_OWNER). Close one.`;
    return { refused: 'viewer_limit_reached', detail };
  }

  /** It has come. */
  came(): void {
    this.#say();
  }

  /** One has gone. */
  left(): void {
    this.#hold(this.#count());
    this.#say();
  }

  /** So many bytes were sent, which happens every few seconds at least: the slots are renewed. */
  sent(bytes: number): void {
    count('cc_docker_viewer_bytes_total', { transport: 'sse' }, bytes);
    if (Date.now() < this.#renewed + RENEW_MS) return;
    this.#hold(this.#count());
    this.#say();
  }

  #hold(wanted: number): number {
    this.#renewed = Date.now();
    const { table, settings } = this.#options;
    const asked = { session_id: FEED, open: this.#count(), wanted };
    return table.hold(asked, settings.MAX_VIEWERS_PER_OWNER, this.#renewed);
  }

  #say(): void {
    const { ctx, env } = this.#options;
    countViewers(`${FEED} ${ctx.id.toString()}`, { websocket: 0, sse: this.#count() });
    sendTelemetry(env, (sending) => ctx.waitUntil(sending));
  }
}
