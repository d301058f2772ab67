import type { ComponentChildren } from 'preact';
import { Icon } from '../../../ui/icon.tsx';
import type { LogPlace } from './row-props.ts';

interface FoldProps {
  /** Of the item: it stays open or shut when it goes out of sight. */
  readonly id: string;
  readonly place: LogPlace;
  readonly line: ComponentChildren;
  /** In whole words, for screen readers, and for whoever points at it: what the line says by signs. */
  readonly label?: string;
  readonly children: ComponentChildren;
}

/** A line that opens to more. */
export function Fold({ id, place, line, label, children }: FoldProps) {
  const isOpen = place.open.has(id);
  return (
    <div class={`log-fold ${isOpen ? 'log-fold-open' : ''}`}>
      <button type="button" class="log-line" aria-expanded={isOpen} title={label} onClick={() => place.toggle(id)}>
        <span class="log-chevron">
          <Icon name="chevron" />
        </span>
        {line}
      </button>
      {isOpen && <div class="log-body">{children}</div>}
    </div>
  );
}
