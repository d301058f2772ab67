import type { PushMessage } from '../../../protocol/api/push.ts';
import type { EdgeSettings } from '../../../protocol/settings/edge-settings.ts';
import type { PostRequest } from '../webhooks/post-types.ts';
import type { Receiver } from '../webhooks/receiver.ts';
import { encrypt, newMessageKeys } from './encrypt.ts';

/** A push message, and how the push service is to treat it (RFC 8030). */
export interface Push {
  readonly message: PushMessage;
  /** How long it is kept for a device that is away, seconds. */
  readonly ttl: number;
  readonly urgency: 'low' | 'normal' | 'high';
  readonly topic: string | null;
}

/** Signs for a push service: the gate (`durable/gate/vapid.ts`). */
export interface Signer {
  vapidAuthorization(audience: string, subject: string | null): Promise<string>;
}

/** Whom the operator of a push service can reach. */
type Reachable = Pick<EdgeSettings, 'PUSH_SUBJECT' | 'PUBLIC_URL'>;

/** The request that sends a push message to a device. @throws when it cannot be signed now */
export async function pushRequest(
  receiver: Receiver,
  { message, ttl, urgency, topic }: Push,
  signer: Signer,
  settings: Reachable,
): Promise<PostRequest> {
  const { url, keys } = receiver;
  if (keys === undefined) throw new Error('a device has no keys');
  const authorization = await signer.vapidAuthorization(new URL(url).origin, subjectOf(receiver, settings));
  const body = await encrypt(JSON.stringify(message), keys, await newMessageKeys());
  const headers = {
    authorization,
    'content-type': 'application/octet-stream',
    'content-encoding': 'aes128gcm',
    ttl: String(ttl),
    urgency,
    ...(topic !== null && { topic }),
  };
  return { url, headers, body };
}

/**
 * Apple takes no push without a subject. Where none is set, it is the console's own address: a device that is no laptop has come by
 * https. Over http there is none, and browsers on this very machine need none.
 */
function subjectOf({ origin }: Receiver, { PUSH_SUBJECT, PUBLIC_URL }: Reachable): string | null {
  if (PUSH_SUBJECT !== undefined) return PUSH_SUBJECT;
  return [PUBLIC_URL, origin].find((one) => one?.startsWith('https://')) ?? null;
}
