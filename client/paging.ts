interface Page<T> {
  readonly data: readonly T[];
  readonly next_cursor: string | null;
}

/** All of a list, page by page: the next page is asked for when the one before it has been read. */
export async function* allPages<T>(page: (cursor: string | undefined) => Promise<Page<T>>): AsyncGenerator<T, void> {
  for (let cursor: string | undefined; ;) {
    const { data, next_cursor } = await page(cursor);
    yield* data;
    if (next_cursor === null) return;
    cursor = next_cursor;
  }
}

/** All of a list, as an array. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
