import path from 'node:path';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { signingKey } from '../../../../protocol/token-keys.ts';
import { TokenType } from '../../../../protocol/token.ts';
import { WORKER_BUNDLE } from '../../../../scripts/bundle.ts';
import { startEdge, type Edge } from '../../../../start/edge/edge.ts';
import { startRedis, type RedisProcess } from '../../../support/redis/redis-process.ts';
import type { Trouble } from '../../../support/redis/redis-for-tests.ts';
import { RedisRest } from '../../../support/redis/redis-rest.ts';
import { RespConnection, type Reply } from '../../../support/redis/resp.ts';
import { sharedScratch } from '../../../support/scratch.ts';
import { until } from '../../../support/until.ts';

/** The edge that ships, with a Redis that goes and comes back. */

const TOKEN = 'of this Redis';
const JWT_SECRET = 'known to this test and of no use elsewhere';

let redis: RedisProcess | null;
const folder = sharedScratch();
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  await redis?.stop();
});

function start(rest: RedisRest): Promise<Edge> {
  const vars = {
    JWT_SECRET,
    UPSTASH_REDIS_REST_URL: rest.url,
    UPSTASH_REDIS_REST_TOKEN: TOKEN,
    REDIS_TIMEOUT_MS: '10000',
  };
  return startEdge({
    worker: WORKER_BUNDLE,
    host: '127.0.0.1',
    port: 0,
    stateFolder: path.join(folder.path, 'edge'),
    vars,
  });
}

async function token(): Promise<string> {
  const claims = new SignJWT().setProtectedHeader({ alg: 'HS256', typ: TokenType.user }).setSubject('alice');
  return claims
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(await signingKey({ JWT_SECRET }, 'user'));
}

/** Of an entry of the stream. */
const seqOf = (entry: Reply) => Number(Array.isArray(entry) && Array.isArray(entry[1]) ? entry[1][1] : NaN);

test('events that came while Redis and then the edge were away are added once both are back, without a gap', async ({
  skip,
}) => {
  const { socket } = redis ?? skip('redis-server is not installed');
  const direct = new RespConnection(socket);
  const seqs = async () => {
    const entries = await direct.send(['XRANGE', 'agents', '-', '+']);
    return Array.isArray(entries) ? entries.map(seqOf) : [];
  };
  let rest = await RedisRest.start(socket, TOKEN);
  const { port } = rest;
  let edge = await start(rest);
  const authorization = `Bearer ${await token()}`;
  const call = async (path: string, body?: object) => {
    const asked = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const answer = await fetch(`${edge.url}/api/v1${path}`, { headers: { authorization }, ...asked });
    // oxlint-disable-next-line typescript/no-explicit-any -- tests read whatever came, and fail when it is not there
    return (await answer.json()) as any;
  };
  try {
    const config = { events_to: { redis_stream: 'agents' } };
    const { session_id } = await call('/sessions', { config });
    await until(async () => expect((await seqs()).length).toBeGreaterThan(0));
    const before = await seqs();

    // Whatever is of the stream breaks off. Callers' tokens are still asked about.
    const broken: Trouble = { match: 'agents', kind: 'broken', delay_ms: 0 };
    await fetch(`${rest.url}/-/trouble`, { method: 'POST', body: JSON.stringify(broken) });
    for (const prompt of ['one', 'two', 'three']) await call(`/sessions/${session_id}/chat`, { prompt });
    await edge.stop();
    await rest.stop();
    edge = await start(rest);
    expect(await seqs()).toEqual(before);

    rest = await RedisRest.start(socket, TOKEN, port);
    const last = async () => (await call(`/sessions/${session_id}/events?limit=1000`)).data.at(-1).seq;
    const all = Array.from({ length: await last() }, (_, n) => n + 1);
    expect(all.length).toBeGreaterThanOrEqual(before.length + 3);
    await until(async () => expect(await seqs()).toEqual(all));
  } finally {
    await edge.stop();
    await rest.stop();
    direct.close();
  }
});
