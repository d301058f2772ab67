import { BATCH_BYTES, BATCH_EVENTS } from '../../protocol/settings/limits.ts';
import type { LinkItem, WrapperFrame } from '../../protocol/link/wrapper-notice.ts';

/** Bytes of previews that may wait for a slow connection; those beyond it are dropped. */
const PREVIEW_BYTES = 1024 * 1024;

/**
 * The wrapper's half of the reliable link upward: numbers what is said, keeps it until the session has stored it, and
 * says it again after a break. No I/O: whoever owns the connection tells it what befell and asks for the next frame.
 */
export class Outbox {
  /** Said and not acknowledged: item number `#acknowledged + 1` is the first. */
  #kept: { item: LinkItem; bytes: number }[] = [];
  #acknowledged = 0;
  /** The item that goes out next on this connection. */
  #next = 1;
  /** The highest item that ever went out, on any connection. */
  #sent = 0;
  #bytes = 0;
  #connected = false;
  /** Each belongs behind item `after`. */
  #previews: { after: number; line: string; bytes: number }[] = [];
  #previewBytes = 0;

  /** Size of what is not acknowledged yet: the memory that this outbox holds. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How many items are not acknowledged yet. */
  get size(): number {
    return this.#kept.length;
  }

  /** Numbers an item and keeps it until it is acknowledged. */
  push(item: LinkItem): void {
    const bytes = Buffer.byteLength(typeof item === 'string' ? item : JSON.stringify(item));
    this.#kept.push({ item, bytes });
    this.#bytes += bytes;
  }

  /** Shows a line behind all that was said before it, if somebody is there to see it now. */
  preview(line: string): void {
    const bytes = Buffer.byteLength(line);
    if (!this.#connected || this.#previewBytes + bytes > PREVIEW_BYTES) return;
    this.#previews.push({ after: this.#last, line, bytes });
    this.#previewBytes += bytes;
  }

  /** The connection is gone: nothing goes out until the next `welcome`. */
  disconnected(): void {
    this.#connected = false;
    this.#previews = [];
    this.#previewBytes = 0;
  }

  /** The session answered `hello`. False: it speaks of what was never said, or lacks what it had acknowledged. */
  welcome(stored: number): boolean {
    if (stored < this.#acknowledged || stored > this.#sent) return false;
    this.disconnected();
    this.#forget(stored);
    this.#next = stored + 1;
    this.#connected = true;
    return true;
  }

  /** Items up to `stored` are safe. False: it speaks of what was never sent. */
  acknowledge(stored: number): boolean {
    if (stored > this.#sent) return false;
    this.#forget(stored);
    return true;
  }

  /** The session saw a gap. False: it asks for what it has acknowledged, or for what was never said. */
  resend(from: number): boolean {
    if (from <= this.#acknowledged || from > this.#last + 1) return false;
    this.#next = Math.min(this.#next, from);
    return true;
  }

  /** The frame that goes out next, or null when all is out or nobody is there. */
  take(): WrapperFrame | null {
    if (!this.#connected) return null;
    const preview = this.#previews[0];
    if (preview !== undefined && preview.after < this.#next) {
      this.#previews.shift();
      this.#previewBytes -= preview.bytes;
      return { kind: 'preview', line: preview.line };
    }
    const first = this.#next;
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
  }
}
