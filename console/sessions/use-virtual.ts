import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
  type VirtualItem,
} from '@tanstack/virtual-core';
import { useEffect, useLayoutEffect, useReducer, useRef, useState } from 'preact/hooks';

/** Rows above and below the window that are there already when it is scrolled. */
const OVERSCAN = 8;

interface VirtualOptions {
  readonly count: number;
  /** Of one row, pixels. All have the same. */
  readonly rowHeight: number;
  readonly keyOf: (index: number) => string;
  /** What scrolls. */
  readonly scroller: () => HTMLElement | null;
  /** Where the list begins in it. */
  readonly list: () => HTMLElement | null;
}

/** The rows of a long list that are to be in the page now (TanStack Virtual; it has no adapter for Preact). */
export function useVirtual({ count, rowHeight, keyOf, scroller, list }: VirtualOptions): {
  readonly rows: readonly VirtualItem[];
  readonly height: number;
} {
  const [, update] = useReducer((times: number) => times + 1, 0);
  const margin = useRef(0);
  const [virtualizer] = useState(
    () =>
      new Virtualizer<HTMLElement, HTMLElement>({
        count,
        getScrollElement: scroller,
        estimateSize: () => rowHeight,
        observeElementRect,
        observeElementOffset,
        scrollToFn: elementScroll,
        onChange: () => update(undefined),
      }),
  );
  virtualizer.setOptions({
    ...virtualizer.options,
    count,
    estimateSize: () => rowHeight,
    getItemKey: keyOf,
    overscan: OVERSCAN,
    scrollMargin: margin.current,
  });
  useEffect(() => virtualizer._didMount(), [virtualizer]);
  useLayoutEffect(() => virtualizer._willUpdate());
  // What stands above the list may have grown: it is measured after each change.
  useLayoutEffect(() => {
    const [inside, outside] = [list(), scroller()];
    if (inside === null || outside === null) return;
    const top = inside.getBoundingClientRect().top - outside.getBoundingClientRect().top + outside.scrollTop;
    if (Math.abs(top - margin.current) < 1) return;
    margin.current = top;
    update(undefined);
  });
  // Another size of all rows: what was measured is forgotten.
  useLayoutEffect(() => virtualizer.measure(), [virtualizer, rowHeight]);
  const rows = virtualizer.getVirtualItems().map((row) => ({ ...row, start: row.start - margin.current }));
  return { rows, height: virtualizer.getTotalSize() };
}
