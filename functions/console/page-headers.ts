import type { Context } from 'hono';
import { previewPlace } from '../../protocol/preview/host.ts';
import type { AppEnv } from '../app-env.ts';
import { reachedAt } from '../auth/browser-cookie.ts';

/**
 * What the console's page may do. Nothing runs but its own files, whatever an agent wrote; nothing of it goes elsewhere; no text becomes code
 * or HTML (Trusted Types, but for the one policy that names its worker's file). Only ports that people share are shown in frames.
 *
 * @param script the hash of the one script that is in the page itself
 * @param previews where they are, such as `http://*.localhost:8000`; null: nowhere
 */
const csp = (script: string, previews: string | null) =>
  [
    "default-src 'none'",
    `script-src 'self' '${script}'`,
    "style-src 'self'",
    "img-src 'self' blob:",
    "connect-src 'self'",
    "worker-src 'self'",
    "manifest-src 'self'",
    `frame-src ${previews ?? "'none'"}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types cc-docker',
  ].join('; ');

/** What of the device the page has no use for, nor anything in its frames. */
const PERMISSIONS = [
  'accelerometer',
  'camera',
  'display-capture',
  'geolocation',
  'gyroscope',
  'hid',
  'magnetometer',
  'microphone',
  'midi',
  'payment',
  'publickey-credentials-get',
  'serial',
  'usb',
]
  .map((feature) => `${feature}=()`)
  .join(', ');

/**
 * The headers of the console's page, beside those that every answer has.
 *
 * @param script the one that is in the page itself, as CSP names it: `sha256-…`
 */
export function pageHeaders(c: Context<AppEnv>, script: string): Record<string, string> {
  const place = previewPlace(c.get('settings'), reachedAt(c).origin);
  return {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': csp(script, place === null ? null : `${place.scheme}//*${place.suffix}`),
    // Another page that opens this one, or is opened by it, has no hold on it.
    'cross-origin-opener-policy': 'same-origin',
    'permissions-policy': PERMISSIONS,
    'cache-control': 'no-cache',
  };
}
