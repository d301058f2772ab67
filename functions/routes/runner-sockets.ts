import { Hono, type Context } from 'hono';
import * as z from 'zod';
import { enrolRequest, type enrolAnswer } from '../../protocol/link/runner-enrolment.ts';
import { DEFAULT_POOL, unknownPool } from '../../protocol/settings/pools-setting.ts';
import { LEEWAY_SECONDS } from '../../protocol/token.ts';
import { SESSION_NOT_FOUND, type Refusal } from '../../protocol/api/problem.ts';
import type { WorkerEnv } from '../app-env.ts';
import { placedSessionOf } from '../objects.ts';
import { refuseToken } from '../auth/authorise.ts';
import { refuse } from '../refuse.ts';
import { verifyRunner, verifyRunnerCode } from '../auth/runner-token.ts';
import { verifySession } from '../auth/token.ts';
import { readJson } from '../body.ts';
import { addressOf } from '../gate/address.ts';
import { gateStub, poolStub } from '../../durable/rpc/edge-env.ts';

const UPGRADE: Refusal = { refused: 'upgrade_required', detail: 'Runners open this with a WebSocket.' };

const isUpgrade = (c: Context) => c.req.header('upgrade')?.toLowerCase() === 'websocket';

const NO_TRANSFER: Refusal = {
  refused: 'route_not_found',
  detail: 'This transfer was not ordered of this runner, or is over.',
};

const NO_STREAM: Refusal = {
  refused: 'route_not_found',
  detail: 'This WebSocket is not open, or was dialled for already.',
};

const connected = (name: string): Refusal => ({
  refused: 'runner_connected',
  detail: `A runner named "${name}" is connected, and answers. Give this one a name of its own.`,
});

/** The runner that calls, by its key, and the pool that it is in. */
async function runnerOf(c: Context<WorkerEnv>) {
  let pool = DEFAULT_POOL;
  const verified = await verifyRunner(c.req.header('authorization'), async (name) => {
    const home = await poolStub(c.env).runnerHome(name);
    if ('key' in home) return home.key;
    ({ pool } = home);
    return await poolStub(c.env, pool).runnerKey(name);
  });
  return 'refused' in verified ? verified : { ...verified, pool };
}

const open = { headers: { upgrade: 'websocket' } };

/** Opens a socket of one container, by its session's token: the link to it, or the tunnel. */
async function connectContainer(c: Context<WorkerEnv>, what: 'data' | 'tunnel'): Promise<Response> {
  const verified = await verifySession(c.req.header('authorization'), c.get('settings'));
  if ('refused' in verified) return refuseToken(c, verified);
  const found = await placedSessionOf(c);
  if ('refused' in found || verified.claims.sub !== c.req.param('session_id')) return refuse(c, SESSION_NOT_FOUND);
  if (!isUpgrade(c)) return refuse(c, UPGRADE);
  const query = new URLSearchParams({ epoch: String(verified.claims.epoch) });
  const stream = what === 'tunnel' ? c.req.query('stream') : undefined;
  if (stream !== undefined) query.set('stream', stream);
  const answer = await found.session.fetch(`https://session/${what}?${query.toString()}`, open);
  return answer.status === 404 ? refuse(c, NO_STREAM) : answer;
}

/**
 * A runner enrols its key; and the sockets that runners open: the control socket, one data socket and at times one tunnel per launched
 * session, and one socket per transfer of files.
 */
export const runnerSockets = new Hono<WorkerEnv>()
  .post('/enrol', async (c) => {
    const verified = await verifyRunnerCode(c.req.header('authorization'), c.get('settings'));
    if ('refused' in verified) return refuseToken(c, verified);
    const json = await readJson(c.req.raw, false, c.get('settings').BODY_TIMEOUT);
    if ('refused' in json) return refuse(c, json);
    const asked = enrolRequest.safeParse(json.value);
    if (!asked.success) return refuse(c, { refused: 'invalid_request', detail: z.prettifyError(asked.error) });
    const { sub: name, jti: code, exp, pool = DEFAULT_POOL } = verified.claims;
    const unknown = unknownPool(c.get('settings'), pool);
    if (unknown !== null) return refuse(c, unknown);
    const claimed = await poolStub(c.env).claimRunnerName(name, pool);
    if ('refused' in claimed) return refuse(c, claimed);
    const key = asked.data.public_key.x;
    const enrolled = await poolStub(c.env, pool).enrol({ name, key, code, expires: (exp + LEEWAY_SECONDS) * 1000 });
    if ('refused' in enrolled) return refuse(c, enrolled);
    const enrolment = { time: Date.now(), actor: name, action: 'runner.enrolled', target: name } as const;
    await gateStub(c.env).record({ ...enrolment, address: addressOf(c), detail: null });
    return c.json({ name } satisfies z.infer<typeof enrolAnswer>, 201);
  })
  .get('/control', async (c) => {
    const verified = await runnerOf(c);
    if ('refused' in verified) return refuseToken(c, verified);
    if (!isUpgrade(c)) return refuse(c, UPGRADE);
    const name = verified.claims.sub;
    const answer = await poolStub(c.env, verified.pool).fetch(
      `https://pool/control?name=${encodeURIComponent(name)}`,
      open,
    );
    return answer.status === 409 ? refuse(c, connected(name)) : answer;
  })
  .get('/sessions/:session_id/data', (c) => connectContainer(c, 'data'))
  .get('/sessions/:session_id/tunnel', (c) => connectContainer(c, 'tunnel'))
  .get('/sessions/:session_id/transfers/:transfer_id', async (c) => {
    const verified = await runnerOf(c);
    if ('refused' in verified) return refuseToken(c, verified);
    const found = await placedSessionOf(c);
    if ('refused' in found) return refuse(c, NO_TRANSFER);
    if (!isUpgrade(c)) return refuse(c, UPGRADE);
    const query = new URLSearchParams({ id: c.req.param('transfer_id'), runner: verified.claims.sub });
    const answer = await found.session.fetch(`https://session/transfer?${query.toString()}`, open);
    return answer.status === 404 ? refuse(c, NO_TRANSFER) : answer;
  });
