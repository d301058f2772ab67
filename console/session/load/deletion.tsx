import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { Confirm } from '../../ui/dialog.tsx';
import { doing } from './doing.ts';

interface Props<T> {
  /** What is to be deleted if somebody confirms it; null: nothing. */
  readonly of: T | null;
  readonly title: string;
  /** What the button says. */
  readonly action: 'Delete' | 'Remove';
  readonly run: (of: T) => Promise<unknown>;
  /** After it, and when somebody thinks better of it. */
  readonly onClose: () => void;
  readonly onDeleted: (of: T) => void;
  /** What goes, and what stays. */
  readonly children: (of: T) => ComponentChildren;
}

/** Asks before something is deleted, deletes it, and says why where that fails. */
export function Deletion<T>({ of, title, action, run, onClose, onDeleted, children }: Props<T>) {
  const [isBusy, setBusy] = useState(false);
  const confirmed = async (what: T) => {
    setBusy(true);
    const isDone = await doing(() => run(what));
    setBusy(false);
    onClose();
    if (isDone) onDeleted(what);
  };
  return (
    <Confirm
      title={title}
      open={of !== null}
      action={action}
      busy={isBusy}
      onConfirm={() => {
        if (of !== null) void confirmed(of);
      }}
      onClose={onClose}
    >
      {of !== null && children(of)}
    </Confirm>
  );
}
