import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import { gateStub } from '../../durable/rpc/edge-env.ts';
import { LOGIN_TTL_SECONDS, loginAnswer } from '../../protocol/api/login.ts';
import type { AppEnv } from '../app-env.ts';
import { refuseToken } from '../auth/authorise.ts';
import { useLoginCode } from '../auth/login-code.ts';
import { mintUserToken } from '../auth/mint-token.ts';
import { json, refusals } from '../contract.ts';
import { addressOf } from '../gate/address.ts';

const login = createRoute({
  method: 'post',
  path: '/login',
  operationId: 'login',
  tags: ['Administration'],
  summary: 'Exchange a one-time code, sent in place of a token, for a token of 30 days',
  security: [{ code: [] }],
  responses: { 201: json('The token, which nobody can read again', loginAnswer), ...refusals('login_code_used') },
});

/** Who has a code of the service's operator gets a token. */
export function addLogin(app: OpenAPIHono<AppEnv>): void {
  app.openapi(login, async (c) => {
    const code = await useLoginCode(c);
    if ('refused' in code) return await refuseToken(c, code);
    const { sub, jti, scope, name, email } = code;
    const minted = await mintUserToken(c.get('settings'), { sub, scope, name, email }, LOGIN_TTL_SECONDS);
    const detail = JSON.stringify({ jti: minted.jti, scope, ttl_seconds: LOGIN_TTL_SECONDS, login_code: jti });
    const entry = { time: Date.now(), actor: sub, action: 'token.minted', target: sub } as const;
    await gateStub(c.env).record({ ...entry, address: addressOf(c), detail });
    return c.json({ ...minted, sub }, 201);
  });
}
