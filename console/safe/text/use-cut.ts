import { useState } from 'preact/hooks';
import { cutAt } from './visible.ts';

/** The first part of a long text, and the way to more of it. */
export interface Cut {
  readonly shown: string;
  /** Characters that are not shown. */
  readonly left: number;
  readonly more: () => void;
}

/** Each step shows this many times what was shown before: the end of any text is a few taps away. */
const STEP = 4;

/**
 * Shows no more than `max` characters of a text until somebody asks: a browser lays out a megabyte in seconds.
 *
 * @param most characters that are shown at all, however often somebody asks
 */
export function useCut(text: string, max: number, most = 1_000_000): Cut {
  const [limit, setLimit] = useState(max);
  const shown = cutAt(text, Math.min(limit, most));
  return { shown, left: text.length - shown.length, more: () => setLimit(limit * STEP) };
}
