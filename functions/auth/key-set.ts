import {
  createRemoteJWKSet,
  errors,
  jwksCache,
  jwtVerify,
  type JWKSCacheInput,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
} from 'jose';
import type { Refusal } from '../../protocol/api/problem.ts';
import { LEEWAY_SECONDS, TokenType } from '../../protocol/token.ts';
import { refusalOf, type Signed } from './token.ts';

/** What keys of a key set may sign with. HS256 is not one: its keys are secrets, and a key set is public. */
const ASYMMETRIC = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' ');

/** Whether tokens of this algorithm are checked with the key set. */
export const isAsymmetric = (algorithm: string | null) => algorithm !== null && ASYMMETRIC.includes(algorithm);

/** After the key set could not be had, milliseconds until it is asked for again: strangers' tokens must not make us hammer it. */
const PAUSE_MS = 5_000;

/** The key set could not be had: this says nothing of the token. */
class Unreachable extends Error {}

interface KeySet {
  readonly key: JWTVerifyGetKey;
  /** The set as it was last read: another object each time. */
  readonly last: () => object | undefined;
  /** It was read within the time for which its keys are kept. */
  readonly isFresh: () => boolean;
  /** When it could last not be had, epoch milliseconds. */
  failed: number;
}

/** By URL, for as long as this runs: jose keeps the keys for ten minutes, and asks for an unknown one at most every 30 s. */
const keySets = new Map<string, KeySet>();

/** Checks a token that a key of the set at `url` has to have signed. */
export async function signedByKeySet(
  token: string,
  url: string,
  expected: Pick<JWTVerifyOptions, 'issuer' | 'audience'>,
): Promise<Signed | Refusal> {
  const options = { ...expected, algorithms: ASYMMETRIC, clockTolerance: LEEWAY_SECONDS };
  const { key, last, isFresh } = keySet(url);
  const before = last();
  try {
    const { payload, protectedHeader } = await jwtVerify(token, key, options);
    // Was the set read meanwhile, it is not known which of the two the key was in.
    const holds = () => before !== undefined && last() === before && isFresh();
    return { payload, typ: protectedHeader.typ ?? TokenType.user, holds };
  } catch (error) {
    if (!(error instanceof Unreachable)) return refusalOf(error);
    const detail = 'The keys that sign the tokens cannot be had just now (JWT_JWKS_URL). Try again in a few seconds.';
    return { refused: 'keys_unavailable', detail };
  }
}

function keySet(url: string): KeySet {
  const known = keySets.get(url);
  if (known !== undefined) return known;
  const cache: JWKSCacheInput = {};
  const remote = createRemoteJWKSet(new URL(url), { [jwksCache]: cache });
  const made: KeySet = {
    failed: 0,
    last: () => cache.jwks,
    isFresh: () => remote.fresh,
    key: async (header, jws) => {
      if (!remote.fresh && Date.now() < made.failed + PAUSE_MS) throw new Unreachable();
      try {
        return await remote(header, jws);
      } catch (error) {
        if (isOfToken(error)) throw error;
        made.failed = Date.now();
        console.error(`tokens: the key set at ${url} cannot be had: ${String(error)}`);
        throw new Unreachable();
      }
    },
  };
  keySets.set(url, made);
  return made;
}

/** The set was read, and has no key that fits the token. */
function isOfToken(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  );
}
