import { signal } from '@preact/signals';
import { Dialog } from '../ui/dialog.tsx';
import { shortcutGroups } from './shortcuts.ts';

/** Whether the help is open. */
export const helpIsOpen = signal(false);

/** What the keys do on this page. */
export function KeyboardHelp() {
  return (
    <Dialog title="Keyboard" open={helpIsOpen.value} onClose={close}>
      {shortcutGroups.value.map(({ title, shortcuts }) => (
        <section key={title} class="frame-help">
          <h3>{title}</h3>
          <dl>
            {shortcuts.map(({ keys, what }) => (
              <div key={keys}>
                <dt>
                  <kbd>{keys}</kbd>
                </dt>
                <dd>{what}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </Dialog>
  );
}

function close(): void {
  helpIsOpen.value = false;
}
