import { signingKey, type KeySettings } from '../../protocol/token-keys.ts';
import { Recent } from '../recent.ts';

/** Owners whose hashes are remembered. */
const MOST = 10_000;
/** Hexadecimal digits of a hash: enough to tell owners apart. */
const DIGITS = 16;

const known = new Recent<string>(MOST);

/**
 * An owner's name in a log: the same for the same owner, and nobody without the service's secret can find out whose it is,
 * not even by trying names.
 */
export async function ownerHash(settings: KeySettings, owner: string): Promise<string> {
  const key = `${settings.JWT_SECRET} ${owner}`;
  const before = known.get(key);
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
  known.set(key, hash);
  return hash;
}
