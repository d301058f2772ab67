import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { createdSession } from '../../../protocol/api/session/session.ts';
import { isRefused } from '../../../start/lib/refused.ts';
import { mintToken } from '../../../start/settings/mint-token.ts';
import { makeScratch } from '../../lib/scratch.ts';
import { startService } from '../../lib/service.ts';
import { post } from '../../lib/stack-session.ts';
import { median, pairedRatio } from '../../lib/statistics.ts';
import { startFastApi, startJose, type Contender } from '../../peers/contenders.ts';
import { reportFigure } from '../../table/figures.ts';

/**
 * `GET` of one session with a JWT over 32 connections that are kept: CC-Docker, FastAPI + Redis, and node:http with jose and a Map, in
 * turns. The load is wrk's.
 *
 * `node bench/rows/edge/get.ts [ROUNDS] [SECONDS]`
 */

const ROUNDS = Number(process.argv[2] ?? 7);
const SECONDS = Number(process.argv[3] ?? 3);
const CONNECTIONS = 32;
const SECRET = 'of a measurement on loopback, and of nothing else';

const ends: (() => Promise<void>)[] = [];
const onEnd = (end: () => Promise<void>) => void ends.unshift(end);

/** Answers a second. @throws when one was refused */
async function load({ url, token }: Contender): Promise<number> {
  const args = [
    '-t1',
    `-c${CONNECTIONS}`,
    `-d${SECONDS}s`,
    '--timeout',
    '30s',
    '-H',
    `Authorization: Bearer ${token}`,
    url,
  ];
  const { stdout } = await promisify(execFile)('wrk', args);
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(stdout);
  return Number(/^Requests\/sec:\s+([\d.]+)/m.exec(stdout)?.[1]);
}

async function own(folder: string): Promise<Contender> {
  const data = path.join(folder, 'service');
  await mkdir(data);
  // No bound is measured.
  const env = { RATE_LIMIT_PER_OWNER: '0', RATE_LIMIT_PER_ADDRESS: '0', ACCESS_LOG: 'errors' };
  const service = await startService({ backend: 'process', folder: data, env }, onEnd);
  if (isRefused(service)) throw new Error(service.refused);
  const nowhere = { config: { runner: { labels: { bench: 'nowhere' } } } };
  const { session_id } = await post(service, '/sessions', nowhere, createdSession);
  return { name: 'CC-Docker', url: `${service.url}/api/v1/sessions/${session_id}`, token: service.token };
}

async function main(): Promise<void> {
  await promisify(execFile)('which', ['wrk']).catch((error: unknown) => {
    throw new Error('it needs wrk (Debian: apt-get install wrk)', { cause: error });
  });
  const { folder, remove } = await makeScratch();
  onEnd(remove);
  const token = await mintToken(SECRET, { kind: 'user', sub: 'bench', ttlSeconds: 3600 });
  const options = { secret: SECRET, token, folder, onEnd };
  const ours = await own(folder);
  const jose = await startJose(options);
  const fastApi = await startFastApi(options);
  if (isRefused(fastApi)) console.log(`  FastAPI + Redis was not measured: ${fastApi.refused}`);
  const contenders = [ours, jose, ...(isRefused(fastApi) ? [] : [fastApi])];
  const rates = new Map(contenders.map((contender) => [contender, [] as number[]]));
  // What comes first warms up.
  for (const contender of contenders) await load(contender);
  for (let round = 0; round < ROUNDS; round += 1)
    for (const contender of round % 2 === 0 ? contenders : contenders.toReversed())
      rates.get(contender)?.push(await load(contender));
  const of = (contender: Contender) => rates.get(contender) ?? [];
  for (const contender of contenders) {
    const ratio = contender === ours ? '' : `CC-Docker: ${pairedRatio(of(ours), of(contender)).toFixed(2)} ×`;
    console.log(`  ${contender.name.padEnd(26)} ${median(of(contender)).toFixed(0).padStart(6)} a second   ${ratio}`);
  }
  reportFigure('get.jose', pairedRatio(of(ours), of(jose)));
  if (!isRefused(fastApi)) reportFigure('get.fastapi', pairedRatio(of(ours), of(fastApi)));
}

try {
  await main();
} finally {
  for (const end of ends) await end();
}
