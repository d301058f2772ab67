import { errors, jwtVerify, type JWTPayload } from 'jose';
import type { z } from 'zod';
import type { Refusal } from '../protocol/api/problem.ts';
import {
  runnerClaims,
  SCOPES,
  sessionClaims,
  TokenType,
  UNLIMITED,
  userClaims,
  wordsOfScope,
} from '../protocol/token.ts';
import type { Caller } from './app-env.ts';

const HOW = 'Send `Authorization: Bearer <JWT>`; `npm run --silent token -- --sub NAME` prints one.';

const invalid = (why: string): Refusal => ({ refused: 'token_invalid', detail: `${why} ${HOW}` });

type Verified<T> = { readonly claims: T } | Refusal;

/** Checks a user's token: a plain JWT, as any library makes it. */
export async function verifyUser(
  authorization: string | undefined,
  secret: string,
): Promise<{ readonly caller: Caller } | Refusal> {
  const verified = await verify(authorization, secret, TokenType.user, userClaims);
  if ('refused' in verified) return verified;
  const { sub: owner, exp, scope, sid = null } = verified.claims;
  const caller = { owner, sid, expires: exp * 1000 };
  if (scope === undefined) return { caller: { ...caller, scopes: UNLIMITED } };
  const { scopes, unknown } = wordsOfScope(scope);
  if (unknown.length === 0) return { caller: { ...caller, scopes } };
  const named = unknown.map((word) => `\`${word}\``).join(', ');
  return invalid(`The token’s scope has ${named}, which is none of ${SCOPES.join(', ')}.`);
}

/** Checks the token of one session's epoch. */
export function verifySession(
  authorization: string | undefined,
  secret: string,
): Promise<Verified<z.infer<typeof sessionClaims>>> {
  return verify(authorization, secret, TokenType.session, sessionClaims);
}

/** Checks a runner's token. */
export function verifyRunner(
  authorization: string | undefined,
  secret: string,
): Promise<Verified<z.infer<typeof runnerClaims>>> {
  return verify(authorization, secret, TokenType.runner, runnerClaims);
}

async function verify<T>(
  authorization: string | undefined,
  secret: string,
  type: string,
  claims: z.ZodType<T>,
): Promise<Verified<T>> {
  if (authorization === undefined) return { refused: 'token_missing', detail: `The call needs a token. ${HOW}` };
  const token = /^Bearer +([^\s]+)$/i.exec(authorization)?.[1];
  if (token === undefined) return invalid('The Authorization header is not `Bearer <JWT>`.');
  const verified = await signed(token, secret);
  if ('refused' in verified) return verified;
  // `typ` tells the kinds of tokens apart. A token without it is a user's, because many libraries leave it out.
  if (verified.typ !== type) return invalid('It is a token of another kind.');
  const parsed = claims.safeParse(verified.payload);
  if (parsed.success) return { claims: parsed.data };
  const missing = parsed.error.issues.map(({ path }) => `\`${path.join('.')}\``).join(', ');
  return invalid(`The token's claims do not fit: ${missing}.`);
}

async function signed(token: string, secret: string): Promise<{ payload: JWTPayload; typ: string } | Refusal> {
  try {
    // We choose the algorithm, never the token.
    const key = new TextEncoder().encode(secret);
    const { payload, protectedHeader } = await jwtVerify(token, key, { algorithms: ['HS256'] });
    return { payload, typ: protectedHeader.typ ?? TokenType.user };
  } catch (error) {
    if (error instanceof errors.JWTExpired)
      return { refused: 'token_expired', detail: `The token has expired. ${HOW}` };
    if (error instanceof errors.JOSEError) return invalid('The token is not a JWT that this service has signed.');
    throw error;
  }
}
