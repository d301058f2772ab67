/**
 * Size of a page of a list, JSON in UTF-16 units. A call between objects carries 32 MiB, and such a unit takes two bytes of
 * it.
 */
export const PAGE_UNITS = 4 * 1024 * 1024;

/**
 * The first of these rows, as a page shows them: `limit` at most, and no more once they are large together. One row is
 * taken however large it is, so that the next page gets further.
 */
export function takePage<Row, View>(
  rows: Iterable<Row>,
  limit: number,
  viewOf: (row: Row) => View,
): { readonly views: readonly View[]; readonly last: Row | null; readonly more: boolean } {
  const views: View[] = [];
  let last: Row | null = null;
  let units = 0;
  for (const row of rows) {
    if (views.length >= limit || units >= PAGE_UNITS) return { views, last, more: true };
    const view = viewOf(row);
    units += JSON.stringify(view).length;
    views.push(view);
    last = row;
  }
  return { views, last, more: false };
}
