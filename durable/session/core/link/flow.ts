import type { EdgeSettings } from '../../../../protocol/settings/edge-settings.ts';
import {
  LINK_FLOOD_BYTES,
  LINK_FLOOD_EVENTS,
  LINK_WINDOW_BYTES,
  LINK_WINDOW_EVENTS,
} from '../../../../protocol/settings/limits.ts';
import { filled, type Bucket, type Rate } from '../../../shared/token-bucket.ts';

type Rates = Pick<EdgeSettings, 'EVENTS_PER_SECOND' | 'EVENT_KB_PER_SECOND'>;

/** What came in one message: items or previews, and their length, UTF-16 units. */
export interface Load {
  readonly events: number;
  readonly bytes: number;
}

/** Items that are stored, and whose acknowledgement is held back. */
interface Held extends Load {
  /** The last of them. */
  readonly stored: number;
  /** When they are acknowledged, epoch milliseconds. */
  readonly due: number;
}

/**
 * While more comes, what is stored is acknowledged at most once in this time, milliseconds: each acknowledgement costs session,
 * runner and wrapper a message.
 */
const JOIN_MS = 25;
/** A wrapper waits at its window. So much unacknowledged is acknowledged at once, that none comes near it. */
const JOIN_EVENTS = LINK_WINDOW_EVENTS / 4;
const JOIN_BYTES = LINK_WINDOW_BYTES / 4;

const KB = 1024;
/** Seconds' worth that may come at once. */
const BURST_SECONDS = 10;

const rateOf = (perSecond: number): Rate => ({ perSecond, burst: perSecond * BURST_SECONDS });

/** When what has come is no longer too much, epoch milliseconds. A rate of 0 is no limit. */
function evenAt({ tokens, at }: Bucket, { perSecond }: Rate): number {
  return perSecond === 0 || tokens >= 0 ? at : at + (-tokens / perSecond) * 1000;
}

/** The bucket after `amount` has come. All of it counts, also beyond what may come. */
function after(bucket: Bucket | null, rate: Rate, amount: number, now: number): Bucket {
  const { tokens, at } = filled(bucket, rate, now);
  return { tokens: tokens - amount, at };
}

/**
 * How fast a container may say things. What it says beyond its rate is stored as it comes, and acknowledged later, as if it
 * had come in time. A correct wrapper then waits, because its window is full; one that does not is a flood. No I/O.
 */
export class Flow {
  readonly #events: Rate;
  readonly #bytes: Rate;
  #eventBucket: Bucket | null = null;
  #byteBucket: Bucket | null = null;
  #held: Held[] = [];
  #unacknowledged: Load = { events: 0, bytes: 0 };
  /** What the clock last showed, epoch milliseconds. */
  #now = -Infinity;
  /** When something was last acknowledged, epoch milliseconds. */
  #acknowledgedAt = -Infinity;

  constructor({ EVENTS_PER_SECOND, EVENT_KB_PER_SECOND }: Rates) {
    this.#events = rateOf(EVENTS_PER_SECOND);
    this.#bytes = rateOf(EVENT_KB_PER_SECOND * KB);
  }

  /** Another connection begins: its `welcome` says what is stored. The rate goes on. */
  welcomed(): void {
    this.#held = [];
    this.#unacknowledged = { events: 0, bytes: 0 };
  }

  /** Items up to `stored` are stored. */
  stored(stored: number, load: Load, now: number): void {
    this.#look(now);
    const due = Math.max(this.#count(load, now), this.#held.at(-1)?.due ?? now);
    this.#held.push({ stored, due, ...load });
    this.#unacknowledged = plus(this.#unacknowledged, load, 1);
  }

  /** A preview has come. False: it is too much, and is to be dropped. */
  preview(bytes: number, now: number): boolean {
    // What came before has to be made up for first.
    const isLate = this.#count({ events: 0, bytes: 0 }, now) > now;
    if (!isLate) this.#count({ events: 1, bytes }, now);
    return !isLate;
  }

  /**
   * The last item to acknowledge now; null: none.
   *
   * @param hasJoined a timer has said that it has waited for more: the clock may stand still, or be set meanwhile
   */
  acknowledge(now: number, hasJoined = false): number | null {
    this.#look(now);
    if (!hasJoined && now < this.#joinsUntil()) return null;
    let last: number | null = null;
    let count = 0;
    for (const held of this.#held) {
      if (held.due > now) break;
      last = held.stored;
      this.#unacknowledged = plus(this.#unacknowledged, held, -1);
      count += 1;
    }
    this.#held.splice(0, count);
    if (last !== null) this.#acknowledgedAt = now;
    return last;
  }

  /** When `acknowledge` has something to say, epoch milliseconds; null: all is acknowledged. */
  nextDue(): number | null {
    const [first] = this.#held;
    return first === undefined ? null : Math.max(first.due, this.#joinsUntil());
  }

  /** The clock shows this. If it was set back, that makes nobody wait longer. */
  #look(now: number): void {
    const back = Math.max(0, this.#now - now);
    this.#now = now;
    if (back === 0) return;
    this.#acknowledgedAt -= back;
    this.#held = this.#held.map((held) => ({ ...held, due: held.due - back }));
  }

  /** Until when what is stored waits for more to be acknowledged with it, epoch milliseconds. */
  #joinsUntil(): number {
    const { events, bytes } = this.#unacknowledged;
    return events >= JOIN_EVENTS || bytes >= JOIN_BYTES ? -Infinity : this.#acknowledgedAt + JOIN_MS;
  }

  /** Why this is a flood, as a sentence that names the settings; null: it is none. */
  flood(): string | null {
    const { events, bytes } = this.#unacknowledged;
    if (events <= LINK_FLOOD_EVENTS && bytes <= LINK_FLOOD_BYTES) return null;
    const [setting, rate] =
      events > LINK_FLOOD_EVENTS
        ? ['EVENTS_PER_SECOND', `${this.#events.perSecond} events a second`]
        : ['EVENT_KB_PER_SECOND', `${this.#bytes.perSecond / KB} KB a second`];
    return `Its container sends faster than ${rate} (${setting}), and does not wait when it is told to: something in it speaks in its wrapper's place.`;
  }

  /** @returns when as much may have come, epoch milliseconds */
  #count({ events, bytes }: Load, now: number): number {
    this.#eventBucket = after(this.#eventBucket, this.#events, events, now);
    this.#byteBucket = after(this.#byteBucket, this.#bytes, bytes, now);
    return Math.max(evenAt(this.#eventBucket, this.#events), evenAt(this.#byteBucket, this.#bytes), now);
  }
}

const plus = (sum: Load, { events, bytes }: Load, times: 1 | -1): Load => ({
  events: sum.events + times * events,
  bytes: sum.bytes + times * bytes,
});
