import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { createConnection, createServer } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { WRAPPER_FLAGS } from '../../../protocol/link/wrapper/wrapper-flags.ts';
import { bundleWorker } from '../../../scripts/bundle.ts';
import { workerdConfig } from '../../../start/edge/workerd/config.ts';
import { startWorkerd } from '../../../start/edge/workerd/workerd.ts';
import { readWranglerConfig } from '../../../start/edge/workerd/wrangler-config.ts';
import { exactCpuMs } from '../../lib/process-cost.ts';
import { makeScratch } from '../../lib/scratch.ts';
import { WORD_MS, wordPreview } from '../../lib/word-preview.ts';
import { reportFigure } from '../../table/figures.ts';

/**
 * The least that a preview can cost on its way through Node, Node and workerd: as `preview-cost.ts`, but each part only passes on what it
 * reads, and checks, parses and keeps nothing.
 *
 * `node bench/rows/edge/preview-floor.ts [SESSIONS] [SECONDS]`
 */

const [role, place = '', id = ''] = process.argv.slice(2);
const ends: (() => unknown)[] = [];

/** Says words, in the place of `claude`. */
function sayWords(): void {
  let n = 0;
  setInterval(() => process.stdout.write(`${wordPreview(place, n++)}\n`), WORD_MS);
}

/** Passes on what a `claude` says to the runner's socket. */
function passWords(): void {
  const link = createConnection(place);
  link.write(`${id}\n`);
  const words = spawn(process.execPath, [import.meta.filename, 'words', id], { stdio: ['ignore', 'pipe', 'inherit'] });
  words.stdout.on('data', (chunk: Buffer) => link.write(`${JSON.stringify({ line: chunk.toString() })}\n`));
  link.on('close', () => words.kill());
  process.on('SIGTERM', () => {
    words.kill();
    process.exit();
  });
}

/** Passes on what comes over its unix socket to the edge, `id` its address: a WebSocket for each connection. */
function relay(): void {
  const server = createServer((link) => {
    link.once('data', (hello) => {
      const socket = new WebSocket(`${id}/data?id=${hello.toString().split('\n')[0]}`, { perMessageDeflate: false });
      socket.on('open', () => link.on('data', (chunk) => socket.send(chunk.toString())));
      socket.on('close', () => link.destroy());
    });
  });
  server.listen(place, () => console.log('ready'));
}

function start(...words: readonly string[]): ChildProcess {
  const flags = words[0] === 'wrapper' ? WRAPPER_FLAGS : [];
  const child = spawn(process.execPath, [...flags, import.meta.filename, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  ends.unshift(() => child.kill());
  return child;
}

/** @returns its process id, and its address */
async function startEdge(folder: string): Promise<{ pid: number; url: string }> {
  const worker = await bundleWorker('bench/lib/workers/bare-worker.ts', path.join(folder, 'worker.mjs'));
  const objects = { bindings: [{ name: 'SESSION', class_name: 'BareSession' }] };
  const network = { allow: [], deny: [], trustedCertificates: [] };
  const [file, objectsFolder] = [path.join(folder, 'config.capnp'), path.join(folder, 'objects')];
  await mkdir(objectsFolder);
  const text = workerdConfig({
    config: { ...readWranglerConfig(), durable_objects: objects },
    file,
    worker,
    objectsFolder,
    assetsFolder: folder,
    texts: [],
    outbound: network,
    webhooks: network,
    diskAddress: '127.0.0.1:1',
  });
  await writeFile(file, text);
  let pid = 0;
  const onProcess = (own: number): Promise<void> => Promise.resolve(void (pid = own));
  const workerd = await startWorkerd({
    file,
    address: '127.0.0.1:0',
    env: {},
    take: (output) => void output.resume(),
    onProcess,
  });
  ends.unshift(() => workerd.kill());
  return { pid, url: `ws://127.0.0.1:${workerd.port}` };
}

async function main(sessions: number, seconds: number): Promise<void> {
  const scratch = await makeScratch();
  ends.push(scratch.remove);
  const edge = await startEdge(scratch.folder);
  const link = path.join(scratch.folder, 'link.sock');
  const runner = start('runner', link, edge.url);
  if (runner.stdout !== null) await once(createInterface(runner.stdout), 'line');
  let previews = 0;
  const wrappers: ChildProcess[] = [];
  for (let n = 0; n < sessions; n += 1) {
    const viewer = new WebSocket(`${edge.url}/viewer?id=${n}`, { perMessageDeflate: false });
    viewer.on('message', () => (previews += 1));
    ends.unshift(() => viewer.terminate());
    await once(viewer, 'open');
    wrappers.push(start('wrapper', link, String(n)));
  }
  await delay(5000);
  const parts = { edge: [edge.pid], runner: [runner.pid ?? 0], wrappers: wrappers.map(({ pid = 0 }) => pid) };
  const look = () =>
    Promise.all(
      Object.values(parts).map(async (pids) => (await Promise.all(pids.map(exactCpuMs))).reduce((a, b) => a + b)),
    );
  const before = await look();
  const seen = previews;
  await delay(seconds * 1000);
  const after = await look();
  const count = previews - seen;
  const each = after.map((ms, n) => (ms - (before[n] ?? 0)) / count);
  const sum = each.reduce((all, ms) => all + ms, 0);
  reportFigure('preview.floor', sum);
  const named = Object.keys(parts).map((name, n) => `${name} ${(each[n] ?? 0).toFixed(2)}`);
  console.log(
    `by relays that do nothing else: ${sum.toFixed(2)} ms (${named.join(', ')}), ${(count / seconds).toFixed(0)} a second`,
  );
}

if (role === 'words') sayWords();
else if (role === 'wrapper') passWords();
else if (role === 'runner') relay();
else {
  try {
    await main(Number(role ?? 4), Number(place || 10));
  } finally {
    for (const end of ends) await end();
  }
}
