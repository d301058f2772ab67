import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
  type VirtualizerOptions,
} from '@tanstack/virtual-core';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';

type Options = VirtualizerOptions<HTMLElement, HTMLElement>;
interface Given extends Omit<Options, 'scrollToFn' | 'observeElementRect' | 'observeElementOffset' | 'onChange'> {
  /** The list scrolls by itself, by calling `scroll`. */
  readonly onScroll: (element: HTMLElement, scroll: () => void) => void;
}

/** A list of which only what is in sight is in the page. It draws the component anew when that changes. */
export function useVirtualList(given: Given): Virtualizer<HTMLElement, HTMLElement> {
  const [, draw] = useState(0);
  const list = useRef<Virtualizer<HTMLElement, HTMLElement> | null>(null);
  const options: Options = {
    ...given,
    observeElementRect,
    observeElementOffset,
    scrollToFn: (offset, how, list) => {
      if (list.scrollElement !== null) given.onScroll(list.scrollElement, () => elementScroll(offset, how, list));
    },
    onChange: () => draw((drawn) => drawn + 1),
  };
  if (list.current === null) list.current = new Virtualizer(options);
  else list.current.setOptions(options);
  const made = list.current;
  useLayoutEffect(() => made._didMount(), [made]);
  useLayoutEffect(() => made._willUpdate());
  return made;
}
