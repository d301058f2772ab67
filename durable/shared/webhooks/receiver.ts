import {
  DEFAULT_WEBHOOK_EVENTS,
  type ShownTarget,
  type WebhookEventPattern,
  type WebhookFormat,
  type WebhookRequest,
} from '../../../protocol/api/webhook.ts';
import type { Refusal } from '../../../protocol/api/problem.ts';
import type { PushKeys } from '../../../protocol/api/push.ts';
import { signingSecret } from './signing.ts';
import { targetRefusal } from './target.ts';

/** As a webhook names it; or `push`: a message to a browser's push service (RFC 8030). */
export type ReceiverFormat = WebhookFormat | 'push';

/** Who gets posts, and how. It holds secrets: only `shownReceiver` may be shown. What is absent was not there in version 0.1. */
export interface Receiver {
  readonly url: string;
  /** Absent: `standard`. */
  readonly format?: ReceiverFormat;
  /** Of the format `standard`: `whsec_`, then the key as base64. */
  readonly secret?: string;
  /** Of the format `ntfy`. */
  readonly token?: string;
  /** Of the format `push`: what messages are encrypted for. */
  readonly keys?: PushKeys;
  /** Absent: the default of its kind. */
  readonly events?: readonly WebhookEventPattern[];
  /** Absent: true. */
  readonly answer_links?: boolean;
  /** The origin at which its owner reached the service: links lead there. Absent: links are not made. */
  readonly origin?: string;
}

/** How a receiver is made of what its owner asked for. */
export interface ReceiverContext {
  /** The path of the request's part, for the refusal, such as `callback.`. */
  readonly path: string;
  /** The origin at which the owner reached the service. */
  readonly origin: string | undefined;
  /** What the operator allows besides public addresses. */
  readonly allow: readonly string[];
  /** 32 random bytes, for a secret that is not named. */
  readonly random: Uint8Array;
}

/** The receiver that a request names, or why it cannot be one. */
export function receiverOf(
  { url, format, secret, token, events, answer_links }: WebhookRequest,
  { path, origin, allow, random }: ReceiverContext,
): { readonly receiver: Receiver; readonly made: string | null } | Refusal {
  const message = targetRefusal(url, secret, allow);
  if (message !== null) {
    const at = `${path}url`;
    return { refused: 'invalid_request', detail: `${at}: ${message}`, errors: [{ path: at, message }] };
  }
  const made = (format ?? 'standard') === 'standard' && secret === undefined ? signingSecret(random) : null;
  const signs = secret ?? made;
  const receiver = {
    url,
    ...(format !== undefined && { format }),
    ...(signs !== null && { secret: signs }),
    ...(token !== undefined && { token }),
    ...(events !== undefined && { events }),
    ...(answer_links !== undefined && { answer_links }),
    ...(origin !== undefined && { origin }),
  };
  return { receiver, made };
}

/** A webhook's receiver without its secrets. @param byDefault its events when it names none */
export function shownReceiver(
  { url, format = 'standard', events, answer_links = true }: Receiver,
  byDefault: readonly WebhookEventPattern[] = DEFAULT_WEBHOOK_EVENTS,
): ShownTarget {
  // (Devices are shown by their directory.)
  if (format === 'push') throw new Error('a device is no webhook');
  return { url: shownUrl(url, format), format, events: [...(events ?? byDefault)], answer_links };
}

/**
 * A receiver's URL for people and logs. Whoever knows the URL of a Slack webhook, an ntfy topic, a Telegram bot or a device may post there, so
 * only its origin is shown; and of any URL, no query.
 */
export function shownUrl(url: string, format: ReceiverFormat = 'standard'): string {
  const { origin, pathname, search } = new URL(url);
  if (format !== 'standard') return `${origin}/…`;
  return search === '' ? url : `${origin}${pathname}?…`;
}

/** Whether a receiver with these events wants one of this type. */
export function wantsEvent(patterns: readonly WebhookEventPattern[], type: string): boolean {
  return patterns.some((pattern) => pattern === '*' || pattern === type || isPrefix(pattern, type));
}

const isPrefix = (pattern: string, type: string) => pattern.endsWith('.*') && type.startsWith(pattern.slice(0, -1));
