import { useLayoutEffect, useState } from 'preact/hooks';

/** As wide as this, a row is one line. Root font sizes, so that large letters have room. */
const WIDE_REM = 46;
/** Of a row: one line, or two with what can be touched beside them. */
const HEIGHT_REM = { wide: 3, narrow: 4.25 } as const;

/** How the rows of a list are laid out. */
export interface RowSize {
  readonly isWide: boolean;
  /** Pixels. */
  readonly height: number;
}

/** By how wide a list is, and how large the letters are. */
export function useRowSize(list: () => HTMLElement | null): RowSize {
  const [size, setSize] = useState<RowSize>(() => sizeOf(innerWidth));
  useLayoutEffect(() => {
    const element = list();
    if (element === null) return undefined;
    const measure = () => {
      const next = sizeOf(element.clientWidth);
      setSize((before) => (before.isWide === next.isWide && before.height === next.height ? before : next));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    // One root font size wide: it changes when the letters do, and the list may not.
    const letters = element.querySelector('.session-list-letters');
    if (letters !== null) observer.observe(letters);
    return () => observer.disconnect();
  }, []);
  return size;
}

function sizeOf(width: number): RowSize {
  const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const isWide = width >= WIDE_REM * rem;
  return { isWide, height: Math.round(rem * (isWide ? HEIGHT_REM.wide : HEIGHT_REM.narrow)) };
}
