import * as z from 'zod';
import { instant } from '../ids.ts';
import type { ResolveRequest } from './session/interaction.ts';
import type { WebhookEventPattern } from './webhook.ts';

/** Web push: word of sessions on people's devices, by the push service of the browser. docs/push.md */

/**
 * What a device hears of. `questions`: what waits for an answer, and that it does no more. `ended`: a message has ended. `failed`: a
 * message or a session failed, or a budget is spent. `notifications`: what an agent says (`notify_user`).
 */
export const pushKind = z.enum(['questions', 'ended', 'failed', 'notifications']);
export type PushKind = z.infer<typeof pushKind>;

/** The events of each kind. */
export const PUSH_EVENTS: Readonly<Record<PushKind, readonly WebhookEventPattern[]>> = {
  questions: ['interaction.*'],
  ended: ['message.completed'],
  failed: ['message.failed', 'session.failed', 'budget.reached'],
  notifications: ['session.notification'],
};

/** Bytes in base64url, as `PushSubscription.toJSON()` writes them; padding is let pass. */
const base64url = (pattern: RegExp, message: string) => z.string().regex(pattern, message);

/** The keys of a subscription, for which messages are encrypted (RFC 8291). */
const pushKeys = z.strictObject({
  /** A point of P-256, not compressed: 65 bytes that begin with 4. */
  p256dh: base64url(/^B[A-P][A-Za-z0-9_-]{85}=?$/, 'must be a point of P-256 in base64url: 65 bytes, not compressed'),
  /** 16 bytes. */
  auth: base64url(/^[A-Za-z0-9_-]{21}[AQgw](?:==)?$/, 'must be 16 bytes in base64url'),
});
export type PushKeys = z.infer<typeof pushKeys>;

/** `PUT /push/subscriptions/{id}`: what `PushSubscription.toJSON()` gives, and what this device shall hear of. */
export const pushSubscriptionRequest = z.strictObject({
  endpoint: z.url({ protocol: /^https$/, error: 'must be an https:// URL' }).max(2048),
  keys: pushKeys,
  /** When the push service ends the subscription, epoch milliseconds; null, or absent: it does not say. */
  expirationTime: z.number().min(0).max(8.64e15).nullable().optional(),
  /** Absent: all. */
  what: z.array(pushKind).min(1).max(8).optional(),
  /** What its owner calls the device, such as "Firefox on Android". */
  label: z.string().trim().min(1).max(100).optional(),
});
export type PushSubscriptionRequest = z.infer<typeof pushSubscriptionRequest>;

/** A device that has not said for so long that it is there hears nothing more, milliseconds. */
export const DEVICE_LIFE_MS = 365 * 86_400_000;

/** The id of a subscription, which the client chooses; the console takes the SHA-256 of the endpoint, in base64url. */
export const pushSubscriptionId = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, - and _');

/** A device that hears of the owner's sessions. Its endpoint and keys are shown to nobody. */
export const pushSubscriptionView = z.object({
  id: z.string(),
  label: z.string().nullable(),
  /** The host of the push service. */
  service: z.string(),
  what: z.array(pushKind),
  created_at: instant,
  /** When the device last said that it is there. After a year without, it hears nothing more. */
  updated_at: instant,
});
export type PushSubscriptionView = z.infer<typeof pushSubscriptionView>;

export const pushSubscriptionList = z.object({
  data: z.array(pushSubscriptionView),
  next_cursor: z.string().nullable(),
});

/** `GET /push`: what a browser needs to subscribe. */
export const pushInfo = z.object({
  /** The service's public key (VAPID, RFC 8292) in base64url, for `applicationServerKey`. */
  public_key: z.string(),
});

/** What came of a test message. */
export const pushTested = z.object({
  /** The push service has taken it. */
  delivered: z.boolean(),
  /** What the push service answered; null: nothing. */
  status: z.int().nullable(),
  /** Why it was not delivered. */
  detail: z.string().nullable(),
});
export type PushTested = z.infer<typeof pushTested>;

/** A button of a notification. */
export interface PushAction {
  readonly label: string;
  /** What answers the question: the body of `…/resolve`. */
  readonly answer: ResolveRequest;
}

/** What a push message says, as JSON: the service worker makes a notification of it (`console/worker/`). */
export interface PushMessage {
  /** `closed`: what was asked is answered, or no longer asked; the notification goes. */
  readonly kind: 'question' | 'closed' | 'ended' | 'failed' | 'notification' | 'test';
  readonly title: string;
  /** May be empty. */
  readonly text: string;
  /** Notifications with the same tag replace each other. It is the message's `Topic` too, where it has one. */
  readonly tag: string;
  /** The page of the console that a tap opens, such as `/sessions/ID#e42`. */
  readonly path: string;
  /** When it happened, epoch milliseconds. */
  readonly time: number;
  readonly session_id?: string;
  /** What is asked, and what answers it with one tap. */
  readonly interaction_id?: string;
  readonly actions?: readonly PushAction[];
}
