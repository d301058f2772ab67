import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import { findClaude } from '../../../container/build/claude-binary.ts';
import { createdSession } from '../../../protocol/api/session/session.ts';
import { isRefused } from '../../../start/lib/refused.ts';
import { costOf, EDGE, findBelow } from '../../lib/process-cost.ts';
import { makeScratch } from '../../lib/scratch.ts';
import { startService } from '../../lib/service.ts';
import { post } from '../../lib/stack-session.ts';
import { median } from '../../lib/statistics.ts';

/**
 * What a long message costs the edge (workerd): its processor time, what it writes to the disk, and how long the call takes. It
 * waits in its session, so no agent works.
 *
 * `node bench/rows/edge/prompt-cost.ts [BYTES] [MESSAGES]`
 */

const BYTES = Number(process.argv[2] ?? 1024 * 1024 - 100);
const MESSAGES = Number(process.argv[3] ?? 40);
/** Between two messages, milliseconds: within the bounds of an owner. */
const PAUSE_MS = 200;

const ends: (() => Promise<void>)[] = [];

async function main(): Promise<void> {
  const found = await findClaude(process.arch === 'arm64' ? 'arm64' : 'x64');
  if (!found.ok) throw new Error(found.detail);
  const scratch = await makeScratch();
  ends.push(scratch.remove);
  const folder = path.join(scratch.folder, 'service');
  await mkdir(folder);
  const service = await startService(
    { backend: 'process', folder, claude: found.path },
    (stop) => void ends.unshift(stop),
  );
  if (isRefused(service)) throw new Error(service.refused);
  const edge = await findBelow(EDGE);
  // It waits for a runner that never comes.
  const nowhere = { config: { runner: { labels: { bench: 'nowhere' } } } };
  const { session_id } = await post(service, '/sessions', nowhere, createdSession);
  const send = async (): Promise<number> => {
    const began = performance.now();
    await post(service, `/sessions/${session_id}/chat`, { prompt: 'x'.repeat(BYTES), stream: true }, z.unknown());
    return performance.now() - began;
  };
  for (let n = 0; n < 5; n += 1) await send();
  await delay(1000);
  const before = await costOf(edge);
  const times: number[] = [];
  for (let n = 0; n < MESSAGES; n += 1) {
    times.push(await send());
    await delay(PAUSE_MS);
  }
  const after = await costOf(edge);
  const cpu = (after.cpuMs - before.cpuMs) / MESSAGES;
  const written = (after.diskBytes - before.diskBytes) / MESSAGES / 1024 / 1024;
  console.log(
    `a message of ${BYTES} bytes: ${cpu.toFixed(1)} ms of workerd's processor time, ${written.toFixed(2)} MB written, answered in ${median(times).toFixed(1)} ms`,
  );
}

try {
  await main();
} finally {
  for (const end of ends) await end();
}
