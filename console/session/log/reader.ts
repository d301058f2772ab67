import { batch, computed, signal } from '@preact/signals';
import type { RefObject } from 'preact';
import type { VirtualItem, Virtualizer } from '@tanstack/virtual-core';
import type { Item } from '../../transcript/item.ts';
import { isInWorkspace, shownPath } from '../../transcript/tools/shown-path.ts';
import type { SessionStore } from '../session-store.ts';
import { Finder } from './find/finder.ts';
import { distanceToEnd, EndWatch } from './list/end-watch.ts';
import { placeOf } from './list/place-of.ts';
import type { LogPlace } from './rows/row-props.ts';

/** More is loaded when so many items or fewer are left in that direction. */
const NEAR = 12;

/** Where the reader of a log is, what they have opened, and how they get elsewhere. */
export class Reader {
  readonly store: SessionStore;
  readonly finder: Finder;
  list: Virtualizer<HTMLElement, HTMLElement> | null = null;
  scroll: RefObject<HTMLElement | null> | null = null;
  /** Key of the item that the keys go to. */
  readonly current = signal<string | null>(null);
  /** The end of the log is in sight, and stays so. */
  readonly isAtEnd = signal(true);
  readonly isFinding = signal(false);
  /** What had come when the reader left the end. */
  readonly #cameThen = signal(0);
  readonly #open = signal<ReadonlySet<string>>(new Set());
  readonly #end = new AbortController();
  /** An item to scroll to, as soon as the list has it. */
  #due: { readonly key: string; readonly align: 'auto' | 'center' | 'start' } | null = null;
  /** An item that gets the focus when it is drawn. */
  #wanted: string | null = null;
  #isMoving = false;
  readonly #watch = new EndWatch((sticks) => {
    const { log } = this.store;
    log.follows = sticks;
    batch(() => {
      this.isAtEnd.value = sticks;
      this.#cameThen.value = log.came.peek();
    });
  });

  constructor(store: SessionStore) {
    this.store = store;
    this.finder = new Finder(store.log, store.session);
  }

  /** Something has come since the reader left the end. */
  readonly hasNew = computed(() => !this.isAtEnd.value && this.store.log.came.value > this.#cameThen.value);

  readonly place = computed<LogPlace>(() => ({
    sessionId: this.store.session.id,
    open: this.#open.value,
    toggle: this.toggle,
    hrefOfPath: this.#hrefOfPath,
  }));

  /** The list scrolls by itself. */
  readonly scrolls = (element: HTMLElement, scroll: () => void): void => this.#watch.around(element, scroll);

  /** Whether what comes is scrolled to. */
  get follows(): boolean {
    return this.#watch.sticks && !this.store.log.hasNewer.value && !this.#isMoving;
  }

  /** Goes to what the address names, now and when it changes. @returns what ends that */
  begin(): () => void {
    const toHash = () => {
      const seq = seqOfHash(location.hash);
      if (seq !== null) void this.goTo(seq);
    };
    addEventListener('hashchange', toHash);
    const stop = this.store.log.loaded.subscribe((loaded) => {
      if (loaded) toHash();
    });
    const element = this.scroll?.current;
    const unwatch = element === null || element === undefined ? null : this.#watch.watch(element);
    return () => {
      unwatch?.();
      removeEventListener('hashchange', toHash);
      stop();
      this.#end.abort();
    };
  }

  /** After each drawing: stays at the end, loads more where it is near, and goes to what is wanted once it is there. */
  drawn(shown: readonly VirtualItem[], count: number): void {
    const { log } = this.store;
    const element = this.scroll?.current;
    if (element === null || element === undefined || !log.loaded.value) return;
    this.#scroll();
    if (this.#wanted !== null) this.#arrive();
    if (this.follows && distanceToEnd(element) > 1) this.list?.scrollToEnd();
    else if (this.follows) this.#watch.look(element);
    const first = shown[0];
    const last = shown.at(-1);
    if (first === undefined || last === undefined || this.#isMoving) return;
    if (first.index < NEAR && log.hasOlder.value) this.#load(log.older(this.#end.signal));
    else if (last.index >= count - NEAR && log.hasNewer.value) this.#load(log.newer(this.#end.signal));
  }

  /** Goes to an event, and loads what is around it if need be. */
  async goTo(seq: number): Promise<void> {
    const { log } = this.store;
    if (!log.has(seq)) await this.#move(log.around(seq, this.#end.signal));
    const found = placeOf(log.items.value, seq);
    if (found === null) return;
    if (found.open.length > 0) this.#open.value = new Set([...this.#open.value, ...found.open]);
    this.focus(found.index, found.key, 'center');
  }

  async toEnd(): Promise<void> {
    if (this.store.log.hasNewer.value) await this.#move(this.store.log.newest(this.#end.signal));
    this.current.value = null;
    this.#watch.sticks = true;
    this.list?.scrollToEnd();
  }

  async toBeginning(): Promise<void> {
    if (this.store.log.hasOlder.value) await this.#move(this.store.log.around(1, this.#end.signal));
    const first = this.store.log.items.value[0];
    if (first !== undefined) this.focus(0, first.key, 'start');
  }

  /** Goes to the next item, or the one before. */
  move(by: 1 | -1): void {
    const items = this.store.log.items.value;
    const at = items.findIndex(({ key }) => key === this.current.value);
    const from = at === -1 ? this.#middle() : at + by;
    const item = items[from];
    if (item !== undefined) this.focus(from, item.key, 'auto');
  }

  /** Opens or shuts what the keys go to. */
  toggleCurrent(): boolean {
    const key = this.current.value;
    if (key === null) return false;
    this.toggle(key);
    return true;
  }

  readonly toggle = (key: string): void => {
    const open = new Set(this.#open.value);
    if (!open.delete(key)) open.add(key);
    batch(() => {
      this.#open.value = open;
      this.current.value = key;
    });
  };

  /** Which one of what was found is the current one, from 0; null: none. */
  foundAt(): number | null {
    const at = this.finder.found.value.findIndex(({ key }) => key === this.current.value);
    return at === -1 ? null : at;
  }

  closeFind(): void {
    this.isFinding.value = false;
    this.finder.query.value = '';
    this.scroll?.current?.focus({ preventScroll: true });
  }

  /** Goes to the next one of what was found, or the one before: the newest first. */
  async step(by: 1 | -1): Promise<void> {
    const { found } = this.finder;
    if (this.finder.query.value.trim() === '') return;
    const at = this.foundAt();
    const next = at === null ? found.value.length - 1 : at + by;
    const item = found.value[next];
    if (item !== undefined) {
      this.#show(item);
      return;
    }
    if (by === 1 || !this.store.log.hasOlder.value) return;
    const seq = await this.finder.before(this.store.log.from, this.#end.signal);
    if (seq === null) return;
    await this.#move(this.store.log.around(seq, this.#end.signal));
    const place = placeOf(this.store.log.items.value, seq);
    const there = place === null ? undefined : this.store.log.items.value[place.index];
    if (there !== undefined) this.#show(there);
  }

  #show(item: Item): void {
    // It may stand in what is folded.
    if (item.kind === 'tool' || item.kind === 'thinking' || item.kind === 'notice')
      this.#open.value = new Set(this.#open.value).add(item.key);
    this.current.value = item.key;
    this.#wanted = null;
    this.#watch.sticks = false;
    this.#due = { key: item.key, align: 'center' };
    this.#scroll();
  }

  /** Scrolls to an item and gives it the focus once it is drawn. */
  focus(index: number, key: string, align: 'auto' | 'center' | 'start'): void {
    this.#wanted = key;
    this.current.value = key;
    this.#watch.sticks = index === this.store.log.items.value.length - 1 && !this.store.log.hasNewer.value;
    this.#due = { key, align };
    this.#scroll();
    this.#arrive();
  }

  /** The list may not have been drawn with what has just been loaded: then it is scrolled after that. */
  #scroll(): void {
    const { list } = this;
    if (list === null || this.#due === null) return;
    const { key, align } = this.#due;
    const index = this.store.log.items.value.findIndex((item) => item.key === key || isWithin(item, key));
    if (index === -1) this.#due = null;
    if (
      index === -1 ||
      list.options.count <= index ||
      list.options.getItemKey(index) !== this.store.log.items.value[index]?.key
    )
      return;
    this.#due = null;
    list.scrollToIndex(index, { align });
  }

  #arrive(): void {
    const element = document.getElementById(this.#wanted ?? '');
    if (element === null) return;
    this.#wanted = null;
    element.focus({ preventScroll: true });
  }

  /** The item in the middle of what is in sight. */
  #middle(): number {
    const shown = this.list?.getVirtualItems() ?? [];
    return shown[Math.floor(shown.length / 2)]?.index ?? 0;
  }

  async #move(load: Promise<unknown>): Promise<void> {
    this.#isMoving = true;
    try {
      await load;
    } finally {
      this.#isMoving = false;
    }
  }

  #load(load: Promise<void>): void {
    load.catch((error: unknown) => this.store.fail(error, this.#end.signal));
  }

  readonly #hrefOfPath = (path: string): string | null => {
    if (!isInWorkspace(path)) return null;
    const query = new URLSearchParams({ path: shownPath(path) });
    return `/sessions/${this.store.session.id}/files?${query.toString()}`;
  };
}

/** Whether an item, such as a subagent's step, stands in another one. */
const isWithin = (item: Item, key: string): boolean =>
  item.kind === 'tool' && item.children.some((child) => child.key === key || isWithin(child, key));

/** `seq` of the event that an address names: `#e123`. */
export function seqOfHash(hash: string): number | null {
  const [, seq] = /^#e(\d{1,15})(?:\.\d+)?$/.exec(hash) ?? [];
  return seq === undefined ? null : Number(seq);
}
