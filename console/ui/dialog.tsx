import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { Button, IconButton } from './button.tsx';

interface DialogProps {
  readonly title: string;
  readonly open: boolean;
  /** It wants to close: by Escape, by its cross, or by a press beside it. */
  readonly onClose: () => void;
  readonly children: ComponentChildren;
  /** Buttons at its end. */
  readonly actions?: ComponentChildren;
}

/** A window over the page (the browser's own `<dialog>`: it keeps the focus, and Escape closes it). */
export function Dialog({ title, open, onClose, children, actions }: DialogProps) {
  const box = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = box.current;
    if (dialog === null || dialog.open === open) return;
    if (open) dialog.showModal();
    else dialog.close();
  }, [open]);
  return (
    <dialog
      ref={box}
      class="ui-dialog"
      aria-labelledby={id}
      onClose={onClose}
      onClick={(event) => {
        // The box inside fills it, so what is pressed itself is the ground around.
        if (event.target === event.currentTarget) onClose();
      }}
    >
      {open && (
        <div class="ui-dialog-box">
          <header class="ui-dialog-header">
            <h2 id={id}>{title}</h2>
            <IconButton icon="close" label="Close" onClick={onClose} />
          </header>
          <div class="ui-dialog-body">{children}</div>
          {actions !== undefined && <footer class="ui-dialog-actions">{actions}</footer>}
        </div>
      )}
    </dialog>
  );
}

interface ConfirmProps {
  readonly title: string;
  readonly open: boolean;
  /** What happens, and that it cannot be undone. */
  readonly children: ComponentChildren;
  /** What the button says that does it: `Remove`. */
  readonly action: string;
  readonly busy?: boolean;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
}

/** Asks before something that cannot be undone. The focus is on the way back. */
export function Confirm({ title, open, children, action, busy = false, onConfirm, onClose }: ConfirmProps) {
  return (
    <Dialog
      title={title}
      open={open}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="danger" busy={busy} onClick={onConfirm}>
            {action}
          </Button>
        </>
      }
    >
      {children}
    </Dialog>
  );
}
