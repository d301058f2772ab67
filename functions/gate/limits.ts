import type { Context } from 'hono';
import { createMiddleware } from 'hono/factory';
import type { Refusal } from '../../protocol/api/problem.ts';
import { PRICED_BYTES } from '../../protocol/settings/bounds-settings.ts';
import type { AppEnv, CallerEnv } from '../app-env.ts';
import { refuse } from '../refuse.ts';
import { addressOf, networkOf } from './address.ts';
import { paceRefusal } from './pace.ts';
import { knownEmpty, spend, type Spent } from './permits.ts';
import { sharedState } from './shared-state.ts';

type C = Pick<Context<AppEnv>, 'env' | 'req' | 'get'>;

const network = (c: C) => networkOf(addressOf(c));

/** Lets an address make so many requests a minute (`RATE_LIMIT_PER_ADDRESS`), whoever they are of. */
export const withAddressLimit = createMiddleware<AppEnv>(async (c, next) => {
  const over = await overAddressLimit(c);
  return over === null ? next() : refuse(c, over);
});

/** Counts a request of an address. @returns why it may make no more; null: it may */
export async function overAddressLimit(c: C): Promise<Refusal | null> {
  const { RATE_LIMIT_PER_ADDRESS: perMinute } = c.get('settings');
  if (perMinute === 0) return null;
  const key = `address ${network(c)}`;
  const spent = await spend(sharedState(c.env, c.get('settings')).limits, key, perMinute);
  if (spent.passed) return null;
  await paceRefusal(key);
  return limited(spent, 'Your address', perMinute, 'RATE_LIMIT_PER_ADDRESS');
}

/** Lets an owner send bodies, which cost requests of theirs. @param bytes of the body */
export async function overBodyLimit(
  c: Pick<Context<CallerEnv>, 'env' | 'get'>,
  bytes: number,
): Promise<Refusal | null> {
  const { RATE_LIMIT_PER_OWNER: perMinute } = c.get('settings');
  const cost = Math.floor(bytes / PRICED_BYTES);
  if (perMinute === 0 || cost === 0) return null;
  const spent = await spend(sharedState(c.env, c.get('settings')).limits, ownerKey(c), perMinute, cost);
  if (spent.passed) return null;
  await paceRefusal(ownerKey(c));
  return limited(spent, 'You', perMinute, 'RATE_LIMIT_PER_OWNER');
}

const ownerKey = (c: Pick<Context<CallerEnv>, 'get'>) => `owner ${c.get('caller').owner}`;

/** Lets an owner make so many requests a minute (`RATE_LIMIT_PER_OWNER`). Each answer says how many are left. */
export async function overOwnerLimit(c: Pick<Context<CallerEnv>, 'env' | 'get'>): Promise<Refusal | null> {
  const { RATE_LIMIT_PER_OWNER: perMinute } = c.get('settings');
  if (perMinute === 0) return null;
  const spent = await spend(sharedState(c.env, c.get('settings')).limits, ownerKey(c), perMinute);
  Object.assign(c.get('answerHeaders'), {
    'ratelimit-policy': `${perMinute};w=60`,
    'ratelimit-limit': String(perMinute),
    'ratelimit-remaining': String(spent.passed ? spent.remaining : 0),
    'ratelimit-reset': String(spent.passed ? 0 : Math.ceil(spent.retryMs / 1000)),
  });
  if (spent.passed) return null;
  await paceRefusal(ownerKey(c));
  return limited(spent, 'You', perMinute, 'RATE_LIMIT_PER_OWNER');
}

/**
 * A token was refused: so many are, of one address in a minute (`FAILED_TOKENS_PER_ADDRESS`). From then on nobody is told
 * why. Tokens that are good always pass.
 */
export async function overFailedTokens(c: C): Promise<Refusal | null> {
  const { FAILED_TOKENS_PER_ADDRESS: perMinute } = c.get('settings');
  if (perMinute === 0) return null;
  const spent = await spend(sharedState(c.env, c.get('settings')).limits, failedKey(c), perMinute);
  if (spent.passed) return null;
  await paceRefusal(failedKey(c));
  return tooManyFailed(spent.retryMs, perMinute);
}

/** Whether so many tokens of this address were refused that a ticket is not even looked at: that would ask its session. */
export function knownOverFailedTokens(c: C): Refusal | null {
  const { FAILED_TOKENS_PER_ADDRESS: perMinute } = c.get('settings');
  const retryMs = perMinute === 0 ? null : knownEmpty(failedKey(c), perMinute);
  return retryMs === null ? null : tooManyFailed(retryMs, perMinute);
}

const failedKey = (c: C) => `failed ${network(c)}`;

function tooManyFailed(retryMs: number, perMinute: number): Refusal {
  const detail = `More than ${perMinute} tokens a minute of your address were refused (FAILED_TOKENS_PER_ADDRESS). Send a good one, or wait.`;
  return { refused: 'too_many_failed_tokens', detail, retry_after_seconds: retryMs / 1000 };
}

function limited(
  { retryMs }: Extract<Spent, { passed: false }>,
  who: string,
  perMinute: number,
  setting: string,
): Refusal {
  const detail = `${who} may make ${perMinute} requests a minute (${setting}). Come back a little later.`;
  return { refused: 'rate_limited', detail, retry_after_seconds: retryMs / 1000 };
}
