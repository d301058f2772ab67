import type { Item, PreviewItem, PromptItem, ToolItem } from './item.ts';

interface Place {
  /** Key of the tool in which it is; null: in none. */
  readonly parent: string | null;
  readonly index: number;
}

/** What is known while a log is read: the items so far, and where each is, so that an event costs the same however many there are. */
export class Draft {
  /** Counts up with each change. */
  version = 0;
  /** Messages that wait, the first one first. They get their place among the items when their turn begins. */
  readonly waiting = new Map<string, PromptItem>();
  readonly #items: Item[] = [];
  readonly #places = new Map<string, Place>();
  #previews: readonly PreviewItem[] = [];

  /** Keys by the ids of Claude Code and of CC-Docker. */
  readonly tools = new Map<string, string>();
  readonly tasks = new Map<string, string>();
  readonly prompts = new Map<string, string>();
  readonly interactions = new Map<string, string>();
  /** Keys of tools without a result. */
  readonly running = new Set<string>();
  /** Messages that a wake-up has made. */
  readonly wakeups = new Set<string>();
  /** Ids of messages and turns that are under way. */
  readonly open = new Set<string>();
  /** The turn whose end was last, while nothing has begun since: what comes says more of it. */
  endedTurn: string | null = null;
  /** Calls of tools since the last turn has ended. */
  calls = new Map<string, number>();

  get previews(): readonly PreviewItem[] {
    return this.#previews;
  }

  set previews(previews: readonly PreviewItem[]) {
    if (previews === this.#previews) return;
    this.#previews = previews;
    this.version += 1;
  }

  get last(): Item | undefined {
    return this.#items.at(-1);
  }

  /** All, in the order of the log: then what is written just now, then what waits. */
  all(): readonly Item[] {
    return [...this.#items, ...this.#previews, ...this.waiting.values()];
  }

  get(key: string): Item | null {
    const place = this.#places.get(key);
    return place === undefined ? null : (this.#siblings(place.parent)[place.index] ?? null);
  }

  /** Key of the tool in which an item is; null: in none. */
  parentOf(key: string): string | null {
    return this.#places.get(key)?.parent ?? null;
  }

  tool(key: string): ToolItem | null {
    const item = this.get(key);
    return item?.kind === 'tool' ? item : null;
  }

  /** @param parent key of the tool in which it is; null: in none */
  append(item: Item, parent: string | null = null): void {
    const siblings = this.#siblings(parent);
    this.#places.set(item.key, { parent, index: siblings.length });
    if (parent === null) this.#items.push(item);
    else this.change(parent, 'tool', (tool) => ({ ...tool, children: [...tool.children, item] }));
    this.version += 1;
  }

  /** Puts another one in an item's place. Nothing happens when there is no such item of this kind. */
  change<K extends Item['kind']>(
    key: string | undefined | null,
    kind: K,
    change: (item: Extract<Item, { kind: K }>) => Item,
  ): void {
    const place = this.#places.get(key ?? '');
    if (place === undefined) return;
    const { parent, index } = place;
    const old = this.#siblings(parent)[index];
    if (old === undefined || !isOf(old, kind)) return;
    const item = change(old);
    if (parent === null) this.#items[index] = item;
    else this.change(parent, 'tool', (tool) => ({ ...tool, children: tool.children.with(index, item) }));
    this.version += 1;
  }

  #siblings(parent: string | null): readonly Item[] {
    return parent === null ? this.#items : (this.tool(parent)?.children ?? []);
  }
}

function isOf<K extends Item['kind']>(item: Item, kind: K): item is Extract<Item, { kind: K }> {
  return item.kind === kind;
}
