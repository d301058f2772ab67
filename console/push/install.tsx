import { signal } from '@preact/signals';
import { Button } from '../ui/button.tsx';

/** How a browser offers to install the page as an app: of Chromium, not in TypeScript's library. */
interface InstallOffer extends Event {
  prompt(): Promise<unknown>;
}

/** The browser's offer, which comes once, soon after the page opens; null: none has come. */
const offer = signal<InstallOffer | null>(null);

/** Keeps the browser's offer until somebody wants it. */
export function keepInstallOffer(): void {
  addEventListener('beforeinstallprompt', (event) => {
    event.preventDefault();
    offer.value = event as InstallOffer;
  });
  addEventListener('appinstalled', () => {
    offer.value = null;
  });
}

/** A button where the browser can install the console as an app. */
export function Install() {
  const { value } = offer;
  if (value === null) return null;
  return (
    <div class="notifications-row">
      <Button
        onClick={() => {
          offer.value = null;
          void value.prompt();
        }}
      >
        Install the console as an app
      </Button>
    </div>
  );
}
