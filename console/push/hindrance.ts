/** Why this browser cannot be notified. */
export type Hindrance =
  /** Neither https nor this very machine. */
  | 'not secure'
  /** An iPhone or iPad, where only what is on the Home Screen can. */
  | 'not installed'
  /** The browser has no push. */
  | 'no push'
  /** The person has denied it. */
  | 'denied';

/** What of the browser decides it. */
export interface Abilities {
  readonly isSecure: boolean;
  readonly hasPush: boolean;
  readonly isApplePhone: boolean;
  readonly isInstalled: boolean;
  /** `Notification.permission`; null: there is none. */
  readonly permission: string | null;
}

/** @returns null: it can be */
export function hindranceOf({ isSecure, hasPush, isApplePhone, isInstalled, permission }: Abilities): Hindrance | null {
  if (!isSecure) return 'not secure';
  if (isApplePhone && !isInstalled) return 'not installed';
  if (!hasPush || permission === null) return 'no push';
  return permission === 'denied' ? 'denied' : null;
}

const BROWSERS: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/\bEdgA?\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\bFirefox\//, 'Firefox'],
  [/Chrome\/|\bCriOS\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
];
const SYSTEMS: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/iPhone/, 'iPhone'],
  [/iPad/, 'iPad'],
  [/Android/, 'Android'],
  [/Mac OS X/, 'Mac'],
  [/Windows/, 'Windows'],
  [/Linux|X11/, 'Linux'],
];

/** What a device is called until its owner says otherwise: `Firefox on Android`. @param userAgent `navigator.userAgent` */
export function deviceName(userAgent: string): string {
  const [browser, system] = [BROWSERS, SYSTEMS].map((names) => names.find(([pattern]) => pattern.test(userAgent))?.[1]);
  return [browser ?? 'A browser', ...(system === undefined ? [] : [`on ${system}`])].join(' ');
}
