import {
  decodeProtectedHeader,
  errors,
  jwtVerify,
  type JWTPayload,
  type JWTVerifyOptions,
  type ProtectedHeaderParameters,
} from 'jose';
import type { z } from 'zod';
import type { Refusal } from '../../protocol/api/problem.ts';
import { verifyingKeys, type TokenKind, type KeySettings } from '../../protocol/token-keys.ts';
import { answerClaims, LEEWAY_SECONDS, sessionClaims, ticketClaims, TokenType } from '../../protocol/token.ts';

const HOW = 'Send `Authorization: Bearer <JWT>`; `npm run --silent token -- --sub NAME` prints one.';

export const invalid = (why: string): Refusal => ({ refused: 'token_invalid', detail: `${why} ${HOW}` });

export type Verified<T> = { readonly claims: T } | Refusal;

/** A token that was signed by a key of its kind, and is valid now. */
export interface Signed {
  readonly payload: JWTPayload;
  /** A token without it is a user's, because many libraries leave it out. */
  readonly typ: string;
  /** Whether the key that has signed it is still one of ours, or of the key set. */
  readonly holds: () => boolean;
}

/** The token of an `Authorization` header. */
export function bearerOf(authorization: string | undefined): { readonly token: string } | Refusal {
  if (authorization === undefined) return { refused: 'token_missing', detail: `The call needs a token. ${HOW}` };
  const token = /^Bearer +([^\s]+)$/i.exec(authorization)?.[1];
  return token === undefined ? invalid('The Authorization header is not `Bearer <JWT>`.') : { token };
}

/** Checks the token of one session's epoch. It has no end of its own: the session knows when its epoch is over. */
export function verifySession(
  authorization: string | undefined,
  settings: KeySettings,
): Promise<Verified<z.infer<typeof sessionClaims>>> {
  return verify(authorization, settings, 'session', sessionClaims);
}

/** Checks a ticket, as far as its signature goes: a stranger's guess does not get as far as the session, which knows the rest. */
export function verifyTicket(ticket: string, settings: KeySettings): Promise<Verified<z.infer<typeof ticketClaims>>> {
  return verifyToken(ticket, settings, 'ticket', ticketClaims);
}

/** Checks the token of a link that answers a question, as far as its signature goes. */
export function verifyAnswer(token: string, settings: KeySettings): Promise<Verified<z.infer<typeof answerClaims>>> {
  return verifyToken(token, settings, 'answer', answerClaims);
}

/** Checks a token of a kind whose key is derived from the secret. */
export async function verify<T>(
  authorization: string | undefined,
  settings: KeySettings,
  kind: Exclude<TokenKind, 'user'>,
  claims: z.ZodType<T>,
): Promise<Verified<T>> {
  const bearer = bearerOf(authorization);
  return 'refused' in bearer ? bearer : verifyToken(bearer.token, settings, kind, claims);
}

/** As `verify`, of what no `Authorization` header has. */
export async function verifyToken<T>(
  token: string,
  settings: KeySettings,
  kind: Exclude<TokenKind, 'user'>,
  claims: z.ZodType<T>,
): Promise<Verified<T>> {
  const signed = await signedBySecret(token, settings, kind);
  if ('refused' in signed) return signed;
  return signed.typ === TokenType[kind] ? claimsOf(signed, claims) : OTHER_KIND;
}

/** `typ` tells the kinds of tokens apart for people; their keys do it for us. */
export const OTHER_KIND = invalid('It is a token of another kind.');

/** Checks the claims of a token that is signed. */
export function claimsOf<T>({ payload }: Pick<Signed, 'payload'>, claims: z.ZodType<T>): Verified<T> {
  const parsed = claims.safeParse(payload);
  if (parsed.success) return { claims: parsed.data };
  const missing = parsed.error.issues.map(({ path }) => `\`${path.join('.')}\``).join(', ');
  return invalid(`The token's claims do not fit: ${missing}.`);
}

/** Checks a token that one of our secrets has to have signed. */
export async function signedBySecret(
  token: string,
  settings: KeySettings,
  kind: TokenKind,
  expected: Pick<JWTVerifyOptions, 'issuer' | 'audience'> = {},
): Promise<Signed | Refusal> {
  let refusal: Refusal = NOT_OURS;
  for (const key of await verifyingKeys(settings, kind)) {
    try {
      // We choose the algorithm, never the token.
      const options = { ...expected, algorithms: ['HS256'], clockTolerance: LEEWAY_SECONDS };
      const { payload, protectedHeader } = await jwtVerify(token, key, options);
      // Another secret comes with other settings.
      return { payload, typ: protectedHeader.typ ?? TokenType.user, holds: () => true };
    } catch (error) {
      refusal = refusalOf(error);
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) return refusal;
    }
  }
  return refusal;
}

/** The algorithm that a token says it is signed with; null: it is no JWT. */
export const algorithmOf = (token: string): string | null => headerOf(token)?.alg ?? null;

/** What a token says of itself; null: it is no JWT. */
function headerOf(token: string): ProtectedHeaderParameters | null {
  try {
    return decodeProtectedHeader(token);
  } catch (error) {
    // jose throws a TypeError for what has not a token's form.
    if (error instanceof TypeError) return null;
    throw error;
  }
}

/** What kind a token says it is, as `Authorization` has it; null: it is none, or does not say. Its key then says whether that is so. */
export function typeOf(authorization: string | undefined): string | null {
  const bearer = bearerOf(authorization);
  if ('refused' in bearer) return null;
  return headerOf(bearer.token)?.typ ?? null;
}

const NOT_OURS = invalid('The token is not a JWT that this service has signed, or trusts.');

/** Why `jwtVerify` refused a token. @throws what is no refusal */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof errors.JWTExpired) return { refused: 'token_expired', detail: `The token has expired. ${HOW}` };
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'nbf') return invalid('The token is not valid yet (`nbf`).');
    return invalid(`The token’s \`${error.claim}\` is not what this service expects.`);
  }
  if (error instanceof errors.JOSEError) return NOT_OURS;
  throw error;
}
