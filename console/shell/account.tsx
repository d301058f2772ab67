import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { CcDockerError } from '../../client/main.ts';
import { SafeText } from '../safe/safe-text.tsx';
import { signOut, who } from '../service/sign-in.ts';
import { Button } from '../ui/button.tsx';
import { Icon, type IconName } from '../ui/icon.tsx';
import { Popover } from '../ui/popover.tsx';
import { toast } from '../ui/toast.tsx';
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
          <Who />
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
          <SignOut />
        </>
      )}
    </Popover>
  );
}

/** Who is signed in, and until when. */
function Who() {
  const session = who.value;
  if (session === null) return null;
  return (
    <p class="frame-account-who">
      <strong>
        <SafeText text={session.name ?? session.sub} line max={80} />
      </strong>
      <span>
        Signed in until <time dateTime={session.expires_at}>{new Date(session.expires_at).toLocaleString()}</time>
      </span>
    </p>
  );
}

function SignOut() {
  const [isBusy, setBusy] = useState(false);
  const leave = async () => {
    setBusy(true);
    try {
      await signOut();
    } catch (error) {
      if (!(error instanceof CcDockerError)) throw error;
      setBusy(false);
      toast(`You are still signed in: ${error.detail}`, 'bad');
    }
  };
  return (
    <Button kind="quiet" icon="sign-out" busy={isBusy} onClick={() => void leave()}>
      Sign out
    </Button>
  );
}
