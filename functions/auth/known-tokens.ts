import type { Caller } from '../../durable/rpc/caller.ts';
import type { EdgeSettings } from '../../protocol/settings/edge-settings.ts';
import { Recent } from '../recent.ts';

/** How long a token is remembered, milliseconds. */
const REMEMBERED_MS = 60_000;
/** Tokens that are remembered. Beyond that, those that were checked first go. */
const MAX_TOKENS = 5_000;
/** Longer tokens are checked each time, so that what is remembered takes some 10 MB at most. UTF-16 units. */
const MAX_LENGTH = 2_048;

interface Known {
  readonly caller: Caller;
  /** When it was checked, epoch milliseconds. */
  readonly at: number;
  /** Whether the key that has signed it is still a key. */
  readonly holds: () => boolean;
}

/**
 * By the settings that they were checked with: tokens of another secret, issuer or key set are not known. Then by the tokens
 * themselves. (By their hashes, each call would wait for one. What could read this memory could read the secret in it, too.)
 */
const known = new WeakMap<EdgeSettings, Recent<Known>>();

/**
 * The caller of a token that was found to be good a short time ago and still is; null: it has to be checked. (Whether it was
 * revoked is asked each time: `ifRevoked`.)
 *
 * @param now epoch milliseconds
 */
export function knownCaller(settings: EdgeSettings, token: string, now: number): Caller | null {
  const tokens = known.get(settings);
  const found = tokens?.get(token);
  if (found === undefined) return null;
  const { caller, at, holds } = found;
  // A clock that was set back may find that it is not valid yet.
  if (now >= at && now < Math.min(at + REMEMBERED_MS, caller.expires) && holds()) return caller;
  tokens?.delete(token);
  return null;
}

/** A token was found to be good. @param at when, epoch milliseconds */
export function rememberCaller(settings: EdgeSettings, token: string, found: Known): void {
  if (token.length > MAX_LENGTH) return;
  const tokens = known.get(settings) ?? new Recent<Known>(MAX_TOKENS);
  known.set(settings, tokens);
  tokens.set(token, found);
}
