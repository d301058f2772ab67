import { signal } from '@preact/signals';
import { registerWorker } from './register.ts';

/** How often an open page asks whether there is a new version, at most, milliseconds. */
const ASK_MS = 3_600_000;

/** The worker of a new version, which waits until the pages of this one are gone; null: this is the newest. */
export const newVersion = signal<ServiceWorker | null>(null);

/** The worker of this page, once it is there; null: this browser has none. */
export const registration: Promise<ServiceWorkerRegistration | null> = registerWorker();

/** Follows what the worker says: which page to open, and that there is a new version. @param go opens a page of the console */
export async function followWorker(go: (path: string) => void): Promise<void> {
  const found = await registration;
  if (found === null) return;
  navigator.serviceWorker.addEventListener('message', ({ data }: MessageEvent<{ readonly open?: string }>) => {
    if (data.open !== undefined) go(data.open);
  });
  noteWaiting(found);
  found.addEventListener('updatefound', () => {
    found.installing?.addEventListener('statechange', () => noteWaiting(found));
  });
  let asked = Date.now();
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState !== 'visible' || Date.now() - asked < ASK_MS) return;
    asked = Date.now();
    // Offline it cannot know; the next time it asks again.
    found.update().catch(() => undefined);
  });
}

function noteWaiting({ waiting }: ServiceWorkerRegistration): void {
  // The very first one waits for nobody.
  newVersion.value = navigator.serviceWorker.controller === null ? null : waiting;
}

/** Loads this page anew, in the new version. */
export function loadNewVersion(): void {
  const next = newVersion.value;
  if (next === null) return;
  navigator.serviceWorker.addEventListener('controllerchange', () => location.reload(), { once: true });
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker has one origin, and takes none
  next.postMessage('take over');
}
