import { useEffect, useRef } from 'preact/hooks';
import { IconButton } from '../../../ui/button.tsx';
import type { Finder } from './finder.ts';

interface FindBarProps {
  readonly finder: Finder;
  /** Which one of what was found is shown, from 0; null: none is. */
  readonly at: number | null;
  readonly onStep: (by: 1 | -1) => void;
  readonly onClose: () => void;
}

/** Looks for words in the log. */
export function FindBar({ finder, at, onStep, onClose }: FindBarProps) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const count = finder.found.value.length;
  const state = finder.state.value;
  return (
    <search class="log-find">
      <input
        ref={field}
        type="search"
        class="ui-input"
        aria-label="Find in the log"
        placeholder="Find in the log"
        value={finder.query.value}
        onInput={(event) => {
          finder.query.value = event.currentTarget.value;
          finder.state.value = 'idle';
        }}
        onKeyDown={(event) => {
          if (event.key === 'Escape') onClose();
          else if (event.key === 'Enter') onStep(event.shiftKey ? 1 : -1);
        }}
      />
      <span class="log-found" role="status">
        {wordsOf(finder.query.value, count, at, state)}
      </span>
      <IconButton icon="up" label="The one before" kind="quiet" onClick={() => onStep(-1)} />
      <IconButton icon="down" label="The one after" kind="quiet" onClick={() => onStep(1)} />
      <IconButton icon="close" label="Close the search" kind="quiet" onClick={onClose} />
    </search>
  );
}

function wordsOf(query: string, count: number, at: number | null, state: 'idle' | 'looking' | 'none'): string {
  if (query.trim() === '') return '';
  if (state === 'looking') return 'Looking…';
  if (count === 0) return state === 'none' ? 'Nothing' : 'Not in what is loaded: press up';
  return at === null ? `${count}` : `${at + 1} of ${count}`;
}
