import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Agent, request, type Dispatcher } from 'undici';
import { forwardToModel } from '../../../runner/model/forward.ts';
import { openModelGateway } from '../../../runner/model/gateway.ts';
import { createModelPool } from '../../../runner/model/pool.ts';
import { quantile } from '../../lib/statistics.ts';
import { reportFigure } from '../../table/figures.ts';

/**
 * What the gateway adds to a model call, from sending the request to the first byte of the answer. Calls go past the gateway
 * and through it in turn. The upstream, the gateway and the client are a process each, as in a session.
 *
 * `node bench/rows/runner/model-call.ts`
 */

const CALLS = 500;
const WARM_UP = 50;
const GOAL_MS = 2;
/** As large as Claude Code's first request of a session. */
const BODY = JSON.stringify({ model: 'm', stream: true, messages: [], padding: 'x'.repeat(49_000) });

const [role, argument = ''] = process.argv.slice(2);
// Each part ends together with the process that measures.
process.once('disconnect', () => process.exit());
if (role === 'upstream') await upstream();
else if (role === 'gateway') await gateway(argument);
else process.exitCode = await measure();

async function upstream(): Promise<void> {
  const server = createServer((request, response) => {
    request.resume().once('end', () => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end('event: ping\ndata: {"type":"ping"}\n\n');
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  process.send?.((server.address() as AddressInfo).port);
}

async function gateway(text: string): Promise<void> {
  const { socketPath, baseUrl } = JSON.parse(text) as { socketPath: string; baseUrl: string };
  const credential = { kind: 'api_key', value: 'sk-of-no-use' } as const;
  const handler = forwardToModel({ kind: 'anthropic', baseUrl, credential }, createModelPool());
  await openModelGateway({ socketPath, handler, log: () => undefined });
  process.send?.('open');
}

async function measure(): Promise<number> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'cc-docker-bench-'));
  const parts = [fork(import.meta.filename, ['upstream'])];
  try {
    const [port] = await once(parts[0] as NodeJS.EventEmitter, 'message');
    const baseUrl = `http://127.0.0.1:${port}`;
    const socketPath = path.join(folder, 'model.sock');
    const through = fork(import.meta.filename, ['gateway', JSON.stringify({ socketPath, baseUrl })]);
    parts.push(through);
    await once(through, 'message');
    return await compare(baseUrl, socketPath);
  } finally {
    for (const part of parts) part.kill();
    await rm(folder, { recursive: true, force: true });
  }
}

async function compare(baseUrl: string, socketPath: string): Promise<number> {
  const agents = { past: new Agent(), through: new Agent({ connect: { socketPath } }) };
  const samples: { past: number[]; through: number[] } = { past: [], through: [] };
  for (let call = 0; call < WARM_UP + CALLS; call += 1) {
    for (const route of ['past', 'through'] as const) {
      const ms = await firstByteMs(`${baseUrl}/v1/messages?beta=true`, agents[route]);
      if (call >= WARM_UP) samples[route].push(ms);
    }
  }
  await Promise.all([agents.past.close(), agents.through.close()]);
  const [past, through] = [quantile(samples.past, 0.5), quantile(samples.through, 0.5)];
  const added = quantile(
    samples.through.map((ms, call) => ms - (samples.past[call] ?? 0)),
    0.5,
  );
  const verdict = added <= GOAL_MS ? 'met' : 'MISSED';
  console.log(
    `a model call, p50 of ${CALLS} to the first byte: past ${past.toFixed(2)} ms, through ${through.toFixed(2)} ms`,
  );
  console.log(`  ${verdict}  the gateway adds ≤ ${GOAL_MS} ms: ${added.toFixed(2)} ms`);
  reportFigure('model-call', added);
  return added <= GOAL_MS ? 0 : 1;
}

async function firstByteMs(url: string, dispatcher: Dispatcher): Promise<number> {
  const start = performance.now();
  const { body } = await request(url, {
    method: 'POST',
    dispatcher,
    headers: { 'content-type': 'application/json' },
    body: BODY,
  });
  let first = 0;
  for await (const _ of body) first ||= performance.now() - start;
  return first;
}
