import { execFile, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttp, type RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { parsePrivateGrant } from '../../../runner/egress/policy/address.ts';
import { openEgressProxy } from '../../../runner/egress/proxy/proxy.ts';
import { parseRule } from '../../../runner/egress/policy/rule.ts';
import { createLog } from '../../../runner/lib/log.ts';
import { certificateFor } from '../../../test/support/net/certificate.ts';
import { openEgress } from '../../../wrapper/workspace/egress.ts';
import { residentMb } from '../../lib/memory.ts';
import { median } from '../../lib/statistics.ts';
import { reportFigure } from '../../table/figures.ts';

/**
 * The cost of a session's egress: curl downloads 100 MB directly ("past"), and through the wrapper's listener and the runner's
 * proxy. Each of these is a process of its own, as in a session. One server sends no faster than a network would. The other
 * sends as fast as it can over loopback: there all parts share the cores, so the figure mainly shows the number of cores.
 *
 * `node bench/rows/runner/egress.ts [--rounds N]`
 */

const BYTES = 100 * 1024 * 1024;
const ROUNDS = Number(process.argv[process.argv.indexOf('--rounds') + 1]) || 7;
const GOAL = 0.7;
/** The server's sending rate, Gbit/s. */
const PACES = [1, 10, Infinity];
const run = promisify(execFile);

const [role, argument = ''] = process.argv.slice(2);
// Each part ends together with the process that measures.
process.once('disconnect', () => process.exit());
if (role === 'origin') await origin();
else if (role === 'proxy') await proxy(argument);
else if (role === 'wrapper') await wrapper(argument);
else await measure();

async function origin(): Promise<void> {
  const chunk = Buffer.alloc(256 * 1024, 'x');
  const answer: RequestListener = (request, response) => {
    const bytesPerMs = Number(request.url?.slice(1)) * 125_000;
    const begun = performance.now();
    response.writeHead(200, { 'content-length': BYTES });
    let sent = 0;
    const fill = (): void => {
      while (sent < BYTES) {
        if (sent > (performance.now() - begun) * bytesPerMs) return void setTimeout(fill, 1);
        sent += chunk.length;
        if (!response.write(chunk)) return void response.once('drain', fill);
      }
      response.end();
    };
    fill();
  };
  process.on('message', () => process.send?.({ cpu: cpuSeconds() }));
  const certificate = await certificateFor('localhost');
  const plain = await listen(createHttp(answer));
  const tls = await listen(createHttps(certificate, answer));
  process.send?.({ plain, tls });
}

async function proxy(socketPath: string): Promise<void> {
  const rule = parseRule('*:*');
  const grant = parsePrivateGrant('127.0.0.1');
  if (rule === undefined || grant === undefined) throw new Error('no rule');
  await openEgressProxy({
    socketPath,
    policy: { session: [rule], ceiling: [rule], private: [grant] },
    onDecision: () => {},
    log: createLog('warn'),
  });
  process.on('message', () =>
    process.send?.({ peak: residentMb('VmHWM'), now: residentMb('VmRSS'), cpu: cpuSeconds() }),
  );
  process.send?.({});
}

async function wrapper(socket: string): Promise<void> {
  const free = createHttp();
  const port = await listen(free);
  free.close();
  await once(free, 'close');
  const { opened } = openEgress({ socket, proxy_port: port, forwards: [] });
  const problem = await opened;
  if (problem !== null) throw new Error(problem);
  process.on('message', () => process.send?.({ cpu: cpuSeconds() }));
  process.send?.({ port });
}

/** Rows of the table, at 10 Gbit/s. */
const FIGURES: Readonly<Record<string, 'egress.https' | 'egress.http'>> = {
  'https by CONNECT': 'egress.https',
  'http by CONNECT': 'egress.http',
};

async function measure(): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'egress-bench-'));
  const socketPath = path.join(folder, 'proxy.sock');
  const children: ChildProcess[] = [];
  const start = async (...args: string[]): Promise<{ child: ChildProcess; report: Record<string, number> }> => {
    const child = fork(import.meta.filename, args);
    children.push(child);
    child.on('message', () => {});
    const [report] = (await once(child, 'message')) as [Record<string, number>];
    return { child, report };
  };
  try {
    const { child: server, report: ports } = await start('origin');
    const { child: proxyProcess } = await start('proxy', socketPath);
    const { child: listener, report: listening } = await start('wrapper', socketPath);
    const cpuOfAll = async (): Promise<number[]> => {
      const all = await Promise.all([server, proxyProcess, listener].map(requestReport));
      return all.map(({ cpu = 0 }) => cpu);
    };
    const through = ['--proxy', `http://127.0.0.1:${listening['port']}`];
    const routes = {
      'https by CONNECT': { url: `https://127.0.0.1:${ports['tls']}/`, args: through },
      'http by CONNECT': { url: `http://127.0.0.1:${ports['plain']}/`, args: [...through, '--proxytunnel'] },
      'http, absolute form': { url: `http://127.0.0.1:${ports['plain']}/`, args: through },
    };
    let missed = false;
    for (const pace of PACES) {
      console.log(
        `\na server ${Number.isFinite(pace) ? `that sends ${pace} Gbit/s` : 'as fast as it can, over bare loopback'}`,
      );
      // At this pace a download takes a second.
      const rounds = pace === 1 ? Math.min(ROUNDS, 3) : ROUNDS;
      for (const [name, { url, args }] of Object.entries(routes)) {
        // One of each to warm up. Then in turns, so that other work of the machine slows down both.
        await download(url + pace, []);
        await download(url + pace, args);
        const before = await requestReport(proxyProcess);
        const direct: Download[] = [];
        const proxied: Download[] = [];
        const cpu = [0, 0, 0];
        for (let round = 0; round < rounds; round++) {
          direct.push(await download(url + pace, []));
          const from = await cpuOfAll();
          proxied.push(await download(url + pace, args));
          const to = await cpuOfAll();
          for (const part of cpu.keys()) cpu[part] = (cpu[part] ?? 0) + (to[part] ?? 0) - (from[part] ?? 0);
        }
        const after = await requestReport(proxyProcess);
        const ratio = rate(proxied) / rate(direct);
        missed ||= ratio < GOAL;
        const figure = pace === 10 ? FIGURES[name] : undefined;
        if (figure !== undefined) reportFigure(figure, ratio);
        console.log(
          `  ${ratio < GOAL ? 'MISSED' : 'met   '} ${name.padEnd(19)} past ${mb(rate(direct))}  through ${mb(rate(proxied))}  ratio ${ratio.toFixed(2)}` +
            `  proxy's memory ${before['now'] ?? 0} → ${after['now'] ?? 0} MB (peak ${after['peak'] ?? 0})`,
        );
        const perGb = [...cpu, sum(proxied.map((one) => one.cpu))].map((spent) => (spent / (rounds * BYTES)) * 1e9);
        const named = ['server', 'proxy', 'wrapper', 'curl'].map((part, n) => `${part} ${(perGb[n] ?? 0).toFixed(2)}`);
        console.log(`         CPU seconds a GB, through: ${named.join(', ')}`);
      }
    }
    if (missed) process.exitCode = 1;
  } finally {
    for (const child of children) child.kill();
    await rm(folder, { recursive: true, force: true });
  }
}

