import { chmod, mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findClaude } from '../../../container/build/claude-binary.ts';
import { createdSession } from '../../../protocol/api/session/session.ts';
import { isRefused } from '../../../start/lib/refused.ts';
import { EDGE, exactCpuMs, findAllBelow } from '../../lib/process-cost.ts';
import { makeScratch } from '../../lib/scratch.ts';
import { INSTANT } from '../../lib/script.ts';
import { startService } from '../../lib/service.ts';
import { chat, post } from '../../lib/stack-session.ts';
import { openStream } from '../../lib/stream-client.ts';
import { reportFigure } from '../../table/figures.ts';

/**
 * The processor time of a preview, by process: sessions say a word each 30 milliseconds, and each has one viewer.
 *
 * `node bench/rows/edge/preview-cost.ts [SESSIONS] [SECONDS]`
 */

const SESSIONS = Number(process.argv[2] ?? 4);
const SECONDS = Number(process.argv[3] ?? 10);

/** What a preview passes. */
const PARTS = { edge: EDGE, runner: /\boutlive-reader\.ts\b/, wrappers: /\bwrapper\.mjs\b/ };

const ends: (() => Promise<void>)[] = [];

/** Of all processes of a part, milliseconds. */
async function cost(command: RegExp): Promise<number> {
  const all = await Promise.all((await findAllBelow(command)).map(exactCpuMs));
  return all.reduce((sum, ms) => sum + ms, 0);
}

async function main(): Promise<void> {
  const found = await findClaude(process.arch === 'arm64' ? 'arm64' : 'x64');
  if (!found.ok) throw new Error(found.detail);
  const scratch = await makeScratch();
  ends.push(scratch.remove);
  const folder = path.join(scratch.folder, 'service');
  await mkdir(folder);
  const claude = path.join(scratch.folder, 'claude');
  const words = [process.execPath, path.join(import.meta.dirname, 'words.ts'), found.path].map((word) => `'${word}'`);
  await writeFile(claude, `#!/bin/sh\nexec ${words.join(' ')} "$@"\n`);
  await chmod(claude, 0o755);
  const service = await startService({ backend: 'process', folder, claude }, (stop) => void ends.unshift(stop));
  if (isRefused(service)) throw new Error(service.refused);
  let previews = 0;
  for (let n = 0; n < SESSIONS; n += 1) {
    const { session_id } = await post(service, '/sessions', {}, createdSession);
    await chat(service, session_id, INSTANT);
    const stream = await openStream(
      service,
      session_id,
      ({ type }) => void (previews += type === 'stream_event' ? 1 : 0),
    );
    ends.unshift(() => stream.close());
  }
  await delay(5000);
  const parts = Object.entries(PARTS);
  const before = await Promise.all(parts.map(([, command]) => cost(command)));
  const seen = previews;
  await delay(SECONDS * 1000);
  const after = await Promise.all(parts.map(([, command]) => cost(command)));
  const count = previews - seen;
  const each = after.map((ms, n) => (ms - (before[n] ?? 0)) / count);
  const sum = each.reduce((all, ms) => all + ms, 0);
  reportFigure('preview.cpu', sum);
  const named = parts.map(([name], n) => `${name} ${(each[n] ?? 0).toFixed(2)}`);
  console.log(
    `a preview: ${sum.toFixed(2)} ms of processor time (${named.join(', ')}), ${(count / SECONDS).toFixed(0)} a second`,
  );
}

try {
  await main();
} finally {
  for (const end of ends) await end();
}
