import { verifyKey } from './verify-key.mjs';

/** How far Discord's timestamp may differ from our clock in either direction, seconds. */
export const MAX_SKEW_SECONDS = 300;

/** Why a request is not Discord's. Only the log says so; the answer says 401 and no more. */
type SignatureFault = 'header_missing' | 'header_malformed' | 'stale' | 'signature_invalid';

export type Verified = { readonly verified: true } | { readonly verified: false; readonly fault: SignatureFault };

export interface SignedRequest {
  readonly headers: { get(name: string): string | null };
  /** The raw bytes: nothing of them may be parsed before the check succeeds. */
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Only one spelling is allowed, so that no two texts mean the same signature. */
const SIGNATURE = /^[0-9a-f]{128}$/;
const TIMESTAMP = /^[1-9]\d{0,11}$/;

/**
 * Checks that Discord has signed the request just now: Ed25519 over the timestamp and the body, byte by byte.
 *
 * @param publicKey `DISCORD_PUBLIC_KEY`
 * @param now epoch milliseconds
 */
export async function verifyDiscord(
  { headers, body }: SignedRequest,
  publicKey: string,
  now: number,
): Promise<Verified> {
  const signature = headers.get('x-signature-ed25519');
  const timestamp = headers.get('x-signature-timestamp');
  if (signature === null || timestamp === null) return no('header_missing');
  if (!SIGNATURE.test(signature) || !TIMESTAMP.test(timestamp)) return no('header_malformed');
  if (Math.abs(now / 1000 - Number(timestamp)) > MAX_SKEW_SECONDS) return no('stale');
  return (await verifyKey(body, signature, timestamp, publicKey)) ? { verified: true } : no('signature_invalid');
}

const no = (fault: SignatureFault): Verified => ({ verified: false, fault });
