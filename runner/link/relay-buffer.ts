import type { WrapperFrame } from '../../protocol/link/wrapper-notice.ts';

export type ItemsFrame = Extract<WrapperFrame, { kind: 'items' }>;

/** Items `first … last`, as the frame that carried them. */
interface Held {
  first: number;
  last: number;
  /** The frame's text, passed on as it came. */
  text: string;
}

export type Accepted =
  /** New items: to be passed on as this frame. */
  | { kind: 'new'; text: string }
  /** All of it had come before. */
  | { kind: 'repeated' }
  /** Something is missing before it: to be asked for again. */
  | { kind: 'gap'; from: number };

/**
 * What a container has said and its session has not stored yet. Pure bookkeeping: it makes the relay able to say it
 * again for a container that is dead.
 */
export class RelayBuffer {
  #held: Held[] = [];
  #stored: number;
  #received: number;
  #size = 0;

  /** @param stored what the session has of this epoch */
  constructor(stored: number) {
    this.#stored = stored;
    this.#received = stored;
  }

  /** The last item known to be stored. */
  get stored(): number {
    return this.#stored;
  }

  /** The last item that has come, without a gap before it. */
  get received(): number {
    return this.#received;
  }

  /** Characters held. */
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
    this.#held.push({ first: next, last, text: fresh });
    this.#size += fresh.length;
    this.#received = last;
    return { kind: 'new', text: fresh };
  }

  /** Everything up to `stored` is safe. False: it cannot be, that much has never come. */
  acknowledge(stored: number): boolean {
    if (stored > this.#received) return false;
    if (stored <= this.#stored) return true;
    this.#stored = stored;
    const kept = this.#held.findIndex((held) => held.last > stored);
    const gone = this.#held.splice(0, kept === -1 ? this.#held.length : kept);
    for (const held of gone) this.#size -= held.text.length;
    return true;
  }

  /**
   * Frames with all that came from item `from` on. `undefined`: some of it is not here any more, because it was
   * acknowledged.
   */
  from(from: number): string[] | undefined {
    if (from <= this.#stored) return undefined;
    return this.#held
      .filter((held) => held.last >= from)
      .map((held) => (held.first < from ? cut(JSON.parse(held.text), from) : held.text));
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
