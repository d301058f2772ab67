import path from 'node:path';
import * as z from 'zod';
import { createdSession } from '../../../protocol/api/session/session.ts';
import { makeBundles } from '../../../start/bundles.ts';
import { startEdge, type Edge } from '../../../start/edge/edge.ts';
import { mintToken } from '../../../start/settings/mint-token.ts';
import { lengthenLog } from '../../lib/long-log.ts';
import { costOf, EDGE, findBelow } from '../../lib/process-cost.ts';
import { makeScratch } from '../../lib/scratch.ts';
import { median } from '../../lib/statistics.ts';
import { reportFigure } from '../../table/figures.ts';

/**
 * A log of a million events: what the edge needs to append one, against the same in a new log; and how fast its last 100,000 are
 * replayed to one reader of Server-Sent Events. No agent works: an event is appended by changing a session's title.
 *
 * `node bench/rows/edge/log.ts [EVENTS] [ROUNDS]`
 */

const EVENTS = Number(process.argv[2] ?? 1_000_000);
const ROUNDS = Number(process.argv[3] ?? 10);
const REPLAYED = Math.min(100_000, EVENTS - 1000);
/** Events that are appended in one round, one after another, to each of both logs. */
const APPENDED = 100;
const REPLAYS = 5;
const SECRET = 'of a measurement on loopback, and of nothing else';
/** No bound is measured, and nothing is pruned. */
const VARS = {
  JWT_SECRET: SECRET,
  RATE_LIMIT_PER_OWNER: '0',
  RATE_LIMIT_PER_ADDRESS: '0',
  EVENT_LOG_MB: '0',
  EVENT_RETENTION_DAYS: '0',
  ACCESS_LOG: 'errors',
};

let edge: Edge;
let token: string;

/** @throws when the call is refused */
async function call(method: string, url: string, body: object): Promise<unknown> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const answer = await fetch(`${edge.url}/api/v1${url}`, { method, headers, body: JSON.stringify(body) });
  const said: unknown = await answer.json();
  if (!answer.ok) throw new Error(`${method} ${url} answered ${answer.status}: ${JSON.stringify(said)}`);
  return said;
}

const newSession = async () => createdSession.parse(await call('POST', '/sessions', {})).session_id;

/** The number of the newest event of a session. */
const lastOf = async (id: string) =>
  z.object({ last_seq: z.int() }).parse(await call('PATCH', `/sessions/${id}`, { title: `at ${Date.now()}` })).last_seq;

/** Processor time of the edge for an event that is appended, microseconds. */
async function append(id: string, round: number): Promise<number> {
  const process = await findBelow(EDGE);
  const before = await costOf(process);
  for (let n = 0; n < APPENDED; n += 1) await call('PATCH', `/sessions/${id}`, { title: `${round} ${n}` });
  return ((await costOf(process)).cpuMs - before.cpuMs) * (1000 / APPENDED);
}

/** Events a second of a replay. */
async function replay(id: string, last: number): Promise<number> {
  const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream' };
  const ended = new AbortController();
  const began = performance.now();
  const url = `${edge.url}/api/v1/sessions/${id}/events?after=${last - REPLAYED}`;
  const { body } = await fetch(url, { headers, signal: ended.signal });
  if (body === null) throw new Error('the stream has no body');
  const end = `\nid: ${last}\n`;
  let tail = '';
  for await (const chunk of body) {
    const text = tail + Buffer.from(chunk).toString('latin1');
    if (text.includes(end)) break;
    tail = text.slice(-end.length);
  }
  const took = performance.now() - began;
  ended.abort();
  return (REPLAYED / took) * 1000;
}

const { folder, remove } = await makeScratch();
try {
  const { worker } = await makeBundles('worker');
  const stateFolder = path.join(folder, 'edge');
  const start = () => startEdge({ worker, host: '127.0.0.1', port: 0, stateFolder, vars: VARS });
  token = await mintToken(SECRET, { kind: 'user', sub: 'bench', ttlSeconds: 3600 });
  edge = await start();
  const long = await newSession();
  for (let n = 0; n < 20; n += 1) await call('PATCH', `/sessions/${long}`, { title: `title ${n}` });
  await edge.stop();
  await lengthenLog(stateFolder, EVENTS);
  edge = await start();
  const short = await newSession();
  const [inLong, inShort]: [number[], number[]] = [[], []];
  // What comes first warms up.
  for (const id of [long, short]) await append(id, -1);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const id of round % 2 === 0 ? [long, short] : [short, long])
      (id === long ? inLong : inShort).push(await append(id, round));
  }
  const ratio = median(inLong) / median(inShort);
  console.log(`  event ${EVENTS + 1} of a log: ${median(inLong).toFixed(0)} µs of the edge's processor time`);
  console.log(`  one of the first ${(ROUNDS + 1) * APPENDED}: ${median(inShort).toFixed(0)} µs; ${ratio.toFixed(2)} ×`);
  reportFigure('log.millionth', ratio);
  const last = await lastOf(long);
  if (last < EVENTS) throw new Error(`the log has ${last} events`);
  const rates: number[] = [];
  for (let n = 0; n < REPLAYS; n += 1) rates.push(await replay(long, last));
  console.log(
    `  replay of ${REPLAYED} events by SSE: ${median(rates).toFixed(0)} a second, best ${Math.max(...rates).toFixed(0)}`,
  );
  reportFigure('log.replay', median(rates));
  await edge.stop();
} finally {
  await remove();
}
process.exit(0);
