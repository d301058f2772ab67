import * as z from 'zod';
import type { Refusal } from '../../protocol/api/problem.ts';
import type { EdgeSettings } from '../../protocol/settings/edge-settings.ts';
import { LEEWAY_SECONDS, SCOPES, TokenType, UNLIMITED, userClaims, wordsOfScope } from '../../protocol/token.ts';
import { authorOfClaims } from '../../protocol/git/git-author.ts';
import { userName } from '../../protocol/ids.ts';
import type { Caller } from '../../durable/rpc/caller.ts';
import { isAsymmetric, signedByKeySet } from './key-set.ts';
import { knownCaller, rememberCaller } from './known-tokens.ts';
import { algorithmOf, bearerOf, claimsOf, invalid, OTHER_KIND, signedBySecret, type Signed } from './token.ts';

type Admitted = { readonly caller: Caller } | Refusal;
type Author = Pick<Caller, 'author'>;

/** The `typ` of tokens that identity providers make: a plain one, or an access token (RFC 9068). */
const PROVIDERS = [TokenType.user, 'at+jwt', 'application/at+jwt'].map((typ) => typ.toLowerCase());

/** The caller of a user's token, which is checked, or was a short time ago. */
export async function verifyUser(authorization: string | undefined, settings: EdgeSettings): Promise<Admitted> {
  const bearer = bearerOf(authorization);
  if ('refused' in bearer) return bearer;
  const { token } = bearer;
  const known = knownCaller(settings, token, Date.now());
  if (known !== null) return { caller: known };
  const at = Date.now();
  const signed = await signedUser(token, settings);
  if ('refused' in signed) return signed;
  const admitted = callerOf(signed, settings);
  if ('caller' in admitted) rememberCaller(settings, token, { caller: admitted.caller, at, holds: signed.holds });
  return admitted;
}

/** The caller whom a provider's ID token names, which was made for this service's sign-in. */
export async function verifyIdToken(token: string, settings: EdgeSettings): Promise<Admitted> {
  const { JWT_JWKS_URL: url, JWT_ISSUER: issuer, OIDC_CLIENT_ID: audience } = settings;
  if (url === undefined || issuer === undefined || audience === undefined)
    throw new Error('an ID token came, and no provider is set');
  const signed = await signedByKeySet(token, url, { issuer, audience });
  return 'refused' in signed ? signed : providerCaller(signed, settings.JWT_OWNER_CLAIM);
}

/** A user's token whose signature is good. `isOurs`: we have signed it, not a provider. */
type SignedUser = Signed & { readonly isOurs: boolean };

/**
 * Checks a user's token. It is signed with our secret, or by a key of `JWT_JWKS_URL`. Its algorithm says which of the two
 * is asked, and neither takes the other's: a public key is never used as a secret.
 */
async function signedUser(token: string, settings: EdgeSettings): Promise<SignedUser | Refusal> {
  const { JWT_JWKS_URL: url, JWT_ISSUER: issuer, JWT_AUDIENCE: audience } = settings;
  const expected = { ...(issuer !== undefined && { issuer }), ...(audience !== undefined && { audience }) };
  const isOurs = url === undefined || !isAsymmetric(algorithmOf(token));
  const signed = isOurs
    ? await signedBySecret(token, settings, 'user', expected)
    : await signedByKeySet(token, url, expected);
  return 'refused' in signed ? signed : { ...signed, isOurs };
}

function callerOf(signed: SignedUser, settings: EdgeSettings): Admitted {
  if (!signed.isOurs) {
    if (!PROVIDERS.includes(signed.typ.toLowerCase())) return OTHER_KIND;
    return providerCaller(signed, settings.JWT_OWNER_CLAIM);
  }
  if (signed.typ !== TokenType.user) return OTHER_KIND;
  const verified = claimsOf(signed, userClaims);
  return 'refused' in verified ? verified : ownCaller(verified.claims, authorOf(signed));
}

/** The caller of a token that was made for this service: what it says has to be ours. */
function ownCaller({ sub: owner, exp, iat, jti, scope, sid }: z.infer<typeof userClaims>, author: Author): Admitted {
  const caller = { owner, sid: sid ?? null, jti: jti ?? null, issued: startOf(iat), expires: endOf(exp), ...author };
  if (scope === undefined) return { caller: { ...caller, scopes: UNLIMITED } };
  const { scopes, unknown } = wordsOfScope(scope);
  if (unknown.length === 0) return { caller: { ...caller, scopes } };
  const named = unknown.map((word) => `\`${word}\``).join(', ');
  return invalid(`The token’s scope has ${named}, which is none of ${SCOPES.join(', ')}.`);
}

const providerClaims = z.object({
  exp: z.number(),
  iat: z.number().optional(),
  jti: z.string().optional(),
  scope: z.union([z.string(), z.array(z.string()).transform((words) => words.join(' '))]).default(''),
});

/**
 * The caller of an identity provider's token. Its scope has words of other vocabularies too (`openid`), and one that has
 * none of ours limits nothing. Its `sid` is the provider's session, and none of ours.
 */
function providerCaller(signed: Signed, ownerClaim: string): Admitted {
  const verified = claimsOf(signed, providerClaims);
  if ('refused' in verified) return verified;
  const owner = userName.safeParse(signed.payload[ownerClaim]);
  if (!owner.success) return invalid(`The token’s \`${ownerClaim}\` does not name its owner.`);
  const { exp, iat, jti = null, scope } = verified.claims;
  const { scopes } = wordsOfScope(scope);
  const limits = scopes.length === 0 ? UNLIMITED : scopes;
  const times = { issued: startOf(iat), expires: endOf(exp) };
  return { caller: { owner: owner.data, sid: null, scopes: limits, jti, ...times, ...authorOf(signed) } };
}

/** The claims of OpenID Connect that say who the author of commits is. A token need not have them, and is good without. */
function authorOf({ payload }: Signed): Author {
  const author = authorOfClaims({ name: payload['name'], email: payload['email'] });
  return author === undefined ? {} : { author };
}

/** When a token was made, epoch milliseconds; null: it does not say. */
const startOf = (iat: number | undefined) => (iat === undefined ? null : iat * 1000);

/** When a token is over, epoch milliseconds. */
const endOf = (exp: number) => (exp + LEEWAY_SECONDS) * 1000;
