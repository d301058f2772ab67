import type { ComponentChildren } from 'preact';
import { Icon, type IconName } from './icon.tsx';

interface ButtonProps {
  /** `primary`: the one thing to do here. `plain`: others. `quiet`: without a border. `danger`: cannot be undone. Default: `plain`. */
  readonly kind?: 'primary' | 'plain' | 'quiet' | 'danger';
  readonly icon?: IconName;
  readonly onClick?: (event: MouseEvent) => void;
  /** It is a link, which looks like a button. */
  readonly href?: string;
  /** What was asked for is on its way: it shows that, and takes no second press. */
  readonly busy?: boolean;
  readonly disabled?: boolean;
  readonly type?: 'button' | 'submit';
  /** More than its words say, for screen readers, and for whoever waits with the mouse on it. */
  readonly title?: string;
  readonly class?: string;
  /** For a switch: whether it is on. */
  readonly pressed?: boolean;
  readonly children?: ComponentChildren;
}

/** A button with words, and with a picture before them where it has an `icon`. */
export function Button({ kind = 'plain', icon, href, busy = false, pressed, children, ...rest }: ButtonProps) {
  const style = `ui-button ui-button-${kind} ${rest.class ?? ''}`;
  const inside = (
    <>
      {busy ? <span class="ui-spinner" aria-hidden="true" /> : icon && <Icon name={icon} />}
      {children}
    </>
  );
  if (href !== undefined)
    return (
      <a {...rest} href={href} class={style}>
        {inside}
      </a>
    );
  // A button that is busy keeps the focus, which `disabled` would take from it.
  const { onClick, disabled = false, type = 'button', title } = rest;
  return (
    <button
      type={type}
      class={style}
      title={title}
      disabled={disabled}
      aria-busy={busy}
      aria-disabled={busy || disabled}
      aria-pressed={pressed}
      onClick={(event) => {
        if (busy) event.preventDefault();
        else onClick?.(event);
      }}
    >
      {inside}
    </button>
  );
}

interface IconButtonProps extends Omit<ButtonProps, 'icon' | 'children' | 'title'> {
  readonly icon: IconName;
  /** What it does, in words. */
  readonly label: string;
}

/** A button that is a picture alone. */
export function IconButton({ icon, label, ...props }: IconButtonProps) {
  return (
    <Button kind="quiet" {...props} icon={icon} title={label} class={`ui-icon-button ${props.class ?? ''}`}>
      <span class="visually-hidden">{label}</span>
    </Button>
  );
}
