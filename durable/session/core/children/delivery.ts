import { Webhook } from 'standardwebhooks';

/**
 * How a webhook is signed, when it is tried again, and when it is given up. Follows standardwebhooks.com where that has
 * a rule.
 */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/**
 * Waits between one failed try and the next, milliseconds. After the last wait, one more try is made and then no more.
 */
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

/**
 * Each wait is made longer or shorter by up to this part of it, so that posts that failed together are not retried
 * together.
 */
const JITTER = 0.1;
/** Longest `Retry-After` of a receiver that is respected, milliseconds. */
export const MAX_RETRY_AFTER_MS = 12 * HOUR;

/** Longest body, UTF-16 units. Many servers accept at most a megabyte, and one unit can take up to six bytes. */
export const MAX_BODY_UNITS = 150_000;

const SECRET = /^whsec_((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?)$/;

/** The outcome of one post: the answer's status, or why there was no answer. */
export type PostOutcome =
  { readonly status: number; readonly retry_after: string | null } | { readonly status: null; readonly why: string };

export type Verdict =
  | { readonly is: 'delivered' }
  | { readonly is: 'again'; readonly at: number }
  /** `all`: the receiver wants no other posts either, so all that wait for it are dropped. */
  | { readonly is: 'given_up'; readonly detail: string; readonly all: boolean };

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
  return new Webhook(key, { format: 'raw' }).sign(id, new Date(timestamp * SECOND), body);
}

/**
 * The body that is posted for an event. If a `result` makes it too long, the result is cut and `result_cut` is set. The
 * child's message has the whole result.
 *
 * @param time of the event, epoch milliseconds
 */
export function deliveryBody(type: string, time: number, data: Readonly<Record<string, unknown>>): string {
  const write = (written: object) => JSON.stringify({ type, timestamp: new Date(time).toISOString(), data: written });
  const whole = write(data);
  const { result } = data;
  if (whole.length <= MAX_BODY_UNITS || typeof result !== 'string') return whole;
  // One unit can take up to six once JSON has escaped it, so this may have to cut more than once.
  const without = write({ ...data, result: '', result_cut: true }).length;
  let kept = result.slice(0, Math.max(0, MAX_BODY_UNITS - without));
  while (JSON.stringify(kept).length - 2 + without > MAX_BODY_UNITS) kept = kept.slice(0, Math.floor(kept.length / 2));
  return write({ ...data, result: kept.toWellFormed(), result_cut: true });
}

/**
 * Decides after a try: delivered, to be tried again, or given up. 410 Gone ends all posts to this receiver.
 * `Retry-After` of a 429 or 503 can make a wait longer, never shorter.
 *
 * @param attempts tries so far, this one included
 * @param now epoch milliseconds
 * @param jitter random, from -1 to 1
 */
export function judge(outcome: PostOutcome, attempts: number, now: number, jitter: number): Verdict {
  const { status } = outcome;
  if (status !== null && status >= 200 && status < 300) return { is: 'delivered' };
  const detail = describeFailure(outcome);
  if (status === 410) return { is: 'given_up', detail, all: true };
  const wait = SCHEDULE_MS[attempts - 1];
  if (wait === undefined) return { is: 'given_up', detail, all: false };
  const requested = status === 429 || status === 503 ? retryAfterMs(outcome.retry_after, now) : 0;
  const jittered = Math.round(wait * (1 + JITTER * jitter));
  return { is: 'again', at: now + Math.max(jittered, Math.min(requested, MAX_RETRY_AFTER_MS)) };
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

/**
 * Reads `Retry-After`: a number of seconds, or a date (RFC 9110, 10.2.3). Returns milliseconds; 0 if it is missing or
 * unreadable.
 */
function retryAfterMs(header: string | null, now: number): number {
  if (header === null) return 0;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * SECOND;
  const date = Date.parse(header);
  return Number.isNaN(date) ? 0 : date - now;
}

/** A post that was given up. */
export interface Undelivered {
  readonly url: string;
  /** How many tries were made. All failed. */
  readonly attempts: number;
  readonly detail: string;
}
