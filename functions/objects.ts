import type { Context } from 'hono';
import type { SessionRpc } from '../durable/rpc/session-rpc.ts';
import { uuid } from '../protocol/ids.ts';
import type { Refusal } from '../protocol/api/problem.ts';
import type { AppEnv } from './app-env.ts';

/** The one pool that there is for now. */
const DEFAULT_POOL = 'default';

export const SESSION_NOT_FOUND: Refusal = {
  refused: 'session_not_found',
  detail: 'There is no session with this id, or it is not yours. `GET /api/v1/sessions` lists yours.',
};

type C = Context<AppEnv>;

/** The object of the session that the path names. (Boxed: a stub claims to have every property one asks it for.) */
export function sessionOf(c: C): { readonly session: DurableObjectStub<SessionRpc> } | Refusal {
  const id = uuid.safeParse(c.req.param('session_id'));
  if (!id.success) return SESSION_NOT_FOUND;
  return { session: c.env.SESSION.get(c.env.SESSION.idFromName(id.data.toLowerCase())) };
}

/** The caller's own directory. */
export function directoryOf(c: C) {
  return c.env.DIRECTORY.get(c.env.DIRECTORY.idFromName(c.get('owner')));
}

export function poolOf(c: C) {
  return c.env.RUNNER_POOL.get(c.env.RUNNER_POOL.idFromName(DEFAULT_POOL));
}

/** Where the session's stream is, as the caller reached us. */
export function streamUrl(c: C, sessionId: string): string {
  const url = new URL(c.req.url);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return `${url.origin}/api/v1/sessions/${sessionId}/stream`;
}
