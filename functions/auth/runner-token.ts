import { decodeJwt, errors, jwtVerify } from 'jose';
import type { z } from 'zod';
import type { Refusal } from '../../protocol/api/problem.ts';
import type { KeySettings } from '../../protocol/token-keys.ts';
import { LEEWAY_SECONDS, runnerClaims, runnerCodeClaims, TokenType } from '../../protocol/token.ts';
import { algorithmOf, bearerOf, claimsOf, invalid, OTHER_KIND, refusalOf, verify, type Verified } from './token.ts';

const HOW = 'Make one with `npm run --silent token -- --kind runner --sub NAME`, and set it as RUNNER_TOKEN.';

/** Checks a code with which a runner enrols. */
export async function verifyRunnerCode(
  authorization: string | undefined,
  settings: KeySettings,
): Promise<Verified<z.infer<typeof runnerCodeClaims>>> {
  const verified = await verify(authorization, settings, 'runner-code', runnerCodeClaims);
  if (!('refused' in verified)) return verified;
  const why = {
    token_missing: 'A runner enrols with a code.',
    token_expired: 'The code has expired.',
    token_invalid: 'This is no code that this service has made for a runner.',
  };
  const { refused } = verified;
  return refused in why ? { refused, detail: `${why[refused as keyof typeof why]} ${HOW}` } : verified;
}

/**
 * Checks a runner's token, which it has signed with its own key.
 *
 * @param keyOf the public key of a runner that has enrolled
 */
export async function verifyRunner(
  authorization: string | undefined,
  keyOf: (name: string) => Promise<string | null>,
): Promise<Verified<z.infer<typeof runnerClaims>>> {
  const bearer = bearerOf(authorization);
  if ('refused' in bearer) return bearer;
  const name = nameIn(bearer.token);
  if (typeof name !== 'string') return name;
  const x = await keyOf(name);
  if (x === null) return unknownKey(name);
  try {
    const key = await crypto.subtle.importKey('jwk', { kty: 'OKP', crv: 'Ed25519', x }, 'Ed25519', false, ['verify']);
    const options = { algorithms: ['EdDSA'], typ: TokenType.runner, clockTolerance: LEEWAY_SECONDS };
    const { payload } = await jwtVerify(bearer.token, key, options);
    return claimsOf({ payload }, runnerClaims);
  } catch (error) {
    if (error instanceof errors.JWSSignatureVerificationFailed) return unknownKey(name);
    if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'typ') return OTHER_KIND;
    return refusalOf(error);
  }
}

/** The runner that a token is said to be of. Its key then says whether that is so. */
function nameIn(token: string): string | Refusal {
  if (algorithmOf(token) !== 'EdDSA') return NOT_A_RUNNERS;
  try {
    return runnerClaims.shape.sub.safeParse(decodeJwt(token).sub).data ?? NOT_A_RUNNERS;
  } catch (error) {
    if (error instanceof errors.JOSEError) return NOT_A_RUNNERS;
    throw error;
  }
}

const NOT_A_RUNNERS = invalid('It is not a token that a runner has signed.');

const unknownKey = (name: string): Refusal => ({
  refused: 'runner_unknown',
  detail: `The runner "${name}" has not enrolled here with its present key: it has to enrol again, with a code. ${HOW}`,
});
