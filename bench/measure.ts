import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { isRefused } from '../start/lib/refused.ts';
import { sessionImage } from './lib/docker-image.ts';
import { makeStampingClaude, measureLines, type LineSamples } from './rows/lines.ts';
import type { BenchOptions } from './options.ts';
import type { Measured } from './table/from-samples.ts';
import { Quiet } from './lib/quiet.ts';
import { startRawModel } from './raw/raw-model.ts';
import { measureRound, noSamples, type Contenders, type Samples } from './rows/rounds.ts';
import { startService, type Service, type ServiceOptions } from './lib/service.ts';

export interface MeasureOptions extends BenchOptions {
  /** The binary that every contender runs. */
  claude: string;
  /** Folder for everything that is written. */
  scratch: string;
  signal: AbortSignal;
  /** Gets lines about the progress. */
  log: (line: string) => void;
  /**
   * Gets a function for each thing that was started, which ends it. The caller calls them in any case, last to first.
   */
  onEnd: (end: () => Promise<void>) => void;
}

export interface Measurement extends Measured {
  quiet: Quiet;
  /** What could not be measured, and why. */
  skipped: string[];
}

/** Measures the requested parts. @throws when a session, a message or `claude` by hand fails */
export async function measure(options: MeasureOptions): Promise<Measurement> {
  const { parts, signal } = options;
  const quiet = new Quiet();
  const skipped: string[] = [];
  const samples =
    parts.includes('process') || parts.includes('docker') ? await runRounds(options, quiet, skipped) : noSamples();
  signal.throwIfAborted();
  const lines = parts.includes('line') ? await runLines(options, quiet, skipped) : undefined;
  return { samples, lines, quiet, skipped };
}

async function runRounds(options: MeasureOptions, quiet: Quiet, skipped: string[]): Promise<Samples> {
  const { parts, rounds, claude, scratch, signal, log } = options;
  const ends: (() => Promise<void>)[] = [];
  const later = (end: () => Promise<void>) => {
    const once = onlyOnce(end);
    ends.push(once);
    options.onEnd(once);
  };

  const services = new Map<'process' | 'docker', Service>();
  const start = async (backend: 'process' | 'docker', more: Pick<ServiceOptions, 'claude' | 'image'>) => {
    const service = await startService({ backend, folder: path.join(scratch, backend), ...more }, later);
    if (isRefused(service)) skipped.push(`${backend} was not measured: ${service.refused}`);
    else services.set(backend, service);
  };
  if (parts.includes('docker')) {
    const image = await sessionImage(log, signal);
    if (typeof image !== 'string') skipped.push(`docker was not measured: ${image.refused}`);
    else await start('docker', { image });
  }
  if (parts.includes('process')) await start('process', { claude });
  for (const line of skipped) log(line);

  const folder = path.join(scratch, 'raw');
  await mkdir(folder);
  const model = await startRawModel(folder);
  later(() => model.stop());
  const contenders: Contenders = { raw: { claude, modelSocket: model.socketPath, folder, signal }, services };

  const samples = noSamples();
  // The first round does not count: it reads much from the disk for the first time.
  log('warming up');
  await measureRound(contenders, 0, noSamples(), quiet, signal);
  for (let round = 1; round <= rounds; round += 1) {
    log(`round ${round} of ${rounds}`);
    await measureRound(contenders, round, samples, quiet, signal);
  }
  for (const end of ends.toReversed()) await end();
  return samples;
}

async function runLines(options: MeasureOptions, quiet: Quiet, skipped: string[]): Promise<LineSamples | undefined> {
  const { claude, scratch, signal, log, onEnd } = options;
  const folder = path.join(scratch, 'line');
  await mkdir(folder);
  const stamps = path.join(folder, 'stamps');
  const service = await startService(
    { backend: 'process', folder, claude: await makeStampingClaude(folder, claude, stamps) },
    (end) => onEnd(onlyOnce(end)),
  );
  if (isRefused(service)) {
    skipped.push(`lines were not measured: ${service.refused}`);
    return undefined;
  }
  log('lines on their way from claude to a client');
  await quiet.wait(signal);
  return await measureLines(service, stamps);
}

function onlyOnce(end: () => Promise<void>): () => Promise<void> {
  let ended: Promise<void> | undefined;
  return () => (ended ??= end());
}
