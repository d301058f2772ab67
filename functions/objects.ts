import type { Context } from 'hono';
import { directoryStub, poolStub, sessionStub } from '../durable/rpc/edge-env.ts';
import type { SessionRpc } from '../durable/rpc/session-rpc.ts';
import { uuid } from '../protocol/ids.ts';
import type { Refusal } from '../protocol/api/problem.ts';
import type { AppEnv, CallerEnv } from './app-env.ts';

export const SESSION_NOT_FOUND: Refusal = {
  refused: 'session_not_found',
  detail: 'There is no session with this id, or it is not yours. `GET /api/v1/sessions` lists yours.',
};

/** What these need of a request, whether its caller is known or not. */
type C = Pick<Context<AppEnv>, 'env' | 'req'>;

/**
 * The object of the session that the path names. (It is boxed, because a stub claims to have every property that it is
 * asked for.)
 */
export function sessionOf(c: C): { readonly session: DurableObjectStub<SessionRpc> } | Refusal {
  const id = uuid.safeParse(c.req.param('session_id'));
  if (!id.success) return SESSION_NOT_FOUND;
  return { session: sessionStub(c.env, id.data.toLowerCase()) };
}

/** The caller's directory. */
export function directoryOf(c: Context<CallerEnv>) {
  return directoryStub(c.env, c.get('caller').owner);
}

export function poolOf(c: C) {
  return poolStub(c.env);
}

/** The address of the session's stream, under `PUBLIC_URL` or else the origin at which the caller reached us. */
export function streamUrl(c: C, sessionId: string): string {
  const url = new URL(c.get('settings').PUBLIC_URL ?? c.req.url);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return `${url.origin}/api/v1/sessions/${sessionId}/stream`;
}
