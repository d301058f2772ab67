import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import { gateStub } from '../../durable/rpc/edge-env.ts';
import { auditList, auditQuery, mintedToken, mintRequest, revoked, revokeRequest } from '../../protocol/api/admin.ts';
import { SCOPES, wordsOfScope } from '../../protocol/token.ts';
import type { AppEnv } from '../app-env.ts';
import { securedFor } from '../auth/authorise.ts';
import { mintUserToken } from '../auth/mint-token.ts';
import { body, json, refusals } from '../contract.ts';
import { record } from '../gate/audit.ts';
import { sharedState } from '../gate/shared-state.ts';
import { refuse } from '../refuse.ts';

const mint = createRoute({
  method: 'post',
  path: '/tokens',
  operationId: 'mintToken',
  tags: ['Administration'],
  summary: 'A token for somebody: what it may do, for how long, and for which session',
  ...securedFor('owner', 'admin'),
  request: body(mintRequest),
  responses: { 201: json('The token, which nobody can read again', mintedToken), ...refusals('invalid_request') },
});

const revoke = createRoute({
  method: 'post',
  path: '/revocations',
  operationId: 'revokeTokens',
  tags: ['Administration'],
  summary:
    'Revoke one token (`jti`), or all of somebody’s that were made before a time: within seconds, open streams too',
  ...securedFor('owner', 'admin'),
  request: body(revokeRequest),
  responses: { 201: json('Revoked', revoked), ...refusals() },
});

const audit = createRoute({
  method: 'get',
  path: '/audit',
  operationId: 'listAudit',
  tags: ['Administration'],
  summary: 'Who minted, revoked, created, read files and answered, and from where: the newest first',
  ...securedFor('owner', 'admin'),
  request: { query: auditQuery },
  responses: { 200: json('A page', auditList), ...refusals() },
});

/** For who runs the service: tokens, revocations, and the audit log. */
export function addAdmin(app: OpenAPIHono<AppEnv>): void {
  app.openapi(mint, async (c) => {
    const { sub, scope, sid, ttl_seconds } = c.req.valid('json');
    const { unknown } = wordsOfScope(scope ?? '');
    if (unknown.length > 0) {
      const detail = `scope: has ${unknown.join(', ')}, which is none of ${SCOPES.join(', ')}.`;
      return refuse(c, { refused: 'invalid_request', detail, errors: [{ path: 'scope', message: detail }] });
    }
    const minted = await mintUserToken(c.get('settings'), { sub, scope, sid }, ttl_seconds);
    await record(c, 'token.minted', sub, JSON.stringify({ jti: minted.jti, scope, sid, ttl_seconds }));
    return c.json(minted, 201);
  });

  app.openapi(revoke, async (c) => {
    const asked = c.req.valid('json');
    const before = 'sub' in asked && asked.before !== undefined ? Date.parse(asked.before) : Date.now();
    const what = 'jti' in asked ? asked : { sub: asked.sub, before };
    await sharedState(c.env, c.get('settings')).revocations.revoke(what);
    await gateStub(c.env).endStreams(what);
    const shown = 'jti' in what ? what : { sub: what.sub, before: new Date(before).toISOString() };
    await record(c, 'token.revoked', 'jti' in what ? what.jti : what.sub, JSON.stringify(shown));
    return c.json(shown, 201);
  });

  app.openapi(audit, async (c) => {
    const { actor, action, cursor, limit } = c.req.valid('query');
    const page = await gateStub(c.env).audit({ actor, action, cursor, limit });
    const data = page.data.map((entry) => ({ ...entry, time: new Date(entry.time).toISOString() }));
    return c.json({ data, next_cursor: page.next_cursor }, 200);
  });
}