async function requestReport(child: ChildProcess): Promise<Record<string, number>> {
  const answer = once(child, 'message');
  child.send({});
  const [report] = (await answer) as [Record<string, number>];
  return report;
}

interface Download {
  bytesPerSecond: number;
  /** CPU seconds of curl. */
  cpu: number;
}

async function download(url: string, args: readonly string[]): Promise<Download> {
  const common = ['--silent', '--show-error', '--fail', '--insecure', '--noproxy', '', '--output', '/dev/null'];
  const env = { PATH: process.env['PATH'] ?? '' };
  const timed = ['--norc', '-c', 'TIMEFORMAT="%U %S"; time curl "$@"', 'bash'];
  const { stdout, stderr } = await run(
    'bash',
    [...timed, ...common, '--write-out', '%{size_download} %{time_total}', ...args, url],
    { env },
  );
  const [size = 0, seconds = 1] = stdout.split(' ').map(Number);
  if (size !== BYTES) throw new Error(`${size} bytes came`);
  return { bytesPerSecond: size / seconds, cpu: sum(stderr.trim().split(' ').map(Number)) };
}

function rate(downloads: readonly Download[]): number {
  return median(downloads.map(({ bytesPerSecond }) => bytesPerSecond));
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function mb(bytesPerSecond: number): string {
  return `${Math.round(bytesPerSecond / 1e6)} MB/s`.padStart(9);
}
