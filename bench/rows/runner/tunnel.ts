import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { WebSocket } from 'ws';
import { STREAMS_FOLDER, STREAMS_SOCKET } from '../../../protocol/link/tunnel/streams.ts';
import { createLog } from '../../../runner/lib/log.ts';
import { SessionTunnel } from '../../../runner/link/tunnel/session-tunnel.ts';
import { StreamServer } from '../../../runner/link/tunnel/stream-server.ts';
import { bundleWorker } from '../../../scripts/bundle.ts';
import { processFileOf, startEdge } from '../../../start/edge/edge.ts';
import { portStreams } from '../../../wrapper/streams/port-stream.ts';
import { Streams } from '../../../wrapper/streams/streams.ts';
import { residentMb } from '../../lib/memory.ts';
import { quantile } from '../../lib/statistics.ts';
import { reportFigure } from '../../table/figures.ts';

/**
 * A page of a container through the tunnel, beside its bare time, and the memory of all parts while 200 MB go through. Server,
 * wrapper's part, runner's part and workerd are processes of their own, as in a session; the object in workerd has the tunnel and
 * nothing else. The rounds of both ways alternate, so that other work of the machine slows down both.
 *
 * `node bench/rows/runner/tunnel.ts [--pages N]`
 */

const PAGES = Number(process.argv[process.argv.indexOf('--pages') + 1]) || 2_000;
const PAGE = '<p>A page of a dev server.</p>\n'.repeat(200);
const LARGE = 200 * 1024 * 1024;
/** Milliseconds over the bare time, and megabytes over the memory before. */
const GOALS = { ms: 3, mb: 48 };

const [role, folder = ''] = process.argv.slice(2);
// Each part ends together with the process that measures.
process.once('disconnect', () => process.exit());
if (role === 'server') await server();
else if (role === 'wrapper') wrapper();
else if (role === 'runner') await runner();
else await measure();

function reportMemory(): void {
  process.on('message', () => process.send?.({ now: residentMb('VmRSS'), peak: residentMb('VmHWM') }));
}

async function server(): Promise<void> {
  const chunk = Buffer.alloc(256 * 1024, 'x');
  const listening = http.createServer((request, response) => {
    let sent = 0;
    const fill = (): void => {
      while (sent < LARGE) {
        sent += chunk.length;
        if (!response.write(chunk)) return void response.once('drain', fill);
      }
      response.end();
    };
    if (request.url === '/large') {
      response.writeHead(200, { 'content-length': LARGE });
      fill();
    } else response.end(PAGE);
  });
  listening.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  process.send?.({ port: (listening.address() as AddressInfo).port });
}

function wrapper(): void {
  const streams = new Streams(path.join(folder, STREAMS_SOCKET), { port: portStreams(() => true) });
  process.once('SIGTERM', () => {
    streams.close();
    process.exit();
  });
  reportMemory();
  process.send?.({});
}

async function runner(): Promise<void> {
  const edge = process.argv[4] ?? '';
  const log = createLog('warn');
  const streams = await StreamServer.open(path.join(folder, STREAMS_SOCKET), log);
  const tunnel = new SessionTunnel({ url: `${edge}/tunnel`, token: 'none', streams, log });
  const ask = new WebSocket(`${edge.replace(/^http/, 'ws')}/ask`);
  ask.on('message', () => tunnel.ask());
  await once(ask, 'open');
  reportMemory();
  process.send?.({});
}

