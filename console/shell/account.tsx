import type { ComponentChildren } from 'preact';
import { Button } from '../ui/button.tsx';
import { Icon, type IconName } from '../ui/icon.tsx';
import { Popover } from '../ui/popover.tsx';
import { helpIsOpen } from './keyboard-help.tsx';
import { theme, type Theme } from './theme.ts';

const THEMES: readonly { readonly value: Theme; readonly label: string; readonly icon: IconName }[] = [
  { value: 'system', label: 'System', icon: 'system' },
  { value: 'light', label: 'Light', icon: 'sun' },
  { value: 'dark', label: 'Dark', icon: 'moon' },
];

/** Who is signed in, and what is kept for this browser. */
export function Account({ children }: { readonly children: ComponentChildren }) {
  return (
    <Popover label="Account" button={children} buttonClass="frame-link" class="frame-account">
      {(close) => (
        <>
          <fieldset class="frame-themes">
            <legend>Theme</legend>
            <div class="frame-themes-row">
              {THEMES.map(({ value, label, icon }) => (
                <label key={value} class="frame-theme">
                  <input
                    type="radio"
                    name="theme"
                    value={value}
                    checked={theme.value === value}
                    onChange={() => {
                      theme.value = value;
                    }}
                  />
                  <Icon name={icon} />
                  {label}
                </label>
              ))}
            </div>
          </fieldset>
          <Button kind="quiet" icon="bell" href="/notifications" onClick={close}>
            Notifications
          </Button>
          <Button
            kind="quiet"
            icon="keyboard"
            onClick={() => {
              close();
              helpIsOpen.value = true;
            }}
          >
            Keyboard
          </Button>
        </>
      )}
    </Popover>
  );
}
