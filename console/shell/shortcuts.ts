import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

/** One key, and what it does. */
export interface Shortcut {
  /** As `KeyboardEvent.key` has it: `j`, `?`, `Enter`; `1-9`: a digit. */
  readonly keys: string;
  /** In a few words: `The next one`. */
  readonly what: string;
  /** @returns false: it has nothing to do here, and the browser does what it does */
  readonly run: (key: string) => boolean | void;
}

interface Group {
  readonly title: string;
  readonly shortcuts: readonly Shortcut[];
}

/** What keys do on the page that is shown, for the help: the newest group first. */
export const shortcutGroups = signal<readonly Group[]>([]);

/** Keys of a part of the page, while it is there. They do nothing while somebody types, or with Ctrl, Alt or ⌘. */
export function useShortcuts(title: string, shortcuts: readonly Shortcut[]): void {
  const newest = useRef(shortcuts);
  newest.current = shortcuts;
  useEffect(() => {
    const group: Group = {
      title,
      get shortcuts() {
        return newest.current;
      },
    };
    shortcutGroups.value = [group, ...shortcutGroups.value];
    return () => {
      shortcutGroups.value = shortcutGroups.value.filter((other) => other !== group);
    };
  }, [title]);
}

/** Listens to keys, for the whole page. @returns what ends that */
export function listenToKeys(): () => void {
  addEventListener('keydown', onKey);
  return () => removeEventListener('keydown', onKey);
}

function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTaken(event)) return;
  // A window over the page has its own keys.
  if (document.querySelector('dialog[open], [popover]:popover-open') !== null) return;
  for (const { shortcuts } of shortcutGroups.value) {
    const shortcut = shortcuts.find(({ keys }) => fits(keys, event.key));
    if (shortcut !== undefined && shortcut.run(event.key) !== false) {
      event.preventDefault();
      return;
    }
  }
}

const fits = (keys: string, key: string) => (keys === '1-9' ? /^[1-9]$/.test(key) : keys === key);

/** Whether a key goes into what is written, or presses a button or follows a link, as `Enter` does. */
function isTaken({ target, key }: KeyboardEvent): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (key === 'Enter' && target.matches('a, button, summary, [role=button]')) return true;
  return (
    target.isContentEditable || target.matches('input:not([type=radio], [type=checkbox]), textarea, select, .xterm *')
  );
}
