import { newHttpBatchRpcResponse } from 'capnweb';
import { Hono, type MiddlewareHandler } from 'hono';
import { z } from 'zod';
import { FETCHABLE } from '../../durable/rpc/callable.ts';
import { directoryStub, sessionStub } from '../../durable/rpc/edge-env.ts';
import type { Refusal } from '../../protocol/api/problem.ts';
import { uuid } from '../../protocol/ids.ts';
import { serviceClaims } from '../../protocol/token.ts';
import { VERSION } from '../../protocol/version.ts';
import type { WorkerEnv } from '../app-env.ts';
import { refuseToken } from '../auth/authorise.ts';
import { verify } from '../auth/token.ts';
import { ifTokenRevoked } from '../gate/revocations.ts';
import { refuse } from '../refuse.ts';
import { Calls } from './calls.ts';
import type { DoorHello } from './hello.ts';

/** The sessions' paths that may be fetched. */
const fetchable = z.enum(FETCHABLE);

const NO_DOOR: Refusal = {
  refused: 'route_not_found',
  detail: 'Edges elsewhere may not call the objects here. The operator allows it with REMOTE_EDGES=true.',
};
const NOT_FETCHABLE: Refusal = { refused: 'route_not_found', detail: 'Of a session, that may not be fetched.' };
const NO_DISK: Refusal = { refused: 'route_not_found', detail: 'The state is on no disk that could be full.' };

/** Admits edges elsewhere, by their service token, where the operator allows them. */
const withService: MiddlewareHandler<WorkerEnv> = async (c, next) => {
  const settings = c.get('settings');
  if (!settings.REMOTE_EDGES) return refuse(c, NO_DOOR);
  const verified = await verify(c.req.header('authorization'), settings, 'service', serviceClaims);
  if ('refused' in verified) return refuseToken(c, verified);
  const { sub, jti, iat } = verified.claims;
  const revoked = await ifTokenRevoked(c, { jti, sub: `service ${sub}`, issued: iat * 1000 });
  return revoked === null ? next() : refuseToken(c, revoked);
};

/**
 * The door through which edges elsewhere reach the objects: calls of methods (`Calls`), and what calls cannot carry: of a session
 * streams, files and WebSockets, and an owner’s feed. Whoever has a service token speaks for any owner, as the handlers here do.
 */
export const objectsDoor = new Hono<WorkerEnv>()
  .use(withService)
  .get('/', (c) => c.json({ version: VERSION, disk: c.env.DISK !== undefined } satisfies DoorHello))
  .get('/disk', async (c) => (await c.env.DISK?.fetch('http://disk/')) ?? refuse(c, NO_DISK))
  .post('/calls', (c) => newHttpBatchRpcResponse(c.req.raw, new Calls(c.env)))
  .get('/directories/:owner/feed', (c) =>
    directoryStub(c.env, c.req.param('owner')).fetch(`https://directory/feed${new URL(c.req.url).search}`, {
      signal: c.req.raw.signal,
    }),
  )
  .on(['GET', 'PUT'], ['/sessions/:session_id/:path'], async (c) => {
    const path = fetchable.safeParse(c.req.param('path'));
    const id = uuid.safeParse(c.req.param('session_id'));
    if (!path.success || !id.success) return refuse(c, NOT_FETCHABLE);
    const upgrade = c.req.header('upgrade');
    const { method, body, signal } = c.req.raw;
    return await sessionStub(c.env, id.data).fetch(`https://session/${path.data}${new URL(c.req.url).search}`, {
      method,
      signal,
      ...(method === 'PUT' && { body }),
      ...(upgrade !== undefined && { headers: { upgrade } }),
    });
  });
