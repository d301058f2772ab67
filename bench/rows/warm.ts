import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { findClaude } from '../../container/build/claude-binary.ts';
import { isRefused } from '../../start/lib/refused.ts';
import { sessionImage } from '../lib/docker-image.ts';
import { makeScratch } from '../lib/scratch.ts';
import { INSTANT } from '../lib/script.ts';
import { startService, type Service } from '../lib/service.ts';
import { newSession } from '../lib/stack-session.ts';
import { median, pairedRatio } from '../lib/statistics.ts';
import { keepOpen } from '../raw/raw-claude.ts';
import { startRawModel } from '../raw/raw-model.ts';
import { reportFigure } from '../table/figures.ts';

/**
 * From a new session to its first result, started from a spare: against a `claude` that is started by hand for the same prompt.
 *
 * `node bench/rows/warm.ts [--rounds 11] [--only process|docker]`
 */

const BACKENDS = ['process', 'docker'] as const;
/** A spare is begun some seconds after the last start, milliseconds. */
const SPARE_MS = 120_000;
const POLL_MS = 100;
/** What has just become ready settles, milliseconds. */
const SETTLE_MS = 1_000;

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '11' }, only: { type: 'string' } },
});
const ends: (() => Promise<void>)[] = [];
const onEnd = (end: () => Promise<void>): void => void ends.unshift(end);

interface Contender {
  readonly service: Service;
  /** What its runner has logged. */
  readonly log: () => Promise<string>;
  readonly samples: number[];
  readonly byHand: number[];
}

const count = (text: string, event: string) => text.split(`"event":"${event}"`).length - 1;

/** @throws when none waits in time */
async function untilSpare({ log }: Contender): Promise<void> {
  const deadline = performance.now() + SPARE_MS;
  for (;;) {
    const text = await log();
    if (count(text, 'a spare waits') > count(text, 'spare claimed') + count(text, 'a spare has ended')) break;
    if (performance.now() > deadline) throw new Error('no spare waits');
    await delay(POLL_MS);
  }
  await delay(SETTLE_MS);
}

async function warm(contender: Contender): Promise<number> {
  await untilSpare(contender);
  const before = count(await contender.log(), 'spare claimed');
  const session = await newSession(contender.service, INSTANT);
  await session.end();
  if (count(await contender.log(), 'spare claimed') === before) throw new Error('the session started cold');
  return session.firstResultMs;
}

async function start(backend: (typeof BACKENDS)[number], folder: string, claude: string): Promise<Contender | null> {
  const image =
    backend === 'docker'
      ? await sessionImage((line) => console.error(`· ${line}`), new AbortController().signal)
      : undefined;
  const data = path.join(folder, backend);
  await mkdir(data);
  const own = { backend, folder: data, env: { WARM_SESSIONS: '1' } } as const;
  const refused = typeof image === 'object' ? image : undefined;
  const service =
    refused ?? (await startService({ ...own, ...(typeof image === 'string' ? { image } : { claude }) }, onEnd));
  if (isRefused(service)) {
    console.log(`  ${backend} was not measured: ${service.refused}`);
    return null;
  }
  const file = path.join(data, 'runner.log');
  return { service, log: () => readFile(file, 'utf8'), samples: [], byHand: [] };
}

async function main(): Promise<void> {
  const claude = await findClaude(process.arch === 'arm64' ? 'arm64' : 'x64');
  if (!claude.ok) throw new Error(claude.detail);
  const { folder, remove } = await makeScratch();
  onEnd(remove);
  const rawFolder = path.join(folder, 'raw');
  await mkdir(rawFolder);
  const model = await startRawModel(rawFolder);
  onEnd(() => model.stop());
  const { signal } = new AbortController();
  const raw = { claude: claude.path, modelSocket: model.socketPath, folder: rawFolder, signal };
  const byHand = async (): Promise<number> => {
    const session = await keepOpen(raw, INSTANT);
    await session.end();
    return session.firstResultMs;
  };
  for (const backend of BACKENDS.filter((one) => values.only === undefined || values.only === one)) {
    const contender = await start(backend, folder, claude.path);
    if (contender === null) continue;
    // Neither is measured while a spare is being made.
    const turns = [
      async () => void contender.samples.push(await warm(contender)),
      async () => {
        await untilSpare(contender);
        contender.byHand.push(await byHand());
      },
    ];
    for (const turn of turns) await turn();
    contender.samples.length = contender.byHand.length = 0;
    for (let round = 0; round < Number(values.rounds); round += 1)
      for (const turn of round % 2 === 0 ? turns : turns.toReversed()) await turn();
    const ratio = pairedRatio(contender.samples, contender.byHand);
    const shown = [contender.samples, contender.byHand].map((samples) => median(samples).toFixed(0));
    console.log(
      `  ${backend.padEnd(8)} from a spare ${shown[0]} ms, claude by hand ${shown[1]} ms: ${ratio.toFixed(2)} ×`,
    );
    reportFigure(`warm.${backend}`, ratio);
  }
}

try {
  await main();
} finally {
  for (const end of ends) await end();
}
