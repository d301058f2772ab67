import type { z } from 'zod';
import type { KeySettings } from '../../protocol/token-keys.ts';
import { loginCodeClaims } from '../../protocol/token.ts';
import { verify, type Verified } from './token.ts';

/**
 * Checks a code that is to be exchanged for a token. Whether it was used, the gate knows.
 *
 * @param another how to come by another one
 */
export async function verifyLoginCode(
  authorization: string | undefined,
  settings: KeySettings,
  another: string,
): Promise<Verified<z.infer<typeof loginCodeClaims>>> {
  const verified = await verify(authorization, settings, 'login-code', loginCodeClaims);
  if (!('refused' in verified)) return verified;
  const why: Readonly<Record<string, string>> = {
    token_missing: 'A login takes a code, as `Authorization: Bearer <code>`.',
    token_expired: 'The code has expired.',
    token_invalid: 'This is no code for a login that this service has made.',
  };
  return { refused: verified.refused, detail: `${why[verified.refused] ?? verified.detail} ${another}` };
}
