import { signingKey, type KeySettings } from '../../protocol/token-keys.ts';
import { Recent } from '../recent.ts';

/** Owners whose hashes are remembered. */
const MOST = 10_000;
/** Hexadecimal digits of a hash: enough to tell owners apart. */
const DIGITS = 16;

/** By settings, which a process reads once. */
const known = new WeakMap<KeySettings, Recent<string>>();

/** The hash of an owner, if it was made before; undefined: it has to be made. */
export function knownHash(settings: KeySettings, owner: string): string | undefined {
  return known.get(settings)?.get(owner);
}

/**
 * An owner's name in a log: the same for the same owner, and nobody without the service's secret can find out whose it is,
 * not even by trying names.
 */
export async function ownerHash(settings: KeySettings, owner: string): Promise<string> {
  const before = knownHash(settings, owner);
  if (before !== undefined) return before;
  const signed = await crypto.subtle.sign(
    'HMAC',
    await signingKey(settings, 'owner-hash'),
    new TextEncoder().encode(owner),
  );
  const hash = [...new Uint8Array(signed)]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('')
    .slice(0, DIGITS);
  const hashes = known.get(settings) ?? new Recent<string>(MOST);
  known.set(settings, hashes);
  hashes.set(owner, hash);
  return hash;
}
