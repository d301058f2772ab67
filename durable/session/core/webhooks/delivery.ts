import type { PostOutcome } from '../../../shared/webhooks/post-types.ts';

/**
 * When a post is tried again, and when it is given up. Follows standardwebhooks.com where that has a rule.
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
/** Statuses of the class 4xx that say nothing of the request: too slow, too early, too many. */
const PASSING: readonly number[] = [408, 425, 429];
/** Statuses with which a receiver says that it is there no more. */
const GONE: Readonly<Record<Takes, readonly number[]>> = { standard: [410], chat: [410], push: [404, 410] };
/** Longest `Retry-After` of a receiver that is respected, milliseconds. */
export const MAX_RETRY_AFTER_MS = 12 * HOUR;

/**
 * What kind of receiver it is: a server of its owner's; Slack, ntfy or Telegram; or the push service of a browser (RFC 8030). What
 * the last two answer with 4xx they will not take later either.
 */
export type Takes = 'standard' | 'chat' | 'push';

export type Verdict =
  | { readonly is: 'delivered' }
  | { readonly is: 'again'; readonly at: number; readonly detail: string }
  /** `all`: the receiver wants no other posts either, so all that wait for it are dropped. */
  | { readonly is: 'given_up'; readonly detail: string; readonly all: boolean };

/**
 * Decides after a try: delivered, to be tried again, or given up. 410 Gone ends all posts to this receiver, and 404 those to a
 * device: its subscription has ended (RFC 8030, 7.3).
 * `Retry-After` of a 429 or 503 can make a wait longer, never shorter.
 *
 * @param attempts tries so far, this one included
 * @param now epoch milliseconds
 * @param jitter random, from -1 to 1
 */
export function judge(
  outcome: PostOutcome,
  attempts: number,
  now: number,
  jitter: number,
  takes: Takes = 'standard',
): Verdict {
  const { status } = outcome;
  if (status !== null && status >= 200 && status < 300) return { is: 'delivered' };
  const detail = describeFailure(outcome);
  if (status !== null && GONE[takes].includes(status)) return { is: 'given_up', detail, all: true };
  const wait = SCHEDULE_MS[attempts - 1];
  const isFinal = takes !== 'standard' && status !== null && status >= 400 && status < 500 && !PASSING.includes(status);
  if (wait === undefined || isFinal) return { is: 'given_up', detail, all: false };
  const requested = status === 429 || status === 503 ? retryAfterMs(outcome.retry_after, now) : 0;
  const jittered = Math.round(wait * (1 + JITTER * jitter));
  return { is: 'again', at: now + Math.max(jittered, Math.min(requested, MAX_RETRY_AFTER_MS)), detail };
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
