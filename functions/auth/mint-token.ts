import { SignJWT } from 'jose';
import type { z } from 'zod';
import type { mintedToken } from '../../protocol/api/admin.ts';
import type { EdgeSettings } from '../../protocol/settings/edge-settings.ts';
import { signingKey } from '../../protocol/token-keys.ts';
import { TokenType } from '../../protocol/token.ts';

/** What a token says. What is undefined, it does not say. */
interface UserClaims {
  readonly sub: string;
  readonly scope?: string | undefined;
  readonly sid?: string | undefined;
  readonly name?: string | undefined;
  readonly email?: string | undefined;
}

/** Mints a user's token that this service takes. */
export async function mintUserToken(
  settings: EdgeSettings,
  claims: UserClaims,
  ttlSeconds: number,
): Promise<z.infer<typeof mintedToken>> {
  const jti = crypto.randomUUID();
  const expires = Math.floor(Date.now() / 1000) + ttlSeconds;
  const { JWT_ISSUER: iss, JWT_AUDIENCE: aud } = settings;
  const said = Object.entries({ ...claims, iss, aud }).filter(([, value]) => value !== undefined);
  const token = await new SignJWT({ jti, ...Object.fromEntries(said) })
    .setProtectedHeader({ alg: 'HS256', typ: TokenType.user })
    .setIssuedAt()
    .setExpirationTime(expires)
    .sign(await signingKey(settings, 'user'));
  return { token, jti, expires_at: new Date(expires * 1000).toISOString() };
}
