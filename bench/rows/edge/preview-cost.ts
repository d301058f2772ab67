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
import { openStream, type StreamClient } from '../../lib/stream-client.ts';
import { reportFigure } from '../../table/figures.ts';
import type { FigureId } from '../../table/rows.ts';

/**
 * The processor time of a preview, by process: sessions say a word each 30 milliseconds, and each has one viewer; then nobody.
 *
 * `node bench/rows/edge/preview-cost.ts [SESSIONS] [SECONDS]`
 */

const SESSIONS = Number(process.argv[2] ?? 4);
const SECONDS = Number(process.argv[3] ?? 10);

/** Until all have begun to say words, or what was watched has ended, milliseconds. */
const SETTLE_MS = 5000;

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
  const streams: StreamClient[] = [];
  for (let n = 0; n < SESSIONS; n += 1) {
    const { session_id } = await post(service, '/sessions', {}, createdSession);
    await chat(service, session_id, INSTANT);
    streams.push(
      await openStream(service, session_id, ({ type }) => void (previews += type === 'stream_event' ? 1 : 0)),
    );
  }
  await delay(SETTLE_MS);
  const seen = previews;
  const watched = await spend();
  const count = previews - seen;
  tell('a preview', 'preview.cpu', watched, count);
  for (const stream of streams) await stream.close();
  await delay(SETTLE_MS);
  // As many are said as before.
  tell('a preview that nobody watches', 'preview.unwatched', await spend(), count);
}

/** What each part spends in `SECONDS`, milliseconds. */
async function spend(): Promise<number[]> {
  const commands = Object.values(PARTS);
  const before = await Promise.all(commands.map(cost));
  await delay(SECONDS * 1000);
  const after = await Promise.all(commands.map(cost));
  return after.map((ms, n) => ms - (before[n] ?? 0));
}

function tell(what: string, id: FigureId, spent: readonly number[], count: number): void {
  const each = spent.map((ms) => ms / count);
  const sum = each.reduce((all, ms) => all + ms, 0);
  reportFigure(id, sum);
  const named = Object.keys(PARTS).map((name, n) => `${name} ${(each[n] ?? 0).toFixed(2)}`);
  const pace = `${(count / SECONDS).toFixed(0)} a second`;
  console.log(`${what}: ${sum.toFixed(2)} ms of processor time (${named.join(', ')}), ${pace}`);
}

try {
  await main();
} finally {
  for (const end of ends) await end();
}
