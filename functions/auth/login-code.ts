import type { Context } from 'hono';
import type { z } from 'zod';
import { gateStub } from '../../durable/rpc/edge-env.ts';
import type { Refusal } from '../../protocol/api/problem.ts';
import { LEEWAY_SECONDS, loginCodeClaims } from '../../protocol/token.ts';
import type { AppEnv } from '../app-env.ts';
import { sharedState } from '../gate/shared-state.ts';
import { verify } from './token.ts';

const ANOTHER =
  'Where the service runs, `npm run --silent token -- --kind login --sub NAME` makes another; so does each start of it.';

const WHY: Readonly<Record<string, string>> = {
  token_missing: 'A login takes a code, as `Authorization: Bearer <code>`.',
  token_expired: 'The code has expired.',
  token_invalid: 'This is no code for a login that this service has made.',
};
const USED: Refusal = { refused: 'login_code_used', detail: `Each code is good for one login. ${ANOTHER}` };
const REVOKED: Refusal = { refused: 'token_revoked', detail: `The code was revoked. ${ANOTHER}` };

/** Checks the code of a login, which the call has in place of a token, and uses it up. */
export async function useLoginCode(c: Context<AppEnv>): Promise<z.infer<typeof loginCodeClaims> | Refusal> {
  const settings = c.get('settings');
  const verified = await verify(c.req.header('authorization'), settings, 'login-code', loginCodeClaims);
  if ('refused' in verified) {
    const { refused, detail } = verified;
    return { refused, detail: `${WHY[refused] ?? detail} ${ANOTHER}` };
  }
  const { sub, jti, iat, exp } = verified.claims;
  if (await sharedState(c.env, settings).revocations.isRevoked({ sub, jti, issued: iat * 1000 })) return REVOKED;
  return (await gateStub(c.env).useCode(jti, (exp + LEEWAY_SECONDS) * 1000)) ? verified.claims : USED;
}
