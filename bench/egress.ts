import { execFile, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttp, type RequestListener } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { parsePrivateGrant } from '../runner/egress/address.ts';
import { openEgressProxy } from '../runner/egress/proxy.ts';
import { parseRule } from '../runner/egress/rule.ts';
import { createLog } from '../runner/log.ts';
import { certificateFor } from '../test/e2e/support/certificate.ts';
import { openEgress } from '../wrapper/egress.ts';

/**
 * What the way out costs: 100 MB by curl past the proxy, and through the wrapper's listener and the runner's proxy, each in a
 * process of its own, as in a session. Past it there is loopback alone, which no network is as fast as: the ratio is the worst case.
 *
 * `node bench/egress.ts [--rounds N]`
 */

const BYTES = 100 * 1024 * 1024;
const ROUNDS = Number(process.argv[process.argv.indexOf('--rounds') + 1]) || 7;
const GOAL = 0.7;
const run = promisify(execFile);

const [role, argument = ''] = process.argv.slice(2);
// Each part ends with the process that measures.
process.once('disconnect', () => process.exit());
if (role === 'origin') await origin();
else if (role === 'proxy') await proxy(argument);
else if (role === 'wrapper') await wrapper(argument);
else await measure();

async function origin(): Promise<void> {
  const chunk = Buffer.alloc(256 * 1024, 'x');
  const answer: RequestListener = (_request, response) => {
    response.writeHead(200, { 'content-length': BYTES });
    let left = BYTES;
    const fill = (): void => {
      while (left > 0) {
        left -= chunk.length;
        if (!response.write(chunk)) return void response.once('drain', fill);
      }
      response.end();
    };
    fill();
  };
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
  process.on('message', () => process.send?.({ peak: residentMb('VmHWM'), now: residentMb('VmRSS') }));
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
  process.send?.({ port });
}

async function measure(): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'egress-bench-'));
  const socketPath = path.join(folder, 'proxy.sock');
  const children: ChildProcess[] = [];
  const start = async (...args: string[]): Promise<{ child: ChildProcess; said: Record<string, number> }> => {
    const child = fork(import.meta.filename, args);
    children.push(child);
    child.on('message', () => {});
    const [said] = (await once(child, 'message')) as [Record<string, number>];
    return { child, said };
  };
  try {
    const { plain = 0, tls = 0 } = (await start('origin')).said;
    const { child: proxyProcess } = await start('proxy', socketPath);
    const { port = 0 } = (await start('wrapper', socketPath)).said;
    const memory = async (): Promise<Record<string, number>> => {
      const answer = once(proxyProcess, 'message');
      proxyProcess.send({});
      const [said] = (await answer) as [Record<string, number>];
      return said;
    };
    const through = ['--proxy', `http://127.0.0.1:${port}`];
    const ways = {
      'https by CONNECT': { url: `https://127.0.0.1:${tls}/`, args: through },
      'http by CONNECT': { url: `http://127.0.0.1:${plain}/`, args: [...through, '--proxytunnel'] },
      'http, absolute form': { url: `http://127.0.0.1:${plain}/`, args: through },
    };
    let missed = false;
    for (const [name, { url, args }] of Object.entries(ways)) {
      // One of each to warm up; then in turns, so that the machine's moods meet both.
      await download(url, []);
      await download(url, args);
      const before = await memory();
      const past: number[] = [];
      const by: number[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        past.push(await download(url, []));
        by.push(await download(url, args));
      }
      const after = await memory();
      const ratio = median(by) / median(past);
      missed ||= ratio < GOAL && name.startsWith('https');
      console.log(
        `${name.padEnd(20)} past ${mb(median(past))}  through ${mb(median(by))}  ratio ${ratio.toFixed(2)}` +
          `  proxy's memory ${before['now'] ?? 0} → ${after['now'] ?? 0} MB (peak ${after['peak'] ?? 0})`,
      );
    }
    if (missed) process.exitCode = 1;
  } finally {
    for (const child of children) child.kill();
    await rm(folder, { recursive: true, force: true });
  }
}

/** @returns bytes a second */
async function download(url: string, args: readonly string[]): Promise<number> {
  const common = ['--silent', '--show-error', '--fail', '--insecure', '--noproxy', '', '--output', '/dev/null'];
  const env = { PATH: process.env['PATH'] ?? '' };
  const { stdout } = await run('curl', [...common, '--write-out', '%{size_download} %{time_total}', ...args, url], {
    env,
  });
  const [size = 0, seconds = 1] = stdout.split(' ').map(Number);
  if (size !== BYTES) throw new Error(`${size} bytes came`);
  return size / seconds;
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function residentMb(field: string): number {
  const [, kb = '0'] = new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Math.round(Number(kb) / 1024);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

function mb(bytesPerSecond: number): string {
  return `${Math.round(bytesPerSecond / 1e6)} MB/s`.padStart(9);
}
