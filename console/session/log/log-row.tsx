import { useMemo } from 'preact/hooks';
import type { Item } from '../../transcript/item.ts';
import { ItemView } from './rows/item-view.tsx';
import type { LogPlace } from './rows/row-props.ts';

interface LogRowProps {
  readonly item: Item;
  readonly index: number;
  /** From the list's beginning, pixels. */
  readonly start: number;
  readonly place: LogPlace;
  readonly isCurrent: boolean;
  readonly measure: (element: HTMLElement | null) => void;
}

/** An item in its place. What is in it is drawn anew only when the item, or what is open, has changed. */
export function LogRow({ item, index, start, place, isCurrent, measure }: LogRowProps) {
  const view = useMemo(() => <ItemView item={item} place={place} />, [item, place]);
  return (
    <div
      ref={measure}
      id={item.key}
      data-index={index}
      class={`log-item log-item-${item.kind} ${isCurrent ? 'log-item-current' : ''}`}
      tabIndex={-1}
      style={{ transform: `translateY(${start}px)` }}
    >
      {view}
    </div>
  );
}
