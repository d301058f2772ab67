import { Webhook } from 'standardwebhooks';

/** How a webhook's posts are signed: as standardwebhooks.com says. */

const SECRET = /^whsec_((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?)$/;

/** A new signing secret. @param random its key: 32 random bytes */
export function signingSecret(random: Uint8Array): string {
  return `whsec_${btoa(String.fromCharCode(...random))}`;
}

/** The key in a secret; null: the secret is not `whsec_` and base64. */
export function signingKey(secret: string): Uint8Array | null {
  const [, encoded] = SECRET.exec(secret) ?? [];
  if (encoded === undefined || encoded === '') return null;
  return Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
}

/**
 * The value of the header `webhook-signature`.
 *
 * @param timestamp of this try, seconds since the epoch
 */
export function signature(key: Uint8Array, id: string, timestamp: number, body: string): string {
  return new Webhook(key, { format: 'raw' }).sign(id, new Date(timestamp * 1000), body);
}
