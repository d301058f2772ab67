import type { WrapperFrame } from '../../../protocol/link/wrapper/wrapper-notice.ts';

export type ItemsFrame = Extract<WrapperFrame, { kind: 'items' }>;

/** Items `first … last`, in the frame that carried them. */
interface KeptFrame {
  first: number;
  last: number;
  /** The frame's text as it came. */
  text: string;
}

export type Accepted =
  /** The frame has new items: pass on this text. */
  | { kind: 'new'; text: string }
  /** All items had come before. */
  | { kind: 'repeated' }
  /** Items before it are missing: ask for them. */
  | { kind: 'gap'; from: number };

/**
 * The items (lines and notices) that a container has sent and its session has not stored yet. With it the relay can send
 * them again after the container has ended. No I/O.
 */
export class RelayBuffer {
  #kept: KeptFrame[] = [];
  #stored: number;
  #received: number;
  #size = 0;

  /** @param stored the last item of this epoch that the session has stored */
  constructor(stored: number) {
    this.#stored = stored;
    this.#received = stored;
  }

  /** The last item known to be stored. */
  get stored(): number {
    return this.#stored;
  }

  /** The last item that has come with no gap before it. */
  get received(): number {
    return this.#received;
  }

  /** Characters kept. */
  get size(): number {
    return this.#size;
  }

  get empty(): boolean {
    return this.#stored === this.#received;
  }

  accept(frame: ItemsFrame, text: string): Accepted {
    const last = frame.first + frame.items.length - 1;
    const next = this.#received + 1;
    if (frame.first > next) return { kind: 'gap', from: next };
    if (last < next) return { kind: 'repeated' };
    const fresh = frame.first === next ? text : cut(frame, next);
    this.#kept.push({ first: next, last, text: fresh });
    this.#size += fresh.length;
    this.#received = last;
    return { kind: 'new', text: fresh };
  }

  /** The session has stored all items up to `stored`. False: that cannot be, because so many have never come. */
  acknowledge(stored: number): boolean {
    if (stored > this.#received) return false;
    if (stored <= this.#stored) return true;
    this.#stored = stored;
    const unstored = this.#kept.findIndex((frame) => frame.last > stored);
    const removed = this.#kept.splice(0, unstored === -1 ? this.#kept.length : unstored);
    for (const frame of removed) this.#size -= frame.text.length;
    return true;
  }

  /**
   * Frames with all items from `from` on. `undefined`: some of them were acknowledged, and so are not here any more; or items
   * before them have never come.
   */
  from(from: number): string[] | undefined {
    if (from <= this.#stored || from > this.#received + 1) return undefined;
    return this.#kept
      .filter((frame) => frame.last >= from)
      .map((frame) => (frame.first < from ? cut(JSON.parse(frame.text), from) : frame.text));
  }
}

/** The frame without its items before `from`. */
function cut(frame: ItemsFrame, from: number): string {
  return JSON.stringify({
    kind: 'items',
    first: from,
    items: frame.items.slice(from - frame.first),
  } satisfies ItemsFrame);
}
