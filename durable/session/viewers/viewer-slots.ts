import { SESSION_NOT_FOUND, type Refusal } from '../../../protocol/api/problem.ts';
import { VIEWER_LEASE_MS } from '../../rpc/directory/reports.ts';
import { RetryingCall, type Outgoing } from '../../shared/retrying-call.ts';
import type { Peers } from '../store/peers.ts';
import type { SessionStore } from '../store/store.ts';

/** From when on slots are renewed with the pings of WebSockets, and when they are renewed by themselves, milliseconds. */
const RENEW_MS = { due: VIEWER_LEASE_MS / 2, alarm: (VIEWER_LEASE_MS * 3) / 4 };

/**
 * Lets a viewer in, by WebSocket or SSE, while the session and its owner have room for one. The owner's viewers are counted
 * in their directory. It is not called for each viewer: the session takes slots of it ahead, renews them for as long as
 * somebody watches, and gives back what nobody needs. What it reports is how many it has, so a report may come twice; and an
 * object that has restarted reports anew.
 */
export class ViewerSlots implements Outgoing {
  readonly #store: SessionStore;
  readonly #peers: Peers;
  readonly #count: () => number;
  readonly #call: RetryingCall;
  /** Viewers that are being let in, and are not counted yet. */
  #opening = 0;
  /** What the directory has granted, and when, epoch milliseconds. */
  #held = 0;
  #heldSince = 0;
  #asking: Promise<void> | null = null;

  /**
   * @param count the viewers that are connected
   * @param retry asked to have `send` called at `nextTry`
   */
  constructor(
    ctx: Pick<DurableObjectState, 'waitUntil'>,
    parts: { readonly store: SessionStore; readonly peers: Peers; readonly count: () => number },
    retry: () => void,
  ) {
    this.#store = parts.store;
    this.#peers = parts.peers;
    this.#count = parts.count;
    const call = { isDue: () => this.#isDue(), send: () => this.#ask(), retry };
    this.#call = new RetryingCall({ ctx, whom: 'the owner’s directory about its viewers', ...call });
  }

  send(): void {
    this.#call.send();
  }

  nextTry(): number | null {
    // Of a call that is cut off nothing has to be made good: what is not renewed goes back.
    const failed = this.#call.retryAt();
    if (failed !== null || this.#held === 0 || this.#needed() === 0) return failed;
    return this.#heldSince + RENEW_MS.alarm;
  }

  /** Lets a viewer in by `attach`, after which it is counted; or says why there is no room. */
  async admit<T>(attach: () => T): Promise<T | Refusal> {
    this.#opening += 1;
    try {
      const full = this.#sessionFull() ?? (await this.#ownerFull());
      if (full !== null) return full;
      // The session may have been deleted meanwhile.
      return this.#store.record === null ? SESSION_NOT_FOUND : attach();
    } finally {
      this.#opening -= 1;
    }
  }

  #sessionFull(): Refusal | null {
    const most = this.#store.settings.MAX_VIEWERS_PER_SESSION;
    if (most === 0 || this.#needed() <= most) return null;
    const detail = `${most} streams of this session are open, as many as one may have (MAX_VIEWERS_PER_SESSION). Close one; \`GET …/events\` reads the log in pages.`;
    return { refused: 'viewer_limit_reached', detail };
  }

  async #ownerFull(): Promise<Refusal | null> {
    const most = this.#store.settings.MAX_VIEWERS_PER_OWNER;
    if (most === 0) return null;
    // Others may be let in while this waits: they have come before.
    const place = this.#needed();
    while (place > this.#held) {
      const isOthers = this.#asking !== null;
      await this.#ask();
      if (!isOthers) break;
    }
    if (place <= this.#held) return null;
    const detail = `Your sessions have as many open streams as one owner may have, ${most} (MAX_VIEWERS_PER_OWNER). Close one; \`GET …/events\` reads a log in pages.`;
    return { refused: 'viewer_limit_reached', detail };
  }

  /** One call at a time, for all who wait for it. */
  #ask(): Promise<void> {
    return (this.#asking ??= this.#report().finally(() => (this.#asking = null)));
  }

  async #report(): Promise<void> {
    const { record } = this.#store;
    if (record === null) return;
    const open = this.#count();
    const wanted = slotsFor(this.#needed());
    const { session_id } = record.identity;
    this.#held = await this.#peers.directory.holdViewers({ session_id, open, wanted });
    this.#heldSince = Date.now();
  }

  /** Connected, or on the way in. */
  #needed(): number {
    return this.#count() + this.#opening;
  }

  #isDue(): boolean {
    if (this.#store.record === null || this.#store.settings.MAX_VIEWERS_PER_OWNER === 0) return false;
    const needed = this.#needed();
    const isOld = Date.now() >= this.#heldSince + RENEW_MS.due;
    // It has restarted, and sockets have outlived that.
    if (this.#held === 0) return isOld && this.#opening === 0 && needed > 0;
    return isOld || slotsFor(needed) * 2 < this.#held;
  }
}

/** How many slots a session takes for so many viewers: some more, and none for none. */
function slotsFor(viewers: number): number {
  const step = viewers < 16 ? 4 : viewers < 256 ? 16 : 64;
  return Math.ceil(viewers / step) * step;
}
