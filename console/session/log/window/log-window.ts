import { batch, signal } from '@preact/signals';
import {
  isPreview,
  type EventPage,
  type EventPlace,
  type PreviewEvent,
  type SessionEvent,
} from '../../../../client/main.ts';
import type { Item } from '../../../transcript/item.ts';
import { isSilent } from '../../../transcript/silent.ts';
import { Transcript } from '../../../transcript/transcript.ts';
import { sizeOf } from './size-of.ts';

/** Where pages of a log come from. */
export interface LogSource {
  page(
    place: EventPlace | undefined,
    options: { readonly limit: number; readonly signal: AbortSignal },
  ): Promise<EventPage>;
}

/** How much of a log is kept at a time. What is over it goes at the other end, and is loaded again when it is scrolled to. */
export interface LogBounds {
  readonly events: number;
  /** As `sizeOf` counts. */
  readonly size: number;
  /** Events that are loaded at a time. */
  readonly page: number;
}

/** With its rows' texts and trees, an event takes some 8 KB of a phone's memory: 10 MB in all. */
const BOUNDS: LogBounds = { events: 1200, size: 4 * 1024 * 1024, page: 300 };

/** How far in a page is looked for where a turn begins, so that the log is cut between two. */
const CUT_WITHIN = 400;
const BEGINS: ReadonlySet<string> = new Set(['message.processing', 'turn.started']);

interface Kept {
  readonly event: SessionEvent;
  readonly seq: number;
  readonly size: number;
}

/** The part of a session's log that is loaded: a run of events without a hole, and the items that they come to. */
export class LogWindow {
  readonly items = signal<readonly Item[]>([]);
  /** Null: nothing is loaded yet. */
  readonly loaded = signal(false);
  /** There is more before what is loaded, and after it. */
  readonly hasOlder = signal(false);
  readonly hasNewer = signal(false);
  /** Counts up with each event that comes by the stream and that people read. */
  readonly came = signal(0);
  /** The reader is at the end, and what comes is shown. */
  follows = true;

  readonly #source: LogSource;
  readonly #bounds: LogBounds;
  readonly #publish: (work: () => void) => void;
  #kept: Kept[] = [];
  #size = 0;
  /** `seq` of the first and the last event that is loaded; `to` of `from - 1`: none. */
  #from = 1;
  #to = 0;
  /** `seq` of the newest event of the log. */
  #head = 0;
  #transcript = new Transcript();
  #isDue = false;
  /** The load that runs, so that two do not. */
  #loading: Promise<void> | null = null;

  /** @param publish calls what it is given soon, once for many events: when the page is drawn next */
  constructor(source: LogSource, publish: (work: () => void) => void, bounds: LogBounds = BOUNDS) {
    this.#source = source;
    this.#publish = publish;
    this.#bounds = bounds;
  }

  /** `seq` of the newest event that has come. */
  get head(): number {
    return this.#head;
  }

  /** `seq` of the first event that is loaded. */
  get from(): number {
    return this.#from;
  }

  /** `seq` of the last event that is loaded. */
  get to(): number {
    return this.#to;
  }

  /** Whether an event is within what is loaded. */
  has(seq: number): boolean {
    return seq >= this.#from && seq <= this.#to;
  }

  /** Shows the log's end. */
  async newest(signal: AbortSignal): Promise<readonly SessionEvent[]> {
    const page = await this.#source.page(undefined, { limit: this.#bounds.page, signal });
    this.#replace(page, page);
    return page.events;
  }

