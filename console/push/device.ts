import { signal } from '@preact/signals';
import { unwrap, type PushKind } from '../../client/main.ts';
import { cc } from '../service/service.ts';
import { who } from '../service/sign-in.ts';
import { registration } from '../worker-client/update.ts';
import { deviceName, hindranceOf, type Hindrance } from './hindrance.ts';

/** Whether this device is notified; `unknown`: it is not known yet. */
export type DeviceState = 'unknown' | 'on' | 'off' | Hindrance;

export const deviceState = signal<DeviceState>('unknown');

/** What is kept in this browser of its subscription. */
interface Kept {
  /** By which the service knows it. */
  readonly id: string;
  /** Whose sessions it hears of. */
  readonly sub: string;
}

const KEY = 'cc-docker.push';

/** By which the service knows this device; null: it is not notified. */
export function deviceId(): string | null {
  return kept()?.id ?? null;
}

/** Looks whether this device is notified, and tells the service that it still is there. Called when the console opens. */
export async function checkDevice(): Promise<void> {
  const hindrance = hindranceOf(abilities());
  const known = kept();
  if (hindrance !== null || known === null || Notification.permission !== 'granted') {
    deviceState.value = hindrance ?? 'off';
    return;
  }
  if (known.sub !== who.value?.sub) {
    // Somebody else was signed in to this browser. Whoever is signed in now must hear nothing of their sessions.
    await endPush();
    deviceState.value = 'off';
    return;
  }
  await announce(known, {});
}

/** Has this device notified. The browser asks the person first. @throws when the push service or the service refuses */
export async function turnOn(): Promise<void> {
  await Notification.requestPermission();
  const hindrance = hindranceOf(abilities());
  const sub = who.value?.sub;
  if (hindrance !== null || Notification.permission !== 'granted' || sub === undefined) {
    deviceState.value = hindrance ?? 'off';
    return;
  }
  const known = kept() ?? { id: crypto.randomUUID(), sub };
  await announce(known, { label: deviceName(navigator.userAgent) });
}

/** Has this device notified no more. */
export async function turnOff(): Promise<void> {
  await endPush();
  deviceState.value = 'off';
}

/** Of what this device hears. */
export async function choose(what: PushKind[]): Promise<void> {
  const known = kept();
  if (known !== null) await announce(known, { what });
}

/** Ends this browser's subscription, at the service too if that can be reached. Without it, the push service says that it has ended. */
export async function endPush(): Promise<void> {
  const known = kept();
  if (known === null) return;
  localStorage.removeItem(KEY);
  const subscription = await (await registration)?.pushManager.getSubscription();
  await subscription?.unsubscribe();
  if (known.sub !== who.value?.sub) return;
  // It may be removed already, or the service away.
  await cc.api.DELETE('/api/v1/push/subscriptions/{id}', { params: { path: { id: known.id } } }).catch(() => undefined);
}

async function announce(known: Kept, more: { readonly what?: PushKind[]; readonly label?: string }): Promise<void> {
  const found = await registration;
  if (found === null) return;
  const { public_key } = await unwrap(cc.api.GET('/api/v1/push'));
  const { endpoint, keys, expirationTime } = (await subscriptionFor(found.pushManager, public_key)).toJSON();
  const { p256dh, auth } = keys ?? {};
  if (endpoint === undefined || p256dh === undefined || auth === undefined)
    throw new Error('a subscription has no keys');
  const params = { path: { id: known.id } };
  const body = { endpoint, keys: { p256dh, auth }, expirationTime: expirationTime ?? null, ...more };
  await unwrap(cc.api.PUT('/api/v1/push/subscriptions/{id}', { params, body }));
  localStorage.setItem(KEY, JSON.stringify(known));
  deviceState.value = 'on';
}

/** This browser's subscription to the service with this key; another one's is of no use. */
async function subscriptionFor(manager: PushManager, publicKey: string): Promise<PushSubscription> {
  const present = await manager.getSubscription();
  if (present !== null && keyOf(present) === publicKey) return present;
  await present?.unsubscribe();
  return await manager.subscribe({ userVisibleOnly: true, applicationServerKey: publicKey });
}

function keyOf({ options }: PushSubscription): string {
  const bytes = new Uint8Array(options.applicationServerKey ?? new ArrayBuffer());
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

function kept(): Kept | null {
  const text = localStorage.getItem(KEY);
  return text === null ? null : (JSON.parse(text) as Kept);
}

function abilities() {
  return {
    isSecure: isSecureContext,
    hasPush: 'serviceWorker' in navigator && 'PushManager' in globalThis,
    // An iPad says that it is a Mac, but is touched.
    isApplePhone:
      /iPhone|iPad/.test(navigator.userAgent) || (/Mac/.test(navigator.userAgent) && navigator.maxTouchPoints > 1),
    isInstalled: matchMedia('(display-mode: standalone)').matches,
    permission: 'Notification' in globalThis ? Notification.permission : null,
  };
}
