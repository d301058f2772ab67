import type { ComponentChildren } from 'preact';
import { Icon, type IconName } from './icon.tsx';
import { Popover } from './popover.tsx';

/** A row of a menu. */
export interface MenuItem {
  readonly label: string;
  readonly icon?: IconName;
  readonly onSelect?: () => void;
  /** A link in place of `onSelect`. */
  readonly href?: string;
  readonly danger?: boolean;
  readonly disabled?: boolean;
  /** One of a choice: whether it is the one. */
  readonly checked?: boolean;
}

interface MenuProps {
  /** What the menu is, for screen readers: `More for Build the site`. */
  readonly label: string;
  /** Inside the button that opens it. Default: three dots. */
  readonly button?: ComponentChildren;
  readonly buttonClass?: string;
  /** `null`: a line between rows. */
  readonly items: readonly (MenuItem | null)[];
}

/** A button that opens a menu. Arrow keys go through it. */
export function Menu({ items, ...props }: MenuProps) {
  return (
    <Popover {...props} kind="menu" class="ui-menu" onOpen={(box) => rows(box)[0]?.focus()} onKeyDown={step}>
      {(close) => (
        <div role="menu" aria-label={props.label}>
          {items.map((item, index) =>
            item === null ? <hr key={index} /> : <Row key={item.label} item={item} close={close} />,
          )}
        </div>
      )}
    </Popover>
  );
}

function Row({ item, close }: { readonly item: MenuItem; readonly close: () => void }) {
  const { label, icon, onSelect, href, danger = false, disabled = false, checked } = item;
  const props = {
    role: checked === undefined ? ('menuitem' as const) : ('menuitemradio' as const),
    'aria-checked': checked,
    class: danger ? 'ui-menu-row ui-menu-danger' : 'ui-menu-row',
    tabIndex: -1,
    onClick: () => {
      close();
      onSelect?.();
    },
  };
  const inside = (
    <>
      {icon && <Icon name={icon} />}
      <span class="ui-menu-label">{label}</span>
      {checked === true && <Icon name="check" />}
    </>
  );
  if (href !== undefined)
    return (
      <a {...props} href={href}>
        {inside}
      </a>
    );
  return (
    <button {...props} type="button" disabled={disabled}>
      {inside}
    </button>
  );
}

const rows = (box: HTMLElement) => [...box.querySelectorAll<HTMLElement>('[role^="menuitem"]:not(:disabled)')];

function step(event: KeyboardEvent, box: HTMLElement): void {
  const list = rows(box);
  const at = list.findIndex((row) => row === document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at < 0 ? -1 : at - 1, Home: 0, End: -1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  list.at(to % list.length)?.focus();
}
