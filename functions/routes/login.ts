import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { gateStub } from '../../durable/rpc/edge-env.ts';
import { LOGIN_TTL_SECONDS, loginAnswer } from '../../protocol/api/login.ts';
import type { Refusal } from '../../protocol/api/problem.ts';
import { LEEWAY_SECONDS } from '../../protocol/token.ts';
import type { AppEnv } from '../app-env.ts';
import { verifyLoginCode } from '../auth/login-code.ts';
import { mintUserToken } from '../auth/mint-token.ts';
import { json, refusals } from '../contract.ts';
import { addressOf } from '../gate/address.ts';
import { overFailedTokens } from '../gate/limits.ts';
import { sharedState } from '../gate/shared-state.ts';
import { refuse } from '../refuse.ts';

const login = createRoute({
  method: 'post',
  path: '/login',
  operationId: 'login',
  tags: ['Administration'],
  summary: 'Exchange a one-time code, sent in place of a token, for a token of 30 days',
  security: [{ code: [] }],
  responses: { 201: json('The token, which nobody can read again', loginAnswer), ...refusals('login_code_used') },
});

const ANOTHER =
  'Where the service runs, `npm run --silent token -- --kind login --sub NAME` makes another; so does each start of it.';

const USED: Refusal = { refused: 'login_code_used', detail: `Each code is good for one login. ${ANOTHER}` };
const REVOKED: Refusal = { refused: 'token_revoked', detail: `The code was revoked. ${ANOTHER}` };

/** The code counts as a refused token: nobody may try many. */
async function refuseCode(c: Context<AppEnv>, refusal: Refusal) {
  const over = await overFailedTokens(c);
  return over === null ? refuse(c, refusal, { 'www-authenticate': 'Bearer' }) : refuse(c, over);
}

/** Who has a code of the service's operator gets a token. */
export function addLogin(app: OpenAPIHono<AppEnv>): void {
  app.openapi(login, async (c) => {
    const settings = c.get('settings');
    const verified = await verifyLoginCode(c.req.header('authorization'), settings, ANOTHER);
    if ('refused' in verified) return await refuseCode(c, verified);
    const { sub, jti, iat, exp, scope, name, email } = verified.claims;
    const mark = { sub, jti, issued: iat * 1000 };
    if (await sharedState(c.env, settings).revocations.isRevoked(mark)) return await refuseCode(c, REVOKED);
    if (!(await gateStub(c.env).useCode(jti, (exp + LEEWAY_SECONDS) * 1000))) return await refuseCode(c, USED);
    const minted = await mintUserToken(settings, { sub, scope, name, email }, LOGIN_TTL_SECONDS);
    const detail = JSON.stringify({ jti: minted.jti, scope, ttl_seconds: LOGIN_TTL_SECONDS, login_code: jti });
    const entry = { time: Date.now(), actor: sub, action: 'token.minted', target: sub } as const;
    await gateStub(c.env).record({ ...entry, address: addressOf(c), detail });
    return c.json({ ...minted, sub }, 201);
  });
}
