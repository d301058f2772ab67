import type { OpenViewers } from '../../rpc/gate-rpc.ts';
import { countViewers, sendTelemetry, VIEWER_REPORT_MS } from '../../rpc/telemetry/counts.ts';
import type { EdgeEnv } from '../../rpc/edge-env.ts';

/** Says how many streams of a session are open, for `GET /metrics`: when that changes, and again while somebody watches. */
export class ViewerCount {
  readonly #ctx: Pick<DurableObjectState, 'waitUntil'>;
  readonly #env: EdgeEnv;
  readonly #count: () => OpenViewers;
  #said: OpenViewers = { websocket: 0, sse: 0 };
  #saidAt = 0;

  constructor(ctx: Pick<DurableObjectState, 'waitUntil'>, env: EdgeEnv, count: () => OpenViewers) {
    this.#ctx = ctx;
    this.#env = env;
    this.#count = count;
  }

  /** @param sessionId whose viewers they are */
  update(sessionId: string, now: number): void {
    const open = this.#count();
    const isSame = open.websocket === this.#said.websocket && open.sse === this.#said.sse;
    if (isSame && (this.#isNone() || now < this.#saidAt + VIEWER_REPORT_MS)) return;
    this.#said = open;
    this.#saidAt = now;
    countViewers(sessionId, open);
    sendTelemetry(this.#env, (sending) => this.#ctx.waitUntil(sending));
  }

  /** When it is to be said again, epoch milliseconds; null: nobody watches. */
  nextDue(): number | null {
    return this.#isNone() ? null : this.#saidAt + VIEWER_REPORT_MS;
  }

  #isNone(): boolean {
    return this.#said.websocket + this.#said.sse === 0;
  }
}
