import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { WRAPPER_FLAGS } from '../../protocol/link/wrapper/wrapper-flags.ts';
import { bundleWrapper } from '../../scripts/bundle.ts';
import { exactCpuMs } from '../lib/process-cost.ts';
import { makeScratch } from '../lib/scratch.ts';
import { SILENT_CLAUDE } from '../lib/silent-claude.ts';
import { median } from '../lib/statistics.ts';

/**
 * What the wrapper's start costs beside a Node that does nothing: processor time until its `claude` is ready, and memory a second later. In
 * the place of `claude` is a script, so that nothing else is measured. In turns with other bundles, if any are named: `build/wrapper.mjs`
 * of another version.
 *
 * `node bench/rows/wrapper-start.ts [ROUNDS] [BUNDLE…]`
 */

const ROUNDS = Number(process.argv[2] ?? 9);

interface Cost {
  readonly cpuMs: number;
  readonly rssMb: number;
  readonly pssMb: number;
}

const scratch = await makeScratch();

/** @param ready settles when it has started */
async function costOf(child: ChildProcess, ready: Promise<unknown>): Promise<Cost> {
  const { pid } = child;
  if (pid === undefined) throw new Error('it does not start');
  const failed = once(child, 'exit').then(() => Promise.reject(new Error('it has ended')));
  await Promise.race([ready, failed]);
  const cpuMs = await exactCpuMs(pid);
  await delay(1000);
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
  const mb = (what: string): number => Number(new RegExp(`^${what}:\\s+(\\d+)`, 'm').exec(text)?.[1]) / 1024;
  failed.catch(() => {});
  child.kill('SIGKILL');
  await once(child, 'exit');
  return { cpuMs, rssMb: mb('Rss'), pssMb: mb('Pss') };
}

async function wrapper(bundle: string): Promise<Cost> {
  const folder = scratch.folder;
  const at = (name: string): string => path.join(folder, name);
  const server = createServer();
  const ready = new Promise<void>((resolve) => server.on('connection', (socket) => answer(socket, resolve)));
  server.listen(at('link.sock'));
  await once(server, 'listening');
  const launch = {
    session_id: '0198b3c2-0000-7000-8000-000000000001',
    epoch: 1,
    resume: false,
    claude: at('claude'),
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '' },
    link_socket: at('link.sock'),
    scratch: folder,
    seal: false,
    more_tools: ['share_port'],
    config: { agent_tools: ['ask_user'] },
  };
  await writeFile(at('claude'), SILENT_CLAUDE, { mode: 0o755 });
  await writeFile(at('launch.json'), JSON.stringify(launch));
  const words = [...WRAPPER_FLAGS, bundle, at('launch.json')];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'inherit'] });
  const cost = await costOf(child, ready);
  server.close();
  return cost;
}

function answer(socket: Socket, ready: () => void): void {
  socket.on('error', () => {});
  socket.setEncoding('utf8').on('data', (text: string) => {
    if (text.includes('"kind":"hello"')) socket.write('{"kind":"welcome","stored":0}\n');
    if (text.includes('"notice":"ready"')) ready();
  });
}

async function emptyNode(): Promise<Cost> {
  const source = 'console.log(1); setInterval(() => {}, 1e6)';
  const child = spawn(process.execPath, [...WRAPPER_FLAGS, '-e', source], { stdio: ['ignore', 'pipe', 'inherit'] });
  return await costOf(child, once(child.stdout, 'data'));
}

try {
  const bundles = [await bundleWrapper(), ...process.argv.slice(3)].map((file) => path.resolve(file));
  const contenders = new Map<string, () => Promise<Cost>>([['Node alone', emptyNode]]);
  for (const bundle of bundles) contenders.set(bundle, () => wrapper(bundle));
  const costs = new Map([...contenders.keys()].map((name) => [name, [] as Cost[]]));
  for (let round = 0; round < ROUNDS; round += 1)
    for (const [name, run] of contenders) costs.get(name)?.push(await run());
  for (const [name, all] of costs) {
    const of = (key: keyof Cost): string => median(all.map((cost) => cost[key])).toFixed(1);
    console.log(`CPU ${of('cpuMs')} ms  RSS ${of('rssMb')} MB  PSS ${of('pssMb')} MB  ${name}`);
  }
} finally {
  await scratch.remove();
}
