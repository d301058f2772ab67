/**
 * When a request may be sent to Discord, by the rate limits in its answers:
 * discord.com/developers/docs/topics/rate-limits. No limit is known in advance, because Discord changes them. Plain
 * data; times are epoch milliseconds.
 */

export interface RateLimits {
  /** Nothing may be sent before. */
  readonly banned_until: number;
  /** Nothing may be sent with the bot's token before. */
  readonly closed_until: number;
  /** The bucket of each route, by Discord's name for it. */
  readonly buckets: Readonly<Record<string, string>>;
  /** For a bucket and a major parameter: the requests that are left before it resets. */
  readonly left: Readonly<Record<string, { readonly remaining: number; readonly resets_at: number }>>;
}

export const NO_LIMITS: RateLimits = { banned_until: 0, closed_until: 0, buckets: {}, left: {} };

/** The part of a request that its limits depend on. `path`: below the API's base URL. */
export interface Limited {
  readonly method: string;
  readonly path: string;
}

export interface LimitedAnswer {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  /** From its JSON body; null: no JSON, so the answer may not be Discord's own. */
  readonly body: { readonly retry_after?: number | undefined; readonly global?: boolean | undefined } | null;
}

/** Who is limited. `edge`: Discord's own front end, which bans an address. */
export type LimitScope = 'user' | 'global' | 'shared' | 'edge';

/** How long a 429 lasts that does not say so, milliseconds. */
const UNSAID_MS = 60_000;
/** A 429 is believed for at most this long, milliseconds. Then the request is tried again. */
const MAX_WAIT_MS = 3_600_000;

/** When the request may be sent, epoch milliseconds. A time in the past means now. */
export function mayGoAt(limits: RateLimits, request: Limited): number {
  const { key, isFree } = placeOf(limits, request);
  const left = limits.left[key];
  const bucket = left !== undefined && left.remaining < 1 ? left.resets_at : 0;
  return Math.max(bucket, limits.banned_until, isFree ? 0 : limits.closed_until);
}

/** Counts a request that is sent and not answered yet. */
export function sent(limits: RateLimits, request: Limited): RateLimits {
  const { key } = placeOf(limits, request);
  const left = limits.left[key];
  if (left === undefined) return limits;
  return { ...limits, left: { ...limits.left, [key]: { ...left, remaining: Math.max(0, left.remaining - 1) } } };
}

/** Takes the limits from an answer. */
export function answered(limits: RateLimits, request: Limited, answer: LimitedAnswer, now: number): RateLimits {
  const { route } = placeOf(limits, request);
  const bucket = answer.headers.get('x-ratelimit-bucket');
  const known = bucket === null ? limits : { ...limits, buckets: { ...limits.buckets, [route]: bucket } };
  const { key } = placeOf(known, request);
  const left = Object.fromEntries(Object.entries(known.left).filter(([, { resets_at }]) => resets_at > now));

  const remaining = number(answer.headers.get('x-ratelimit-remaining'));
  const resetAfter = number(answer.headers.get('x-ratelimit-reset-after'));
  if (remaining !== null && resetAfter !== null)
    left[key] = { remaining, resets_at: now + Math.ceil(resetAfter * 1000) };

  const refusal = refusalOf(answer, now);
  if (refusal === null) return { ...known, left };
  const { scope, until } = refusal;
  if (scope === 'edge') return { ...known, left, banned_until: Math.max(known.banned_until, until) };
  if (scope === 'global') return { ...known, left, closed_until: Math.max(known.closed_until, until) };
  left[key] = { remaining: 0, resets_at: Math.max(left[key]?.resets_at ?? 0, until) };
  return { ...known, left };
}

/** The limit of a 429; null: the answer is not a 429. */
export function refusalOf(
  { status, headers, body }: LimitedAnswer,
  now: number,
): { readonly until: number; readonly scope: LimitScope } | null {
  if (status !== 429) return null;
  const seconds = Math.max(number(headers.get('retry-after')) ?? 0, body?.retry_after ?? 0);
  const wait = seconds > 0 ? Math.min(Math.ceil(seconds * 1000), MAX_WAIT_MS) : UNSAID_MS;
  return { until: now + wait, scope: scopeOf(headers, body) };
}

function scopeOf(headers: LimitedAnswer['headers'], body: LimitedAnswer['body']): LimitScope {
  const scope = headers.get('x-ratelimit-scope');
  if (scope === 'global' || headers.get('x-ratelimit-global') === 'true' || body?.global === true) return 'global';
  if (scope === 'shared') return 'shared';
  return body === null ? 'edge' : 'user';
}

interface Place {
  readonly route: string;
  /** The key in `left`. */
  readonly key: string;
  /** The bot's global limit does not cover interactions. */
  readonly isFree: boolean;
}

/**
 * A route is a method and a path without ids. Its major parameter (a channel, a server, or a webhook with its token)
 * counts separately.
 */
function placeOf(limits: RateLimits, { method, path }: Limited): Place {
  const [, resource = '', id = '', ...rest] = path.replace(/\?.*$/, '').split('/');
  const hasToken = resource === 'webhooks' || resource === 'interactions';
  const [token = '', ...beyond] = hasToken ? rest : ['', ...rest];
  const isMajor = hasToken || resource === 'channels' || resource === 'guilds';
  const shape = beyond.map((part) => (/^(?:\d+|@original)$/.test(part) ? ':id' : part));
  const route = [method, resource, isMajor || !/^\d+$/.test(id) ? (isMajor ? ':major' : id) : ':id', ...shape].join(
    '/',
  );
  const major = isMajor ? `${id}/${token}` : '';
  return { route, key: `${limits.buckets[route] ?? route} ${major}`, isFree: hasToken };
}

function number(text: string | null): number | null {
  if (text === null || text.trim() === '') return null;
  const value = Number(text);
  return Number.isFinite(value) && value >= 0 ? value : null;
}
