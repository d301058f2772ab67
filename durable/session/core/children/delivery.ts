import { Webhook } from 'standardwebhooks';

/** How a webhook is signed, when it is tried again, and when it is given up. As standardwebhooks.com says, where it says something. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** From each failed try to the next one, milliseconds; after the last there is none. */
export const SCHEDULE_MS = [
  5 * SECOND,
  30 * SECOND,
  2 * MINUTE,
  10 * MINUTE,
  30 * MINUTE,
  HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
] as const;

/** Part of a wait by which it is made longer or shorter, so that what failed together does not come back together. */
const JITTER = 0.1;
/** The longest that a receiver may ask to be left alone, milliseconds. */
export const MAX_RETRY_AFTER_MS = 12 * HOUR;

/** UTF-16 units of a body. Many servers take no more than a megabyte, and here one may take up to six bytes. */
export const MAX_BODY_UNITS = 150_000;

const SECRET = /^whsec_((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?)$/;

/** What came of one post: an answer, or why there was none. */
export type PostOutcome =
  { readonly status: number; readonly retry_after: string | null } | { readonly status: null; readonly why: string };

export type Verdict =
  | { readonly is: 'delivered' }
  | { readonly is: 'again'; readonly at: number }
  /** `all`: what else waits for the receiver is not wanted either. */
  | { readonly is: 'given_up'; readonly detail: string; readonly all: boolean };

/** A secret to sign with, of 32 random bytes. */
export function signingSecret(random: Uint8Array): string {
  return `whsec_${btoa(String.fromCharCode(...random))}`;
}

/** The key in a secret; null: it is not `whsec_` and base64. */
export function signingKey(secret: string): Uint8Array | null {
  const [, encoded] = SECRET.exec(secret) ?? [];
  if (encoded === undefined || encoded === '') return null;
  return Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
}

/**
 * The header `webhook-signature`.
 *
 * @param timestamp of this try, seconds
 */
export function signature(key: Uint8Array, id: string, timestamp: number, body: string): string {
  return new Webhook(key, { format: 'raw' }).sign(id, new Date(timestamp * SECOND), body);
}

/**
 * What is posted of an event. A `result` that would make it too long is cut, and `result_cut` says so: the whole is in the
 * child's message.
 *
 * @param time of the event, epoch milliseconds
 */
export function deliveryBody(type: string, time: number, data: Readonly<Record<string, unknown>>): string {
  const write = (written: object) => JSON.stringify({ type, timestamp: new Date(time).toISOString(), data: written });
  const whole = write(data);
  const { result } = data;
  if (whole.length <= MAX_BODY_UNITS || typeof result !== 'string') return whole;
  // Escaped, one unit takes up to six.
  const without = write({ ...data, result: '', result_cut: true }).length;
  let kept = result.slice(0, Math.max(0, MAX_BODY_UNITS - without));
  while (JSON.stringify(kept).length - 2 + without > MAX_BODY_UNITS) kept = kept.slice(0, Math.floor(kept.length / 2));
  return write({ ...data, result: kept.toWellFormed(), result_cut: true });
}

/**
 * What becomes of a delivery.
 *
 * @param attempts tries so far, this one included
 * @param now epoch milliseconds
 * @param jitter from -1 to 1
 */
export function judge(outcome: PostOutcome, attempts: number, now: number, jitter: number): Verdict {
  const { status } = outcome;
  if (status !== null && status >= 200 && status < 300) return { is: 'delivered' };
  const detail = describeFailure(outcome);
  if (status === 410) return { is: 'given_up', detail, all: true };
  const wait = SCHEDULE_MS[attempts - 1];
  if (wait === undefined) return { is: 'given_up', detail, all: false };
  const asked = status === 429 || status === 503 ? retryAfterMs(outcome.retry_after, now) : 0;
  const jittered = Math.round(wait * (1 + JITTER * jitter));
  return { is: 'again', at: now + Math.max(jittered, Math.min(asked, MAX_RETRY_AFTER_MS)) };
}

function describeFailure(outcome: PostOutcome): string {
  if (outcome.status === null) return outcome.why;
  const { status } = outcome;
  if (status === 410) return 'The receiver answered 410 Gone: it wants no more posts.';
  if (status >= 300 && status < 400) {
    return `The receiver answered ${status}: redirects are not followed. Name the URL that it leads to.`;
  }
  return `The receiver answered ${status}.`;
}

/** `Retry-After` is a number of seconds or a date (RFC 9110, 10.2.3). */
function retryAfterMs(header: string | null, now: number): number {
  if (header === null) return 0;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * SECOND;
  const date = Date.parse(header);
  return Number.isNaN(date) ? 0 : date - now;
}

/** A post that nobody will try again. */
export interface Undelivered {
  readonly url: string;
  /** Tries, all of which failed. */
  readonly attempts: number;
  readonly detail: string;
}
