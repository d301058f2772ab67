import { Hono, type Context } from 'hono';
import type { Refusal } from '../protocol/problem.ts';
import type { AppEnv } from './app-env.ts';
import { poolOf, sessionOf, SESSION_NOT_FOUND } from './objects.ts';
import { refuse } from './refuse.ts';
import { verifyRunner, verifySession } from './token.ts';

const UPGRADE: Refusal = { refused: 'upgrade_required', detail: 'Runners open this with a WebSocket.' };

const isUpgrade = (c: Context) => c.req.header('upgrade')?.toLowerCase() === 'websocket';

const open = { headers: { upgrade: 'websocket' } };

/** Where runners dial in: the control socket, and one data socket per launched session. */
export const runnerSockets = new Hono<AppEnv>()
  .get('/control', async (c) => {
    const verified = await verifyRunner(c.req.header('authorization'), c.get('settings').JWT_SECRET);
    if ('refused' in verified) return refuse(c, verified);
    if (!isUpgrade(c)) return refuse(c, UPGRADE);
    return poolOf(c).fetch(`https://pool/control?name=${encodeURIComponent(verified.claims.sub)}`, open);
  })
  .get('/sessions/:session_id/data', async (c) => {
    const verified = await verifySession(c.req.header('authorization'), c.get('settings').JWT_SECRET);
    if ('refused' in verified) return refuse(c, verified);
    const found = sessionOf(c);
    if ('refused' in found || verified.claims.sub !== c.req.param('session_id')) return refuse(c, SESSION_NOT_FOUND);
    if (!isUpgrade(c)) return refuse(c, UPGRADE);
    return found.session.fetch(`https://session/data?epoch=${verified.claims.epoch}`, open);
  });