async function measure(): Promise<void> {
  const scratch = await mkdtemp(path.join(os.tmpdir(), 'tunnel-bench-'));
  const children: ChildProcess[] = [];
  const start = async (...args: string[]): Promise<{ child: ChildProcess; port?: number }> => {
    const child = fork(import.meta.filename, args);
    children.push(child);
    const [report] = (await once(child, 'message')) as [{ port?: number }];
    return { child, ...report };
  };
  await mkdir(path.join(scratch, STREAMS_FOLDER));
  const worker = await bundleWorker('test/edge/support/workers/tunnel-worker.ts', path.join(scratch, 'worker.mjs'));
  const stateFolder = path.join(scratch, 'edge');
  const edge = await startEdge({
    worker,
    host: '127.0.0.1',
    port: 0,
    stateFolder,
    vars: {},
    config: {
      name: 'tunnel',
      compatibility_date: '2026-10-01',
      compatibility_flags: ['no_web_socket_compression'],
      durable_objects: { bindings: [{ name: 'SESSION', class_name: 'Session' }] },
      migrations: [{ tag: 'v1', new_sqlite_classes: ['Session'] }],
      vars: {},
    },
  });
  try {
    const [{ port }, runnerPart] = [await start('server'), await start('runner', scratch, edge.url)];
    const wrapperPart = await start('wrapper', scratch);
    const ways = { bare: `http://127.0.0.1:${port}`, tunnel: `${edge.url}/${port}` };
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    const times = { bare: [] as number[], tunnel: [] as number[] };
    for (let page = 0; page < PAGES + 200; page += 1) {
      for (const way of ['bare', 'tunnel'] as const) {
        const took = await get(`${ways[way]}/page`, agent, PAGE.length);
        // The first ones warm up.
        if (page >= 200) times[way].push(took);
      }
    }
    let missed = false;
    for (const q of [0.5, 0.99]) {
      const [bare, tunnel] = [quantile(times.bare, q), quantile(times.tunnel, q)];
      missed ||= tunnel - bare > GOALS.ms;
      if (q === 0.5) reportFigure('tunnel.p50', tunnel - bare);
      console.log(
        `  ${tunnel - bare > GOALS.ms ? 'MISSED' : 'met   '} a page, p${q * 100}  bare ${bare.toFixed(2)} ms  tunnel ${tunnel.toFixed(2)} ms  ` +
          `over it ${(tunnel - bare).toFixed(2)} ms (≤ ${GOALS.ms})`,
      );
    }
    const workerd = Number(/\d+/.exec(readFileSync(processFileOf(stateFolder), 'utf8'))?.[0]);
    const memory = async (): Promise<Record<string, number>> => ({
      workerd: rssOf(workerd),
      runner: await ask(runnerPart.child),
      wrapper: await ask(wrapperPart.child),
    });
    // Once before: what is loaded and allocated for the first time is not what grows.
    await get(`${ways.tunnel}/large`, agent, LARGE);
    const before = await memory();
    let peak = before;
    const watch = setInterval(() => {
      void memory().then(
        (now) =>
          (peak = Object.fromEntries(Object.entries(now).map(([part, mb]) => [part, Math.max(mb, peak[part] ?? 0)]))),
      );
    }, 100);
    const took = await get(`${ways.tunnel}/large`, agent, LARGE);
    clearInterval(watch);
    const after = await memory();
    for (const part of ['workerd', 'runner', 'wrapper']) {
      const grown = (peak[part] ?? 0) - (before[part] ?? 0);
      missed ||= grown > GOALS.mb;
      console.log(
        `  ${grown > GOALS.mb ? 'MISSED' : 'met   '} 200 MB, memory of ${part.padEnd(8)} before ${before[part]} MB  most ${peak[part]} MB  after ${after[part]} MB`,
      );
    }
    console.log(
      `         200 MB took ${(took / 1000).toFixed(1)} s; bare ${((await get(`${ways.bare}/large`, agent, LARGE)) / 1000).toFixed(1)} s`,
    );
    if (missed) process.exitCode = 1;
  } finally {
    for (const child of children) child.kill();
    await edge.stop();
    await rm(scratch, { recursive: true, force: true });
  }
}

async function ask(child: ChildProcess): Promise<number> {
  const answer = once(child, 'message');
  child.send({});
  const [{ now }] = (await answer) as [{ now: number }];
  return now;
}

function rssOf(pid: number): number {
  const [, kb = '0'] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Math.round(Number(kb) / 1024);
}

/** @returns milliseconds until all of it is here */
function get(url: string, agent: http.Agent, size: number): Promise<number> {
  const begun = performance.now();
  return new Promise((resolve, reject) => {
    http
      .get(url, { agent }, (answer) => {
        let bytes = 0;
        answer.on('data', (chunk: Buffer) => (bytes += chunk.length));
        answer.on('end', () => {
          if (bytes === size) resolve(performance.now() - begun);
          else reject(new Error(`${bytes} bytes came, and not ${size}: ${answer.statusCode}`));
        });
        answer.on('error', reject);
      })
      .on('error', reject);
  });
}
