import type { Key } from './keys.ts';
import type { Shell } from './shell.ts';

const KEYS: readonly { readonly key: Key; readonly name: string; readonly shown: string }[] = [
  { key: 'escape', name: 'Escape', shown: 'Esc' },
  { key: 'tab', name: 'Tab', shown: 'Tab' },
  { key: 'left', name: 'Left', shown: '←' },
  { key: 'down', name: 'Down', shown: '↓' },
  { key: 'up', name: 'Up', shown: '↑' },
  { key: 'right', name: 'Right', shown: '→' },
  { key: 'home', name: 'Home', shown: 'Home' },
  { key: 'end', name: 'End of line', shown: 'End' },
  { key: 'page-up', name: 'Page up', shown: 'PgUp' },
  { key: 'page-down', name: 'Page down', shown: 'PgDn' },
];

/** Keys that a phone's keyboard does not have. Shown where the pointer is a finger. */
export function KeysRow({ shell }: { readonly shell: Shell }) {
  return (
    <div class="terminal-keys" role="toolbar" aria-label="Keys">
      <button
        type="button"
        class="terminal-key"
        aria-pressed={shell.control.value}
        onPointerDown={keepFocus}
        onClick={() => (shell.control.value = !shell.control.value)}
      >
        Ctrl
      </button>
      {KEYS.map(({ key, name, shown }) => (
        <button
          key={key}
          type="button"
          class="terminal-key"
          aria-label={name}
          onPointerDown={keepFocus}
          onClick={() => shell.press(key)}
        >
          {shown}
        </button>
      ))}
      <button
        type="button"
        class="terminal-key"
        onPointerDown={keepFocus}
        onClick={() =>
          void navigator.clipboard.readText().then(
            (text) => shell.paste(text),
            () => shell.focus(),
          )
        }
      >
        Paste
      </button>
    </div>
  );
}

/** The keyboard of a phone goes away when the terminal loses the focus. */
function keepFocus(event: PointerEvent): void {
  event.preventDefault();
}
