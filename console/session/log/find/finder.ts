import { computed, signal } from '@preact/signals';
import type { EventPlace, EventPage } from '../../../../client/main.ts';
import type { Item } from '../../../transcript/item.ts';
import { Transcript } from '../../../transcript/transcript.ts';
import type { LogWindow } from '../window/log-window.ts';
import { has } from './item-text.ts';

interface Source {
  page(
    place: EventPlace | undefined,
    options: { readonly limit: number; readonly signal: AbortSignal },
  ): Promise<EventPage>;
}

/** Events that are looked through at a time, of those that are not loaded. */
const PAGE = 1000;

/**
 * Looks for words in a log. A browser's own search sees only what is in the page, which is little of it.
 *
 * What is loaded is searched at once. What comes before is searched page by page, when asked for.
 */
export class Finder {
  readonly query = signal('');
  /** `looking`: in what is not loaded. `none`: there is nothing before. */
  readonly state = signal<'idle' | 'looking' | 'none'>('idle');
  readonly #log: LogWindow;
  readonly #source: Source;
  /** Items that have it, the first one first. */
  readonly found = computed<readonly Item[]>(() => {
    const wanted = this.query.value.trim().toLowerCase();
    return wanted === '' ? [] : this.#log.items.value.filter((item) => has(item, wanted));
  });

  constructor(log: LogWindow, source: Source) {
    this.#log = log;
    this.#source = source;
  }

  /** @returns `seq` of the newest event before what is loaded in whose item it stands; null: there is none */
  async before(seq: number, signal: AbortSignal): Promise<number | null> {
    const wanted = this.query.value.trim().toLowerCase();
    this.state.value = 'looking';
    let before: number | null = seq;
    while (before !== null) {
      const page: EventPage = await this.#source.page({ before }, { limit: PAGE, signal });
      const transcript = new Transcript();
      for (const event of page.events) transcript.add(event);
      const found = transcript.items.findLast((item) => item.seq !== null && has(item, wanted));
      if (found !== undefined) {
        this.state.value = 'idle';
        return found.seq;
      }
      before = page.previous;
    }
    this.state.value = 'none';
    return null;
  }
}
