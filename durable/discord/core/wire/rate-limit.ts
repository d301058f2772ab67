/**
 * When a request may go to Discord, by what its answers said: discord.com/developers/docs/topics/rate-limits. No limit is known beforehand,
 * for Discord changes them. Plain data; times are epoch milliseconds.
 */

export interface RateLimits {
  /** Nothing may go before. */
  readonly banned_until: number;
  /** Nothing of the bot's may. */
  readonly closed_until: number;
  /** The bucket that a route counts to, by Discord's name for it. */
  readonly buckets: Readonly<Record<string, string>>;
  /** Of a bucket and a major parameter: what is left until it is full again. */
  readonly left: Readonly<Record<string, { readonly remaining: number; readonly resets_at: number }>>;
}

export const NO_LIMITS: RateLimits = { banned_until: 0, closed_until: 0, buckets: {}, left: {} };

/** What of a request its limits depend on. `path`: below the API's base. */
export interface Limited {
  readonly method: string;
  readonly path: string;
}

export interface LimitedAnswer {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  /** Of its JSON body; null: it has none, so that it may not be Discord who answered. */
  readonly body: { readonly retry_after?: number | undefined; readonly global?: boolean | undefined } | null;
}

/** Whom a limit is of. `edge`: Discord's own front, which bans an address. */
export type LimitScope = 'user' | 'global' | 'shared' | 'edge';

/** Where a 429 does not say for how long. */
const UNSAID_MS = 60_000;
/** The longest that a 429 is believed; the request is tried again then. */
const MAX_WAIT_MS = 3_600_000;

/** When the request may go; at once, if that is not after now. */
export function mayGoAt(limits: RateLimits, request: Limited): number {
  const { key, isFree } = placeOf(limits, request);
  const left = limits.left[key];
  const bucket = left !== undefined && left.remaining < 1 ? left.resets_at : 0;
  return Math.max(bucket, limits.banned_until, isFree ? 0 : limits.closed_until);
}

/** After the request has gone: until its answer is there, it counts. */
export function sent(limits: RateLimits, request: Limited): RateLimits {
  const { key } = placeOf(limits, request);
  const left = limits.left[key];
  if (left === undefined) return limits;
  return { ...limits, left: { ...limits.left, [key]: { ...left, remaining: Math.max(0, left.remaining - 1) } } };
}

/** After its answer. */
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

/** What a 429 says; null: it is none. */
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
  /** In `left`. */
  readonly key: string;
  /** Interactions are not bound to the bot's global limit. */
  readonly isFree: boolean;
}

/** A route is its method and its path without ids; what it is done to (a channel, a server, a webhook with its token) counts apart. */
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
