import { signingKey, verifyingKeys, type KeySettings } from '../token-keys.ts';

/**
 * The key of a preview: what its URL has besides the host's name. Pages know the name of their host and show it to others
 * (`Origin`, `Referer`); the key they never see. It is made of the name, so that the edge can tell a made-up one without asking anybody.
 */

const encoder = new TextEncoder();
/** Bytes of the MAC that the key shows: 128 bits. */
const KEY_BYTES = 16;

type Signing = Awaited<ReturnType<typeof signingKey>>;

async function keyBy(signing: Signing, label: string): Promise<string> {
  const mac = new Uint8Array(await crypto.subtle.sign('HMAC', signing, encoder.encode(label)));
  return [...mac.subarray(0, KEY_BYTES)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The key of the preview whose host has this label. */
export async function previewKey(settings: KeySettings, label: string): Promise<string> {
  return keyBy(await signingKey(settings, 'preview'), label);
}

/** Whether a key is that of the label; also one that `JWT_SECRET_PREVIOUS` has made. It takes the same time for each wrong one. */
export async function isPreviewKey(settings: KeySettings, label: string, key: string): Promise<boolean> {
  const keys = await Promise.all((await verifyingKeys(settings, 'preview')).map((signing) => keyBy(signing, label)));
  return keys.map((right) => isSame(encoder.encode(right), encoder.encode(key))).includes(true);
}

/** Compares secrets in a time that says nothing of where they differ. */
export function isSame(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  let different = 0;
  for (const [at, byte] of one.entries()) different |= byte ^ (other[at] ?? 0);
  return different === 0;
}