  /** Shows what is around an event. */
  async around(seq: number, signal: AbortSignal): Promise<void> {
    const half = Math.ceil(this.#bounds.page / 2);
    const before = await this.#source.page({ before: seq }, { limit: half, signal });
    const after = await this.#source.page({ after: seq - 1 }, { limit: half, signal });
    this.#replace({ ...before, events: [...before.events, ...after.events] }, after);
  }

  /** Loads what comes before. */
  async older(signal: AbortSignal): Promise<void> {
    await this.#once(async () => {
      if (!this.hasOlder.value) return;
      const page = await this.#source.page({ before: this.#from }, { limit: this.#bounds.page, signal });
      const kept = page.events.filter((event) => !isSilent(event)).map(keptOf);
      this.#kept = [...kept, ...this.#kept];
      this.#size += sum(kept);
      this.#from = beginOf(page);
      this.hasOlder.value = page.previous !== null;
      this.#trimEnd();
      this.#rebuild();
    });
  }

  /** Loads what comes after. */
  async newer(signal: AbortSignal): Promise<void> {
    await this.#once(async () => {
      if (!this.hasNewer.value) return;
      const page = await this.#source.page({ after: this.#to }, { limit: this.#bounds.page, signal });
      this.#head = Math.max(this.#head, page.last);
      for (const event of page.events) this.#append(event);
      this.#reach(page.next === null ? page.last : (page.events.at(-1)?.seq ?? this.#to));
      this.#trimStart();
      this.#rebuild();
    });
  }

  /** What the stream brings, in order. */
  take(event: SessionEvent | PreviewEvent): void {
    if (isPreview(event)) {
      if (this.#to < this.#head) return;
      this.#transcript.add(event);
    } else {
      const seq = event.seq ?? event.data.to;
      const isNext = this.#to === this.#head;
      this.#head = seq;
      if (!isSilent(event)) this.came.value += 1;
      const isFull = this.#kept.length >= this.#bounds.events || this.#size >= this.#bounds.size;
      if (!isNext || (isFull && !this.follows)) {
        this.hasNewer.value = true;
        return;
      }
      this.#append(event);
      this.#transcript.add(event);
      this.#to = seq;
      if (isFull) this.#trimStart();
    }
    this.#soon();
  }

  /** A connection has broken. */
  dropPreviews(): void {
    this.#transcript.dropPreviews();
    this.#soon();
  }

  async #once(load: () => Promise<void>): Promise<void> {
    this.#loading ??= load().finally(() => {
      this.#loading = null;
    });
    await this.#loading;
  }

  #replace(page: EventPage, last: EventPage): void {
    this.#kept = page.events.filter((event) => !isSilent(event)).map(keptOf);
    this.#size = sum(this.#kept);
    this.#from = beginOf(page);
    this.#head = Math.max(this.#head, last.last);
    this.#to = last.next ?? last.last;
    this.#rebuild(page.previous !== null);
  }

  #append(event: SessionEvent): void {
    if (isSilent(event)) return;
    const kept = keptOf(event);
    this.#kept.push(kept);
    this.#size += kept.size;
  }

  #reach(seq: number): void {
    this.#to = Math.max(this.#to, seq);
  }

  /** Forgets the oldest events that are too many: a third at a time, so that it is seldom. */
  #trimStart(): void {
    const { events, size } = this.#bounds;
    if (this.#kept.length <= events && this.#size <= size) return;
    let left = this.#size;
    let cut = 0;
    while (cut < this.#kept.length - 1 && (this.#kept.length - cut > (events * 2) / 3 || left > (size * 2) / 3)) {
      left -= this.#kept[cut]?.size ?? 0;
      cut += 1;
    }
    const begin = this.#kept.slice(cut, cut + CUT_WITHIN).findIndex(({ event }) => BEGINS.has(event.type));
    cut += Math.max(begin, 0);
    this.#kept = this.#kept.slice(cut);
    this.#size = sum(this.#kept);
    this.#from = this.#kept[0]?.seq ?? this.#to + 1;
    this.#rebuild(true);
  }

  /** Forgets the newest events that are too many. */
  #trimEnd(): void {
    const { events, size } = this.#bounds;
    let keep = this.#kept.length;
    while (keep > 1 && (keep > events || this.#size > size)) {
      keep -= 1;
      this.#size -= this.#kept[keep]?.size ?? 0;
    }
    if (keep === this.#kept.length) return;
    this.#kept = this.#kept.slice(0, keep);
    this.#to = this.#kept.at(-1)?.seq ?? this.#to;
  }

  /** Reads all that is loaded anew. */
  #rebuild(hasOlder = this.hasOlder.value): void {
    const transcript = new Transcript();
    for (const { event } of this.#kept) transcript.add(event);
    if (this.#to === this.#head) transcript.takePreviewsOf(this.#transcript);
    this.#transcript = transcript;
    batch(() => {
      this.hasOlder.value = hasOlder;
      this.hasNewer.value = this.#to < this.#head;
      this.items.value = transcript.items;
      this.loaded.value = true;
    });
  }

  #soon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#publish(() => {
      this.#isDue = false;
      this.items.value = this.#transcript.items;
    });
  }
}

const keptOf = (event: SessionEvent): Kept => ({ event, seq: event.seq ?? event.data.to, size: sizeOf(event.data) });
const sum = (kept: readonly Kept[]): number => kept.reduce((total, { size }) => total + size, 0);

/** `seq` of the first event that a page has, or has as gone. */
function beginOf({ events: [first], last }: EventPage): number {
  return first === undefined ? last + 1 : (first.seq ?? first.data.from);
}
