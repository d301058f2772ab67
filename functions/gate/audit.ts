import type { Context, MiddlewareHandler } from 'hono';
import { gateStub } from '../../durable/rpc/edge-env.ts';
import type { AuditAction } from '../../protocol/api/admin.ts';
import type { CallerEnv } from '../app-env.ts';
import type { Secured } from '../auth/authorise.ts';
import { addressOf } from './address.ts';

type C = Pick<Context<CallerEnv>, 'env' | 'req' | 'get'>;

/** Notes in the audit log what the caller has done. */
export async function record(c: C, action: AuditAction, target: string, detail: string | null = null): Promise<void> {
  const actor = c.get('caller').owner;
  await gateStub(c.env).record({ time: Date.now(), actor, action, target, address: addressOf(c), detail });
}

/**
 * As `secured`, for routes that are in the audit log. What reads is noted before it is answered, so that nothing is read unseen. What
 * changes something is noted when it has succeeded. A handler that creates a session names it (`noteCreated`).
 */
export function audited(action: AuditAction, { middleware, ...secured }: Secured) {
  const audit: MiddlewareHandler<CallerEnv> = async (c, next) => {
    const reads = action.endsWith('.read');
    const target = () => c.get('created') ?? c.req.param('session_id') ?? c.req.path;
    const detail = c.req.param('session_id') === undefined ? null : c.req.path;
    if (reads) await record(c, action, target(), detail);
    await next();
    if (!reads && c.res.status < 400) await record(c, action, target(), detail);
  };
  return { ...secured, middleware: [middleware, audit] as [typeof middleware, typeof audit] };
}
