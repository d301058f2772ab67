import type { ComponentChildren } from 'preact';
import { useId, useRef, useState } from 'preact/hooks';
import { Icon } from './icon.tsx';

interface PopoverProps {
  /** What the button is called, for screen readers. */
  readonly label: string;
  /** Inside the button that opens it. Default: three dots. */
  readonly button?: ComponentChildren;
  readonly buttonClass?: string;
  readonly class?: string;
  /** `menu`: its rows are those of a menu. Default: `dialog`. */
  readonly kind?: 'menu' | 'dialog';
  /** When it opens. */
  readonly onOpen?: (box: HTMLElement) => void;
  readonly onKeyDown?: (event: KeyboardEvent, box: HTMLElement) => void;
  readonly children: (close: () => void) => ComponentChildren;
}

/** A button, and what it opens beside it (the browser's own popover: Escape, or a press elsewhere, closes it). */
export function Popover({ label, button, buttonClass, kind = 'dialog', children, ...props }: PopoverProps) {
  const id = useId();
  const opener = useRef<HTMLButtonElement>(null);
  const box = useRef<HTMLDivElement>(null);
  // A list has many: what is inside is there while it is open.
  const [isOpen, setOpen] = useState(false);
  // When it is shown, and not before, it has a size. Until it has its place it is not seen.
  const shown = () => {
    if (opener.current === null || box.current === null) return;
    place(box.current, opener.current.getBoundingClientRect());
    box.current.dataset['placed'] = '';
    props.onOpen?.(box.current);
  };
  return (
    <>
      <button
        ref={opener}
        type="button"
        class={buttonClass ?? 'ui-button ui-button-quiet ui-icon-button'}
        aria-haspopup={kind}
        aria-label={label}
        title={label}
        popovertarget={id}
      >
        {button ?? <Icon name="menu" />}
      </button>
      <div
        ref={box}
        id={id}
        class={`ui-popover ${props.class ?? ''}`}
        popover="auto"
        onBeforeToggle={(event) => {
          delete event.currentTarget.dataset['placed'];
          setOpen(event.newState === 'open');
        }}
        onToggle={(event) => {
          if (event.newState === 'open') shown();
        }}
        onKeyDown={(event) => {
          if (box.current !== null) props.onKeyDown?.(event, box.current);
        }}
      >
        {isOpen && children(() => box.current?.hidePopover())}
      </div>
    </>
  );
}

const GAP = 4;
const EDGE = 8;

/** Beside its button, where there is room: below if it can, and within the window. */
function place(box: HTMLElement, button: DOMRect): void {
  const { offsetWidth: width, offsetHeight: height } = box;
  const below = button.bottom + GAP;
  const top = below + height + EDGE <= innerHeight ? below : Math.max(EDGE, button.top - GAP - height);
  const left = button.right - width >= EDGE ? button.right - width : button.left;
  box.style.top = `${top}px`;
  box.style.left = `${Math.max(EDGE, Math.min(left, innerWidth - width - EDGE))}px`;
}
