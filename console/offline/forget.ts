import { endPush } from '../push/device.ts';

/** Somebody signs out: this device shows nothing of theirs any more, nor is anything pushed to it. */
export async function forgetDevice(): Promise<void> {
  await endPush();
  const registration = await navigator.serviceWorker?.getRegistration();
  for (const shown of (await registration?.getNotifications()) ?? []) shown.close();
  if ('clearAppBadge' in navigator) await navigator.clearAppBadge();
}
