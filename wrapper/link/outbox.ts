import { BATCH_BYTES, BATCH_EVENTS, LINK_WINDOW_BYTES, LINK_WINDOW_EVENTS } from '../../protocol/settings/limits.ts';
import type { LinkItem, WrapperFrame } from '../../protocol/link/wrapper/wrapper-notice.ts';

type ItemsFrame = Extract<WrapperFrame, { kind: 'items' }>;

/** Characters of previews that may wait for a slow connection. Previews beyond that are dropped. */
const PREVIEW_LENGTH = 1024 * 1024;

/**
 * The sending half of the link: it numbers the items, keeps each until the session has stored it, and sends it again after
 * a break. While its window is full of items that are not acknowledged, it sends none. No I/O: the owner of the connection calls it with what happened and takes the next frame.
 */
export class Outbox {
  /** Items not acknowledged yet. The first has the number `#acknowledged + 1`. */
  #kept: { item: LinkItem; bytes: number }[] = [];
  #acknowledged = 0;
  /** The number of the next item to send on this connection. */
  #next = 1;
  /** The highest number that was ever sent, on any connection. */
  #sent = 0;
  #bytes = 0;
  /** Frames that were sent on this connection and are not acknowledged: the last item of each, and its length. */
  #unacknowledged: { last: number; length: number }[] = [];
  #unacknowledgedLength = 0;
  #connected = false;
  /** Each is sent right after the item numbered `after`. */
  #previews: { after: number; line: string }[] = [];
  #previewLength = 0;

  /** Bytes of the items that are not acknowledged yet: the memory that this outbox holds. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many items are not acknowledged yet. */
  get size(): number {
    return this.#kept.length;
  }

  /** The session has answered the `hello` of this connection. */
  get connected(): boolean {
    return this.#connected;
  }

  /** Numbers an item and keeps it until it is acknowledged. */
  push(item: LinkItem): void {
    const bytes = Buffer.byteLength(typeof item === 'string' ? item : JSON.stringify(item));
    this.#kept.push({ item, bytes });
    this.#bytes += bytes;
  }

  /** Sends a preview after all items before it, if the session is connected now. */
  preview(line: string): void {
    if (!this.#connected || this.#previewLength + line.length > PREVIEW_LENGTH) return;
    this.#previews.push({ after: this.#last, line });
    this.#previewLength += line.length;
  }

  /** The connection is gone: nothing is sent until the next `welcome`. */
  disconnected(): void {
    this.#connected = false;
    this.#previews = [];
    this.#previewLength = 0;
    this.#forgetFrames(() => false);
  }

  /** The session answered `hello`. False: `stored` was never sent, or is less than what was acknowledged. */
  welcome(stored: number): boolean {
    if (stored < this.#acknowledged || stored > this.#sent) return false;
    this.disconnected();
    this.#forget(stored);
    this.#next = stored + 1;
    this.#connected = true;
    return true;
  }

  /** The session has stored the items up to `stored`. False: they were never sent. */
  acknowledge(stored: number): boolean {
    if (stored > this.#sent) return false;
    this.#forget(stored);
    return true;
  }

  /** The session saw a gap. False: item `from` is acknowledged already, or does not exist. */
  resend(from: number): boolean {
    if (from <= this.#acknowledged || from > this.#last + 1) return false;
    this.#next = Math.min(this.#next, from);
    this.#forgetFrames(({ last }) => last < from);
    return true;
  }

  /** The frame that was taken is on its way. @param length of its text, UTF-16 units */
  sent({ first, items }: ItemsFrame, length: number): void {
    this.#unacknowledged.push({ last: first + items.length - 1, length });
    this.#unacknowledgedLength += length;
  }

  /** The next frame to send, or null when all is sent, the window is full or the session is not connected. */
  take(): WrapperFrame | null {
    if (!this.#connected) return null;
    const preview = this.#previews[0];
    if (preview !== undefined && preview.after < this.#next) {
      this.#previews.shift();
      this.#previewLength -= preview.line.length;
      return { kind: 'preview', line: preview.line };
    }
    const first = this.#next;
    const isFull = first - 1 - this.#acknowledged >= LINK_WINDOW_EVENTS;
    if (isFull || this.#unacknowledgedLength >= LINK_WINDOW_BYTES) return null;
    const items: LinkItem[] = [];
    let bytes = 0;
    for (let n = first; n <= (preview?.after ?? this.#last); n += 1) {
      const kept = this.#kept[n - this.#acknowledged - 1];
      if (kept === undefined || items.length >= BATCH_EVENTS || bytes >= BATCH_BYTES) break;
      items.push(kept.item);
      bytes += kept.bytes;
    }
    if (items.length === 0) return null;
    this.#next += items.length;
    this.#sent = Math.max(this.#sent, this.#next - 1);
    return { kind: 'items', first, items };
  }

  get #last(): number {
    return this.#acknowledged + this.#kept.length;
  }

  #forget(stored: number): void {
    if (stored <= this.#acknowledged) return;
    for (const { bytes } of this.#kept.splice(0, stored - this.#acknowledged)) this.#bytes -= bytes;
    this.#acknowledged = stored;
    this.#next = Math.max(this.#next, stored + 1);
    this.#forgetFrames(({ last }) => last > stored);
  }

  #forgetFrames(isKept: (frame: { last: number }) => boolean): void {
    this.#unacknowledged = this.#unacknowledged.filter(isKept);
    this.#unacknowledgedLength = this.#unacknowledged.reduce((sum, { length }) => sum + length, 0);
  }
}
