import type { Item } from '../../../transcript/item.ts';

/** Where an event is among the items: the item, and the keys of what has to be open for it to be seen. */
export interface EventPlaceInLog {
  readonly index: number;
  /** Of the item itself, or of one in it. */
  readonly key: string;
  readonly open: readonly string[];
}

/**
 * @param seq of the event. One that has no item is where the next item is: a prompt stands where its turn begins.
 * @returns null: nothing is loaded
 */
export function placeOf(items: readonly Item[], seq: number): EventPlaceInLog | null {
  let next: EventPlaceInLog | null = null;
  let last: EventPlaceInLog | null = null;
  for (const [index, item] of items.entries()) {
    const inner = within(item, seq);
    if (inner !== null) return { index, key: inner.at(-1) ?? item.key, open: inner.slice(0, -1) };
    last = { index, key: item.key, open: [] };
    if (next === null && item.seq !== null && item.seq > seq) next = last;
  }
  return next ?? last;
}

/** The keys of the items that lead to an event, the outermost first; null: it is not in this one. */
function within(item: Item, seq: number): readonly string[] | null {
  if (item.seq === seq) return [item.key];
  if (item.kind !== 'tool') return null;
  // Its result stands in it.
  if (item.result?.seq === seq) return [item.key];
  for (const child of item.children) {
    const inner = within(child, seq);
    if (inner !== null) return [item.key, ...inner];
  }
  return null;
}
