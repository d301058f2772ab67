import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { findClaude } from '../../../container/build/claude-binary.ts';
import { createdSession } from '../../../protocol/api/session/session.ts';
import { isRefused } from '../../../start/lib/refused.ts';
import { EDGE, findBelow } from '../../lib/process-cost.ts';
import { makeScratch } from '../../lib/scratch.ts';
import { INSTANT } from '../../lib/script.ts';
import { startService, type Service } from '../../lib/service.ts';
import { chat, post } from '../../lib/stack-session.ts';
import { quantile } from '../../lib/statistics.ts';

/**
 * One tenant at each of its bounds, and what another one feels: the time of its `GET` of a session, against the same in quiet,
 * and the memory of the edge (workerd).
 *
 * `node bench/rows/edge/bounds.ts [SECONDS]`
 */

const SECONDS = Number(process.argv[2] ?? 20);
/** Between two requests of the quiet tenant, milliseconds. */
const PAUSE_MS = 20;
const MOST_RATIO = 5;
const MOST_MB = 400;

/** The two tenants are at two addresses of the loopback. */
const elsewhere = new Agent({ localAddress: '127.0.0.2' });

const ends: (() => Promise<void>)[] = [];

/** The memory of the edge, MB. */
async function edgeMb(): Promise<number> {
  const status = await readFile(`/proc/${await findBelow(EDGE)}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024;
}

interface Felt {
  readonly p50: number;
  readonly p99: number;
  readonly mb: number;
}

/** Asks for a session of the quiet tenant, again and again. */
async function feel(service: Service, sessionId: string, seconds: number): Promise<Felt> {
  const times: number[] = [];
  let mb = 0;
  const until = performance.now() + seconds * 1000;
  let measured = 0;
  while (performance.now() < until) {
    const began = performance.now();
    const response = await request(`${service.url}/api/v1/sessions/${sessionId}`, {
      headers: { authorization: `Bearer ${service.token}` },
      dispatcher: elsewhere,
    });
    await response.body.dump();
    if (response.statusCode !== 200) throw new Error(`the quiet tenant got ${response.statusCode}`);
    times.push(performance.now() - began);
    if (performance.now() > measured + 1000) {
      mb = Math.max(mb, await edgeMb());
      measured = performance.now();
    }
    await delay(PAUSE_MS);
  }
  return { p50: quantile(times, 0.5), p99: quantile(times, 0.99), mb };
}

async function attack(
  name: string,
  service: Service,
  token: string,
  sessions: readonly string[],
): Promise<ChildProcess> {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'bounds-attack.ts'), name], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'], URL: service.url, TOKEN: token, SESSIONS: sessions.join(',') },
  });
  ends.unshift(async () => void child.kill('SIGKILL'));
  await new Promise<void>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line === 'begun') resolve();
      else console.log(`  ${name}: what became of it ${line}`);
    });
  });
  return child;
}

/** A `claude` that floods after its first result. */
async function makeFloodingClaude(folder: string, claude: string): Promise<string> {
  const program = path.join(folder, 'claude');
  const words = [process.execPath, path.join(import.meta.dirname, 'flood.ts'), claude].map((word) => `'${word}'`);
  await writeFile(
    program,
    `#!/bin/sh\nif [ ! -e '${folder}/flood' ]; then exec '${claude}' "$@"; fi\nexec ${words.join(' ')} "$@"\n`,
  );
  await chmod(program, 0o755);
  return program;
}

async function main(): Promise<number> {
  const found = await findClaude(process.arch === 'arm64' ? 'arm64' : 'x64');
  if (!found.ok) throw new Error(found.detail);
  const scratch = await makeScratch();
  ends.push(scratch.remove);
  const folder = path.join(scratch.folder, 'service');
  await mkdir(folder);
  const claude = await makeFloodingClaude(scratch.folder, found.path);
  const service = await startService(
    { backend: 'process', folder, claude, capacity: 1 },
    (stop) => void ends.unshift(stop),
  );
  if (isRefused(service)) throw new Error(service.refused);
  const token = await service.tokenOf('the busy tenant');
  const busy: Service = { ...service, token };

  const { session_id: quiet } = await post(service, '/sessions', {}, createdSession);
  // They wait for a runner that never comes, so that no agent of the busy tenant takes the processor: this is about the edge.
  const nowhere = { config: { runner: { labels: { bench: 'nowhere' } } } };
  const sessions: string[] = [];
  for (let n = 0; n < 4; n += 1) sessions.push((await post(busy, '/sessions', nowhere, createdSession)).session_id);
  await feel(service, quiet, 3);
  const calm = await feel(service, quiet, Math.max(10, SECONDS / 2));
  console.log(
    `${'in quiet'.padEnd(22)} p50 ${calm.p50.toFixed(1)} ms  p99 ${calm.p99.toFixed(1)} ms  edge ${calm.mb.toFixed(0)} MB`,
  );

  let missed = 0;
  const judge = (name: string, felt: Felt) => {
    const ratio = felt.p99 / calm.p99;
    const met = ratio <= MOST_RATIO && felt.mb <= MOST_MB;
    if (!met) missed += 1;
    console.log(
      `${met ? 'met   ' : 'MISSED'} ${name.padEnd(15)} p50 ${felt.p50.toFixed(1)} ms  p99 ${felt.p99.toFixed(1)} ms (${ratio.toFixed(1)} x)  edge ${felt.mb.toFixed(0)} MB`,
    );
  };
  for (const name of ['requests', 'viewers', 'prompts', 'halfSent']) {
    const child = await attack(name, service, token, sessions.slice(0, 3));
    judge(name, await feel(service, quiet, SECONDS));
    child.kill('SIGTERM');
    await once(child, 'exit');
    // What was left to do of it is not of the next one.
    await delay(2000);
  }
  // Now its own container has the place, and floods.
  for (const id of [quiet, ...sessions]) {
    const headers = { authorization: `Bearer ${id === quiet ? service.token : token}` };
    const method = id === quiet ? 'POST' : 'DELETE';
    await fetch(`${service.url}/api/v1/sessions/${id}${id === quiet ? '/stop' : ''}`, { method, headers });
  }
  await writeFile(path.join(scratch.folder, 'flood'), '');
  const { session_id: flooding } = await post(busy, '/sessions', {}, createdSession);
  await chat(busy, flooding, INSTANT);
  judge('events', await feel(service, quiet, SECONDS));
  const shown = await fetch(`${service.url}/api/v1/sessions/${flooding}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const { status, last_seq } = (await shown.json()) as { status: string; last_seq: number };
  console.log(`  events: the session is ${status}, with ${last_seq} events`);
  return missed === 0 ? 0 : 1;
}

let code = 1;
try {
  code = await main();
} finally {
  for (const end of ends) await end();
}
process.exit(code);
