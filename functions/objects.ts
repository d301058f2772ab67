import type { Context } from 'hono';
import type { HandlerObjects } from '../durable/rpc/callable.ts';
import { directoryStub, poolStub, sessionStub } from '../durable/rpc/edge-env.ts';
import { uuid } from '../protocol/ids.ts';
import { poolNames } from '../protocol/settings/pools-setting.ts';
import { SESSION_NOT_FOUND, type Refusal } from '../protocol/api/problem.ts';
import type { AppEnv, CallerEnv } from './app-env.ts';
import { isKnown, remember } from './known-sessions.ts';
import { originOf } from './web/origin-of.ts';

/** What these need of a request, whether its caller is known or not. */
type C = Pick<Context<AppEnv>, 'env' | 'req' | 'get'>;

/** A session's object. (It is boxed, because a stub claims to have every property that it is asked for.) */
interface Found {
  readonly id: string;
  readonly session: ReturnType<HandlerObjects['SESSION']['get']>;
}

/** The object of the session that the path names, if it is one of the caller's. */
export function sessionOf(c: Context<CallerEnv>): Promise<Found | Refusal> {
  const { owner } = c.get('caller');
  return find(c, owner, async (id) => await directoryOf(c).has(id));
}

/**
 * As `sessionOf`, for what people may do with another's session (`config.answerers`). It asks nobody before it had a container.
 */
export function askingSessionOf(c: Context<CallerEnv>): Promise<Found | Refusal> {
  const { owner } = c.get('caller');
  return find(c, owner, async (id) => (await directoryOf(c).has(id)) || (await anyPoolKnows(c, id)));
}

/** As `sessionOf`, for what runners do: any session that had a container, or waits for one. */
export function placedSessionOf(c: C): Promise<Found | Refusal> {
  return find(c, '', async (id) => await anyPoolKnows(c, id));
}

async function find(c: C, whose: string, ask: (id: string) => Promise<boolean>): Promise<Found | Refusal> {
  const id = uuid.safeParse(c.req.param('session_id')).data?.toLowerCase();
  if (id === undefined || !(await isKnown(whose, id, () => ask(id)))) return SESSION_NOT_FOUND;
  let stub: Found['session'] | undefined;
  return {
    id,
    // Made when it is called: a view that is ready needs none.
    get session() {
      return (stub ??= sessionStub(c.env, id));
    },
  };
}

/** Refuses a session that is outside of the one that the caller's token is bound to; null: it is not, as far as this knows. */
export async function outsideOfToken(c: Context<CallerEnv>): Promise<Refusal | null> {
  const { sid } = c.get('caller');
  const id = c.req.param('session_id')?.toLowerCase();
  // Whether the caller owns that session itself, the session says.
  if (sid === null || id === sid) return null;
  return id !== undefined && (await directoryOf(c).isBelow(id, sid)) ? null : SESSION_NOT_FOUND;
}

/** The caller's directory. */
export function directoryOf(c: Context<CallerEnv>) {
  return directoryStub(c.env, c.get('caller').owner);
}

/** All pools of runners, by their names. */
export function poolsOf(c: Pick<Context<AppEnv>, 'env' | 'get'>) {
  // (Each is boxed, because a stub claims to have every property that it is asked for.)
  return poolNames(c.get('settings')).map((name) => ({ name, pool: poolStub(c.env, name) }));
}

/** Whether a pool knows a session. Nothing but the session itself says in which it is. */
async function anyPoolKnows(c: C, sessionId: string): Promise<boolean> {
  for (const { pool } of poolsOf(c)) if (await pool.knows(sessionId)) return true;
  return false;
}

/** The caller's session has been created: nobody need be asked about it, and it is what the audit log names. */
export function noteCreated(c: Context<CallerEnv>, sessionId: string): void {
  c.set('created', sessionId);
  remember(c.get('caller').owner, sessionId);
}

/** The origin at which people reach this service: `PUBLIC_URL`, or else the one at which the caller reached us. */
export function originFor(c: C): string {
  return originOf(c.get('settings').PUBLIC_URL ?? c.req.url).origin;
}

/** The address of the session's stream, under `PUBLIC_URL` or else the origin at which the caller reached us. */
export function streamUrl(c: Context<CallerEnv>, sessionId: string): string {
  return streamUrls(c)(sessionId);
}

/** The addresses of sessions' streams. */
export function streamUrls(c: Context<CallerEnv>): (sessionId: string) => string {
  const { protocol, host } = originOf(c.get('settings').PUBLIC_URL ?? c.req.url);
  const origin = `${protocol === 'https:' ? 'wss:' : 'ws:'}//${host}`;
  return (sessionId) => `${origin}/api/v1/sessions/${sessionId}/stream`;
}
